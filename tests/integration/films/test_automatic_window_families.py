"""Borders, markers and soft edges beside a film do not change its automatic window."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from bonefx.films import formats
from bonefx.films.automatic_window import AUTOMATIC, automatic_range, show_automatically
from bonefx.films.exposed_field import with_exposed_field
from bonefx.films.raster import encode_png
from tests.fixtures.bordered_films import BOXES, HEIGHT, WIDTH, draw_limb, with_border
from tests.fixtures.dicom_files import apply_linear_window, make_dicom
from tests.fixtures.records import make_radiograph

DEPTHS = {  # smallest and largest value of the film, and of the detector
    "12 bit": (1000, 3500, 4095),
    "14 bit": (4000, 12_000, 16_383),
    "16 bit": (8000, 30_000, 65_535),
}
TOLERANCE = 0.02  # mean difference of the display


def make_film(low, high):
    """A limb with values from low to high, (HEIGHT, WIDTH)."""
    limb = draw_limb().astype(np.float64)
    return low + (high - low) * (limb - limb.min()) / np.ptp(limb)


def difference(values, film, inside):
    """Return how far values are displayed from the film alone, where it lies."""
    shown = show_automatically(np.rint(values).astype(np.uint16))
    read = with_exposed_field(
        make_radiograph(pixels=shown.pixels, full=shown.full, windows=shown.windows)
    )
    own = film[inside]
    expected = (own - own.min()) / np.ptp(own)
    return np.abs(read.pixels[inside] - expected).mean()


def field_of(shape):
    """Return which pixels lie in a field of the shape."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    if shape == "circle":
        return ((x / WIDTH - 0.5) / 0.46) ** 2 + ((y / HEIGHT - 0.5) / 0.46) ** 2 < 1
    if shape == "tilted":
        return with_border(draw_limb(), BOXES["all"], tone=0.0, angle_deg=5)[1]
    edges = {"frame": (5, 5, HEIGHT - 5, WIDTH - 5), "rectangle": BOXES["all"]}
    top, left, bottom, right = edges.get(shape, BOXES["left"])
    return (y >= top) & (y < bottom) & (x >= left) & (x < right)


@pytest.mark.parametrize("white", [False, True])
@pytest.mark.parametrize("noise", [0, 1, 3, 20])
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("shape", ["rectangle", "circle", "tilted", "left", "frame"])
def test_a_border_with_noise_is_not_taken_for_the_film(shape, depth, noise, white):
    low, high, largest = DEPTHS[depth]
    inside, film = field_of(shape), make_film(low, high)
    grain = np.random.default_rng(0).integers(0, noise + 1, film.shape)
    border = largest - grain if white else grain
    assert automatic_range(np.where(inside, film, border))[1] > low + 0.5 * (high - low)
    gap = (largest - high if white else low) / ((largest if white else high) - white * low)
    if gap > 0.25:  # a nearer border may stay in the window and takes a quarter of it at most
        assert difference(np.where(inside, film, border), film, inside) < TOLERANCE


@pytest.mark.parametrize("noise", [0, 1, 3, 20])
@pytest.mark.parametrize("shape", ["rectangle", "circle", "tilted", "left", "frame"])
def test_a_valid_window_is_used_beside_a_border_with_noise(shape, noise):
    film = np.rint(make_film(1000, 3500)).astype(np.uint16)
    grain = np.random.default_rng(0).integers(0, noise + 1, film.shape)
    stored = np.where(field_of(shape), film, grain).astype(np.uint16)
    read = formats.read_bytes(make_dicom(stored, WindowCenter="2250", WindowWidth="2500"))
    assert read.notes == ()
    np.testing.assert_allclose(read.pixels, apply_linear_window(stored, 2250, 2500), atol=1e-5)


def with_marker(film, *, size, value, softness_px, line=cv2.LINE_AA):
    """Return a film with a letter, which pixels are the film's alone, and the letter's share."""
    letter = np.zeros(film.shape, np.uint8)
    thick = max(3, int(2 * size))
    cv2.putText(letter, "R", (8, int(12 + 22 * size)), 0, size, 255, thick, line)
    share: NDArray[Any] = letter / 255
    if softness_px:
        share = cv2.GaussianBlur(share, (0, 0), softness_px)
    return film * (1 - share) + value * share, share < 1e-4, (share > 0.5).mean()


@pytest.mark.parametrize(
    ("size", "value", "softness_px"),
    [
        (size, value, softness_px)
        for size in (0.6, 0.8, 1.2, 2)
        for value in (4095, 16_383, 65_535)
        for softness_px in (0, 0.5, 1, 1.5)
        if (size, value, softness_px) != (0.6, 4095, 1.5)  # too blurred, not brighter than bone
    ],
)
def test_a_bright_marker_with_soft_edges_does_not_darken_the_film(size, value, softness_px):
    film = make_film(300, 1700)
    values, own, share = with_marker(film, size=size, value=value, softness_px=softness_px)
    assert 0.001 <= share <= 0.025
    assert difference(values, film, own) < TOLERANCE


@pytest.mark.parametrize("value", [2500, 2750, 3000])
@pytest.mark.parametrize("size", [0.6, 0.8, 1.2, 2])
def test_a_sharp_marker_a_little_brighter_takes_no_part_of_the_range(size, value):
    film = make_film(300, 1700)
    values, own, _ = with_marker(film, size=size, value=value, softness_px=0, line=8)
    assert difference(values, film, own) < TOLERANCE


@pytest.mark.parametrize("softness_px", [0.7, 1, 1.5, 2, 3])
@pytest.mark.parametrize("tone", [0, 4095])
@pytest.mark.parametrize("sides", BOXES)
def test_the_soft_edge_of_a_border_does_not_spoil_the_window_of_the_field(sides, tone, softness_px):
    film = make_film(1000, 3500)
    values, _ = with_border(film, BOXES[sides], tone=tone, softness_px=softness_px)
    whole = with_border(np.ones_like(film), BOXES[sides], tone=0, softness_px=softness_px)[0]
    assert difference(values, film, whole > 0.999) < 2 * TOLERANCE


@pytest.mark.parametrize("share", [0.002, 0.01, 0.05])
def test_metal_that_is_denser_than_bone_stays_visible(share):
    film = make_film(1000, 3000)
    side = int((share * film.size) ** 0.5)
    film[100 : 100 + side, 80 : 80 + side] = np.linspace(3000, 3900, side)
    low, high = automatic_range(film)
    assert (film < low).mean() + (film > high).mean() <= 0.005
    assert high >= 3000


@pytest.mark.parametrize("seed", range(3))
def test_a_film_without_border_or_marker_keeps_all_of_its_values(seed):
    film = np.rint(draw_limb(seed=seed, black_air=bool(seed % 2)) * 4095)
    assert automatic_range(film) == (film.min(), film.max())


def test_steps_of_few_levels_are_no_gaps():
    levels = (np.arange(HEIGHT)[:, None] // 32 + np.zeros((1, WIDTH))) * 8192
    assert automatic_range(levels) == (0, 7 * 8192)


def test_a_film_of_8_bits_is_not_windowed():
    values, _ = with_border(draw_limb() * np.float32(0.5), BOXES["left"], tone=1.0, softness_px=1)
    stored = np.rint(values * 255).astype(np.uint8)
    read = formats.read_bytes(encode_png(stored))
    assert AUTOMATIC not in [window.name for window in read.windows]
    np.testing.assert_array_equal(read.pixels, stored / np.float32(255))
