"""Pixel padding is black and is not measured."""

from __future__ import annotations

import numpy as np
import pytest

from bonefx.films import formats
from tests.fixtures.dicom_files import apply_linear_window, with_raw
from tests.fixtures.dicom_matrix import StoredForm, make_film
from tests.fixtures.image_files import make_grey

PADDED = np.zeros((80, 96), bool)
PADDED[:, :20] = PADDED[70:] = True
SIGNED_12 = StoredForm(signed=True)
UNSIGNED_16 = StoredForm(stored=16, high=15)
SIGNED_16 = StoredForm(stored=16, high=15, signed=True)


def padded_values(value, *, low=500, high=3000):
    values = make_grey(low=low, high=high, dtype=np.int64)
    values[PADDED] = value
    return values


def spread(values):
    film = values[~PADDED]
    return np.clip((values - film.min()) / np.ptp(film), 0, 1)


def check(data, expected, *, white_is_zero=False):
    film = formats.read_bytes(data)
    expected = np.where(PADDED, 0, 1 - expected if white_is_zero else expected)
    np.testing.assert_allclose(film.pixels, expected, atol=1e-4)
    assert film.values[PADDED].max() == 0.0
    assert film.notes == ()


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    ("form", "value", "vr", "written"),
    [
        (StoredForm(), 0, "US", 0),
        (StoredForm(), 4095, "US", 4095),
        (StoredForm(), 4095, "SS", 4095),
        (StoredForm(), 4095, "IS", 4095),
        (StoredForm(high=15), 4095, "US", 4095),
        (StoredForm(beside=0xF000), 4095, "US", 4095),
        (UNSIGNED_16, 65535, "US", 65535),
        (UNSIGNED_16, 65535, "SS", -1),
        (UNSIGNED_16, 0, "US", 0),
        (SIGNED_16, -32768, "SS", -32768),
        (SIGNED_16, -32768, "US", 32768),
        (SIGNED_16, -2000, "SS", -2000),
        (SIGNED_16, -2000, "US", 63536),
        (SIGNED_12, -2000, "SS", -2000),
        (SIGNED_12, -2000, "US", 63536),
        (SIGNED_12, -2000, "US", 2096),
        (StoredForm(signed=True, high=15), -2048, "SS", -2048),
    ],
)
@pytest.mark.parametrize("window", [True, False])
def test_padding_is_black(form, value, vr, written, photometric, window):
    values = padded_values(value, low=100, high=1900)
    voi = {"WindowCenter": "1000", "WindowWidth": "1200"} if window else {}
    data = make_film(form, values, PhotometricInterpretation=photometric, **voi)
    size = {"US": "<u2", "SS": "<i2"}.get(vr)
    raw = str(written).encode() if size is None else np.array([written], size).tobytes()
    expected = apply_linear_window(values, 1000, 1200) if window else spread(values)
    check(
        with_raw(data, PixelPaddingValue=(vr, raw)),
        expected,
        white_is_zero=photometric == "MONOCHROME1",
    )


def test_padding_written_as_the_whole_container():
    values = padded_values(0)
    data = make_film(StoredForm(), values)
    containers = values.astype("<u2")
    containers[PADDED] = 0x8000  # outside of the 12 bits that are stored
    data = data.replace(values.astype("<u2").tobytes(), containers.tobytes())
    check(with_raw(data, PixelPaddingValue=("US", b"\x00\x80")), spread(values))


@pytest.mark.parametrize(("first", "last"), [(0, 50), (50, 0), (-10, 50)])
def test_a_range_of_padding_values(first, last):
    values = padded_values(0)
    values[PADDED] = np.random.default_rng(0).integers(max(0, first), 51, PADDED.sum())
    form = SIGNED_16 if first < 0 else StoredForm()
    data = make_film(form, values, PixelPaddingValue=first, PixelPaddingRangeLimit=last)
    check(data, spread(values))


def test_padding_is_found_before_the_modality_transform():
    values = padded_values(4000)
    data = make_film(
        StoredForm(), values, PixelPaddingValue=4000, RescaleSlope="-1", RescaleIntercept="4095"
    )
    check(data, 1 - spread(values))


def test_padding_does_not_hide_a_window_that_fits():
    values = padded_values(-30_000)
    data = make_film(
        SIGNED_16, values, PixelPaddingValue=-30_000, WindowCenter="1500", WindowWidth="2000"
    )
    check(data, apply_linear_window(values, 1500, 2000))
    film = values[~PADDED]  # the window is given in the range of the film, without padding
    low = (1500 - 0.5 - 1999 / 2 - film.min()) / np.ptp(film)  # C.11.2.1.2.1
    assert formats.read_bytes(data).windows[0].low == pytest.approx(low)


@pytest.mark.parametrize("value", [7, 4096, 0xFFFF])
def test_a_padding_value_that_no_pixel_has_does_nothing(value):
    values = make_grey(low=500, high=3000, dtype=np.int64)
    plain = formats.read_bytes(make_film(StoredForm(), values))
    film = formats.read_bytes(make_film(StoredForm(), values, PixelPaddingValue=value))
    np.testing.assert_array_equal(film.pixels, plain.pixels)


def test_a_film_of_padding_alone_is_read_as_it_is():
    values = np.full((80, 96), 700)
    film = formats.read_bytes(make_film(StoredForm(), values, PixelPaddingValue=700))
    assert np.isfinite(film.pixels).all()
