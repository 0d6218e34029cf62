"""The window of a film whose file gives none: which values become black and white."""

from __future__ import annotations

import numpy as np
import pytest

from bonefx.films.automatic_window import (
    AUTOMATIC,
    automatic_range,
    fit_to_field,
    show_automatically,
)
from bonefx.records import PixelBox, Window, convex_mask
from tests.fixtures.image_files import HEIGHT, WIDTH, make_grey
from tests.fixtures.records import make_radiograph

LOW, HIGH = 1000, 5000


def make_film():
    """A film of values from LOW to HIGH; most lie in the lower half, as on films of limbs."""
    share = make_grey(high=1000, dtype=np.uint16) / 1000
    return (LOW + (HIGH - LOW) * share**2).astype(np.uint16)


def test_a_film_without_outliers_spans_its_smallest_to_largest_value():
    film = make_film()
    shown = show_automatically(film)
    np.testing.assert_allclose(shown.pixels, (film - 1000.0) / 4000, atol=1e-6)
    assert shown.full is shown.pixels
    assert shown.windows == (Window(name=AUTOMATIC, low=0.0, high=1.0),)


@pytest.mark.parametrize("seed", range(5))
def test_the_tails_of_noise_are_not_outliers(seed):
    values = np.random.default_rng(seed).normal(2000, 150, (HEIGHT, WIDTH))
    assert automatic_range(values) == (values.min(), values.max())


@pytest.mark.parametrize("other", [0xFFFF, 40_000])
@pytest.mark.parametrize("share", [0.001, 0.02, 0.2, 0.6, 0.9])
def test_a_marker_or_border_far_brighter_does_not_squeeze_the_film(other, share):
    film = make_film()
    film.ravel()[: int(share * film.size)] = other
    assert automatic_range(film)[0] == film.min()
    assert automatic_range(film)[1] <= HIGH
    assert show_automatically(film).pixels.ravel()[0] == 1.0


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32])
def test_a_border_far_darker_becomes_black(dtype):
    film = make_film().astype(dtype)
    film[:, :30] = -30_000
    shown = show_automatically(film)
    assert shown.pixels[:, :30].max() == 0.0
    np.testing.assert_allclose(
        shown.pixels[:, 30:],
        (film[:, 30:] - film[:, 30:].min()) / np.float64(np.ptp(film[:, 30:])),
        atol=1e-5,
    )


def test_a_dark_border_and_a_bright_marker_are_both_cut():
    film = make_film().astype(np.int32) + 100_000
    film[:20], film[-5:] = 0, 1_000_000
    assert automatic_range(film) == (film[20:-5].min(), film[20:-5].max())


@pytest.mark.parametrize("values", [[7, 7], [7, 9]])
def test_values_that_are_nearly_all_equal_keep_their_range(values):
    film = np.full((HEIGHT, WIDTH), values[0], np.uint16)
    film[0, 0] = values[1]
    assert automatic_range(film) == (values[0], values[1])
    shown = show_automatically(film)
    assert shown.pixels[1, 1] == 0.0
    assert np.isfinite(shown.pixels).all()


def test_pixels_outside_the_film_are_black_and_not_measured():
    film = make_film()
    outside = np.zeros(film.shape, bool)
    outside[:10] = True
    film[outside] = 60_000
    for white_is_zero in (False, True):
        shown = show_automatically(film, white_is_zero=white_is_zero, outside=outside)
        expected = (film[10:] - float(film[10:].min())) / np.ptp(film[10:])
        expected = 1 - expected if white_is_zero else expected
        np.testing.assert_allclose(shown.pixels[10:], expected, atol=1e-5)
        assert shown.pixels[:10].max() == shown.full[:10].max() == 0.0


def test_the_first_window_shows_all_values_as_pixels():
    film = make_film()
    film[:3, :3] = 65_535
    for white_is_zero in (False, True):
        pixels, full, (window,) = show_automatically(film, white_is_zero=white_is_zero)
        shown = np.clip((full - window.low) / (window.high - window.low), 0, 1)
        np.testing.assert_allclose(shown, pixels, atol=1e-4)
        assert (full.min(), full.max()) == (0.0, 1.0)


def test_only_the_exposed_field_is_measured():
    film = make_film()
    field = PixelBox(top=20, left=10, bottom=60, right=50)
    inside = film[20:60, 10:50]
    pixels, full, windows = show_automatically(film)
    read = make_radiograph(pixels=pixels, full=full, windows=windows, field=field)
    fitted = fit_to_field(read).pixels[field.slices]
    expected = (inside - float(inside.min())) / np.ptp(inside)
    np.testing.assert_allclose(fitted, expected, atol=1e-5)


def test_the_corners_beside_a_tilted_field_are_not_measured():
    full = np.full((60, 60), 1.0, np.float32)  # a white mount
    field = PixelBox(top=10, left=10, bottom=50, right=50)
    corners = ((30.0, 10.0), (50.0, 30.0), (30.0, 50.0), (10.0, 30.0))
    inside = convex_mask(corners, field)
    full[field.slices][inside] = np.linspace(0.055, 0.66, inside.sum())
    window = Window(name=AUTOMATIC, low=0.0, high=1.0)
    film = make_radiograph(
        pixels=full, full=full, windows=(window,), field=field, field_corners=corners
    )
    (fitted,) = fit_to_field(film).windows
    assert (fitted.low, fitted.high) == pytest.approx((0.055, 0.66), abs=1e-6)


def test_a_window_of_the_file_is_not_fitted_to_the_field():
    field = PixelBox(top=0, left=0, bottom=9, right=9)
    full = show_automatically(make_film()).pixels
    own = (Window(name="", low=0.2, high=0.4),)
    pixels = np.clip(full * 5 - 1, 0, 1)
    film = make_radiograph(pixels=pixels, full=full, windows=own, field=field)
    assert fit_to_field(film) is film
    assert fit_to_field(make_radiograph(field=field)).full is None
