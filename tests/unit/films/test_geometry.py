"""Films whose pixels are not square are made so."""

from __future__ import annotations

import numpy as np
import pytest

from bonefx.films import formats
from bonefx.films.geometry import with_square_pixels
from bonefx.records import FilmNote
from tests.fixtures.dicom_files import make_dicom
from tests.fixtures.image_files import make_grey
from tests.fixtures.records import make_radiograph

STORED = make_grey(high=4095, dtype=np.uint16)  # 80 x 96


@pytest.mark.parametrize(
    ("header", "shape", "spacing"),
    [
        ({"PixelSpacing": ["0.1", "0.2"]}, (80, 192), (0.1, 0.1)),
        ({"PixelSpacing": ["0.2", "0.1"]}, (160, 96), (0.1, 0.1)),
        ({"PixelSpacing": ["0.1", "0.15"]}, (80, 144), (0.1, 0.1)),
        ({"ImagerPixelSpacing": ["0.3", "0.1"]}, (240, 96), (0.1, 0.1)),
        ({"PixelAspectRatio": ["2", "1"]}, (160, 96), None),
        ({"PixelAspectRatio": ["1", "2"]}, (80, 192), None),
        (
            {"PixelSpacing": ["0.2", "0.2"], "ImagerPixelSpacing": ["0.1", "0.2"]},
            (80, 96),
            (0.2, 0.2),
        ),
        ({"PixelSpacing": ["0.2", "0.2"], "PixelAspectRatio": ["1", "2"]}, (80, 96), (0.2, 0.2)),
        ({"PixelSpacing": ["0", "0.2"], "PixelAspectRatio": ["1", "2"]}, (80, 192), None),
    ],
)
@pytest.mark.parametrize("window", [{}, {"WindowCenter": "2000", "WindowWidth": "1000"}])
def test_the_coarser_direction_is_enlarged(header, shape, spacing, window):
    plain = formats.read_bytes(make_dicom(STORED, **window))
    film = formats.read_bytes(make_dicom(STORED, **header, **window))
    assert film.pixels.shape == film.values.shape == shape
    assert film.spacing_mm == pytest.approx(spacing)
    changed = shape != (80, 96)
    assert film.notes == ((FilmNote.PIXELS_MADE_SQUARE,) if changed else ())
    assert film.windows == plain.windows
    rows, columns = shape[0] // 80, shape[1] // 96
    if rows * 80 == shape[0] and columns * 96 == shape[1]:
        blocks = film.pixels.reshape(80, rows, 96, columns).mean((1, 3))
        assert np.abs(blocks - plain.pixels).mean() < 0.03
    assert 0 <= film.pixels.min() <= film.pixels.max() <= 1


@pytest.mark.parametrize("aspect", [None, 1.0, 1.0099, 1 / 1.0099, 4.1, 0.2, 100.0])
def test_square_pixels_and_absurd_ratios_are_left_alone(aspect):
    film = make_radiograph()
    assert with_square_pixels(film, aspect) is film


@pytest.mark.parametrize(
    ("shape", "aspect", "expected", "side"),
    [((8000, 6000), 2.0, (8000, 3000), 0.2), ((8000, 6000), 0.5, (4000, 6000), 0.2)],
)
def test_a_film_that_would_be_too_large_is_made_smaller(shape, aspect, expected, side):
    spacing = (0.1 * aspect, 0.1) if aspect > 1 else (0.1, 0.1 / aspect)
    film = make_radiograph(pixels=np.zeros(shape, np.float32), spacing_mm=spacing)
    square = with_square_pixels(film, aspect)
    assert square.pixels.shape == expected
    assert square.spacing_mm == pytest.approx((side, side))
