"""Turning, mirroring, cropping and inverting films."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from bonefx.errors import SettingsError
from bonefx.records import (
    FilmEdit,
    PixelBox,
    Window,
    box_as_read,
    box_of_edges,
    crop_radiograph,
    edit_matrix,
    edit_radiograph,
    invert_radiograph,
    mirror_radiograph,
    turn_radiograph,
)
from tests.fixtures.records import make_radiograph

HEIGHT, WIDTH = 90, 130
FIELD = PixelBox(top=3, left=10, bottom=80, right=100)


@pytest.fixture
def film():
    """Return a film whose pixels are all different, with a field and pixels that are not square."""
    values = np.arange(HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH) / (HEIGHT * WIDTH)
    return make_radiograph(
        pixels=values / 2,
        full=values,
        windows=(Window(name="", low=0.0, high=2.0),),
        spacing_mm=(0.1, 0.2),
        field=FIELD,
    )


def test_a_quarter_turn_is_clockwise_and_swaps_the_spacing(film):
    turned = turn_radiograph(film, 1)
    np.testing.assert_array_equal(turned.pixels[0], film.pixels[::-1, 0])  # left column on top
    np.testing.assert_array_equal(turned.full, np.rot90(film.full, -1))
    assert turned.spacing_mm == (0.2, 0.1)
    assert turned.edit == FilmEdit(quarter_turns=1)
    assert turned.sha256 == film.sha256


@pytest.mark.parametrize("turns", [-3, -1, 0, 1, 2, 3, 4, 5])
def test_the_field_turns_with_the_film(film, turns):
    turned = turn_radiograph(film, turns)
    np.testing.assert_array_equal(turned.exposed, np.rot90(film.exposed, -turns))
    back = turn_radiograph(turned, -turns)
    np.testing.assert_array_equal(back.pixels, film.pixels)
    assert (back.field, back.edit, back.spacing_mm) == (FIELD, film.edit, film.spacing_mm)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_tilted_field_turns_and_mirrors_with_the_film(film, turns):
    tilted = replace(film, field_corners=((30, 3), (100, 20), (80, 80), (10, 60)))
    assert (tilted.exposed == 0).mean() > 0.2
    turned = turn_radiograph(tilted, turns)
    np.testing.assert_array_equal(turned.exposed, np.rot90(tilted.exposed, -turns))
    mirrored = mirror_radiograph(turned)
    np.testing.assert_array_equal(mirrored.exposed, turned.exposed[:, ::-1])


def test_mirroring_swaps_left_and_right_and_the_field(film):
    mirrored = mirror_radiograph(film)
    np.testing.assert_array_equal(mirrored.pixels, film.pixels[:, ::-1])
    np.testing.assert_array_equal(mirrored.exposed, film.exposed[:, ::-1])
    assert mirror_radiograph(mirrored).edit == film.edit


def test_cropping_keeps_the_part_and_drops_the_field(film):
    box = PixelBox(top=5, left=20, bottom=85, right=100)
    cropped = crop_radiograph(film, box)
    np.testing.assert_array_equal(cropped.pixels, film.pixels[5:85, 20:100])
    np.testing.assert_array_equal(cropped.values, film.full[5:85, 20:100])
    assert cropped.field is None
    assert cropped.edit.crop == box


CHANGES = {
    "turn": lambda film: turn_radiograph(film, 1),
    "turn back": lambda film: turn_radiograph(film, 3),
    "mirror": mirror_radiograph,
    "invert": invert_radiograph,
    "crop": lambda film: crop_radiograph(
        film,
        PixelBox(top=4, left=7, bottom=film.pixels.shape[0] - 1, right=film.pixels.shape[1] - 2),
    ),
}


@pytest.mark.parametrize("names", list(itertools.product(CHANGES, repeat=3)), ids="-".join)
def test_the_recorded_edit_makes_the_same_film_from_the_file(film, names):
    changed = film
    for name in names:
        changed = CHANGES[name](changed)
    again = edit_radiograph(film, changed.edit)
    np.testing.assert_allclose(again.pixels, changed.pixels, atol=1e-6)
    np.testing.assert_allclose(again.full, changed.full, atol=1e-6)
    assert again.edit == changed.edit
    assert again.spacing_mm == changed.spacing_mm
    assert again.field == changed.field


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        pytest.param((0, 0, 91, 130), "does not lie on the film", id="too low"),
        pytest.param((0, 0, 90, 131), "does not lie on the film", id="too far right"),
        pytest.param((0, 0, 63, 130), "less than 64", id="too flat"),
        pytest.param((0, 60, 90, 123), "less than 64", id="too narrow"),
    ],
)
def test_a_part_that_cannot_be_read_is_refused(film, edges, message):
    with pytest.raises(SettingsError, match=message):
        crop_radiograph(film, box_of_edges(edges))


@pytest.mark.parametrize(
    "edges",
    [
        *((5, 0, 5, 9), (0, 9, 9, 3), (-1, 0, 5, 5), (0, 0, 5), (0, 0, 5, 5, 5)),
        *(5, ["0", "0", "90", "90"], {"top": 0}, [None] * 4, [0.5, 1, 2, 3], [False, 0, 90, True]),
        *([0.0, 0, 90, 90], "1234", None, [[0, 0], [90, 90]]),
    ],
)
def test_edges_that_are_no_box_are_refused(edges):
    with pytest.raises(SettingsError, match=r"four whole numbers.*correct them"):
        box_of_edges(edges)


CROP = PixelBox(top=5, left=8, bottom=85, right=100)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("crop", [None, CROP])
def test_the_matrix_of_an_edit_moves_points_as_the_edit_moves_pixels(film, crop, mirrored, turns):
    shown = edit_radiograph(film, FilmEdit(crop=crop, mirrored=mirrored, quarter_turns=turns))
    a, b, c, d, e, f = edit_matrix(shown)
    for row, column in ((10, 20), (70, 95)):
        x, y = column + 0.5, row + 0.5  # centre of the pixel
        at = int(b * x + d * y + f), int(a * x + c * y + e)
        assert shown.pixels[at] == film.pixels[row, column]


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("crop", [None, CROP])
def test_a_box_of_the_film_as_shown_holds_the_same_pixels_of_the_film_as_read(
    film, crop, mirrored, turns
):
    edit = FilmEdit(crop=crop, mirrored=mirrored, quarter_turns=turns)
    shown = edit_radiograph(film, edit)
    box = PixelBox(top=3, left=7, bottom=20, right=40)
    back = box_as_read(box, shape=shown.pixels.shape, edit=edit)
    expected = np.sort(shown.pixels[box.slices], axis=None)
    assert np.array_equal(np.sort(film.pixels[back.slices], axis=None), expected)
