"""Borders of films are found and cut; anatomy is not."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from bonefx.films import formats
from bonefx.films.automatic_window import AUTOMATIC
from bonefx.films.exposed_field import find_exposed_field, with_exposed_field
from bonefx.films.raster import encode_png
from bonefx.records import PixelBox, Window, convex_mask, mirror_radiograph, turn_radiograph
from tests.fixtures.bordered_films import BOXES, draw_limb, with_border
from tests.fixtures.records import make_radiograph


def field_mask(values):
    """Return the pixels of the field that is found; all pixels without one."""
    field = find_exposed_field(values)
    mask = np.zeros(values.shape, bool)
    if field is None:
        return ~mask
    mask[field.box.slices] = convex_mask(field.corners, field.box) if field.corners else True
    return mask


def overlap(found, expected):
    return (found & expected).sum() / (found | expected).sum()


@pytest.mark.parametrize("softness_px", [0, 1, 3])
@pytest.mark.parametrize("tone", [1.0, 0.85, 0.5])
@pytest.mark.parametrize("sides", BOXES)
def test_light_borders_are_cut_and_the_film_is_kept(sides, tone, softness_px):
    values, inside = with_border(draw_limb(), BOXES[sides], tone=tone, softness_px=softness_px)
    found = field_mask(values)
    assert overlap(found, inside) > 0.95
    assert (inside & ~found).sum() < 0.015 * inside.sum()


@pytest.mark.parametrize("softness_px", [0, 1])
@pytest.mark.parametrize("sides", BOXES)
def test_black_borders_are_cut_and_the_film_is_kept(sides, softness_px):
    values, inside = with_border(draw_limb(), BOXES[sides], tone=0.0, softness_px=softness_px)
    found = field_mask(values)
    assert overlap(found, inside) > 0.95
    assert (inside & ~found).sum() < 0.015 * inside.sum()


@pytest.mark.parametrize("tone", [1.0, 0.0])
@pytest.mark.parametrize("angle_deg", [-9, -5, -2, 1, 3, 9])
def test_a_tilted_collimator_leaves_a_tilted_field(angle_deg, tone):
    values, inside = with_border(draw_limb(), BOXES["all"], tone=tone, angle_deg=angle_deg)
    found = field_mask(values)
    assert overlap(found, inside) > 0.95
    assert (inside & ~found).sum() < 0.015 * inside.sum()


def test_black_bars_beside_black_air_are_cut():
    values, inside = with_border(draw_limb(black_air=True), BOXES["bars"], tone=0.0)
    assert overlap(field_mask(values), inside) > 0.95


def test_a_mount_on_a_canvas_is_cut_in_two_rounds():
    mounted, _ = with_border(draw_limb(), (50, 46, 206, 162), tone=0.9)
    values, inside = with_border(mounted, (20, 18, 236, 190), tone=0.0)
    inside[:50], inside[206:], inside[:, :46], inside[:, 162:] = False, False, False, False
    assert overlap(field_mask(values), inside) > 0.95


def test_a_border_that_squeezes_the_film_is_found_in_the_values_before_windowing():
    values, inside = with_border(draw_limb() * np.float32(0.06), BOXES["all"], tone=1.0)
    assert overlap(field_mask(values), inside) > 0.95
    assert overlap(field_mask(values * 65535), inside) > 0.95


@pytest.mark.parametrize("black_air", [False, True])
@pytest.mark.parametrize("tilt", np.linspace(-0.6, 0.6, 9))
def test_a_film_without_a_border_is_not_changed(tilt, black_air):
    for seed in range(3):
        values = draw_limb(tilt=float(tilt), black_air=black_air, seed=seed)
        assert find_exposed_field(values) is None
        film = make_radiograph(pixels=values)
        assert with_exposed_field(film) is film


@pytest.mark.parametrize("values", [
    pytest.param(np.zeros((200, 200)), id="black"),
    pytest.param(np.ones((200, 200)), id="white"),
    pytest.param(np.random.default_rng(0).random((200, 200)), id="noise"),
    pytest.param(np.tile(np.linspace(0, 1, 200), (200, 1)), id="ramp"),
    pytest.param(np.clip(draw_limb() * 2.5, 0, 1), id="over-exposed limb at two edges"),
    pytest.param(np.clip(draw_limb()[:, 60:] * 2.5, 0, 1), id="over-exposed limb at three edges"),
    pytest.param(draw_limb()[:30, :30], id="tiny"),
])  # fmt: skip
def test_what_is_no_border_is_not_cut(values):
    assert find_exposed_field(values.astype(np.float32)) is None


@pytest.mark.parametrize("angle_deg", [0, 4])
def test_the_field_turns_and_mirrors_with_the_film(angle_deg):
    values, _ = with_border(draw_limb(), BOXES["two"], tone=1.0, angle_deg=angle_deg)
    film = make_radiograph(pixels=values)
    found = with_exposed_field(film)
    assert found.field is not None
    for change in (lambda one, turns=turns: turn_radiograph(one, turns) for turns in (1, 2, 3)):
        for other in (change, lambda one, change=change: mirror_radiograph(change(one))):
            expected, again = other(found), with_exposed_field(other(film))
            assert overlap(field_mask(again.pixels), field_mask(expected.pixels)) > 0.999
            np.testing.assert_allclose(
                [again.field.top, again.field.left, again.field.bottom, again.field.right],
                [expected.field.top, expected.field.left, expected.field.bottom,
                 expected.field.right], atol=1,
            )  # fmt: skip


@pytest.mark.parametrize("sides", BOXES)
def test_the_field_does_not_depend_on_polarity(sides):
    values, _ = with_border(draw_limb(), BOXES[sides], tone=0.9, softness_px=1)
    assert find_exposed_field(np.float32(1) - values) == find_exposed_field(values)


@pytest.mark.parametrize("angle_deg", [0, 5])
def test_the_automatic_window_is_that_of_the_field(angle_deg):
    limb = draw_limb() * np.float32(0.3)
    values, _ = with_border(limb, BOXES["all"], tone=1.0, angle_deg=angle_deg)
    film = make_radiograph(
        pixels=values, full=values, windows=(Window(name=AUTOMATIC, low=0.0, high=1.0),)
    )
    found = with_exposed_field(film)
    assert found.windows[0].high < 0.35
    assert found.exposed.max() == pytest.approx(1.0, abs=0.01)


def test_stated_bounds_are_refined_and_not_widened():
    values, _ = with_border(draw_limb(), (30, 40, 256, 208), tone=1.0)
    stated = PixelBox(top=0, left=0, bottom=240, right=200)
    found = with_exposed_field(replace(make_radiograph(pixels=values), field=stated))
    assert (found.field.top, found.field.left) == pytest.approx((30, 40), abs=2)
    assert (found.field.bottom, found.field.right) == (240, 200)


def test_the_wedges_of_a_tilted_field_are_black_and_the_film_itself_is_whole():
    values, inside = with_border(draw_limb(), BOXES["all"], tone=1.0, angle_deg=5)
    found = with_exposed_field(make_radiograph(pixels=values))
    assert found.field_corners
    np.testing.assert_array_equal(found.pixels, values)
    assert (found.exposed > 0.97).mean() < 0.01
    assert (found.exposed == 0).mean() > 0.1
    assert inside[found.field.slices].mean() < 0.9


def test_a_file_with_a_border_is_read_with_its_field():
    values, _ = with_border(draw_limb(), BOXES["left"], tone=1.0)
    film = formats.read_bytes(encode_png(np.rint(values * 255).astype(np.uint8)))
    assert film.field.left == pytest.approx(40, abs=2)
    assert film.pixels.shape == values.shape
    jpeg = cv2.imencode(".jpg", np.rint(values * 255).astype(np.uint8))[1].tobytes()
    assert formats.read_bytes(jpeg).field.left == pytest.approx(40, abs=2)
