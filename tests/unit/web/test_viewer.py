"""The film on screen: what its caption says."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from bonefx.records import FilmEdit, SpacingPlane, edit_radiograph
from bonefx.web.shared.viewer import MAX_FILM_PX, film_figure
from tests.fixtures.records import make_radiograph, make_reading


@pytest.mark.parametrize(("longer", "reduced"), [(MAX_FILM_PX, False), (MAX_FILM_PX + 1, True)])
def test_a_film_larger_than_the_screen_gets_is_said_to_be_reduced(longer, reduced):
    film = make_radiograph(pixels=np.full((64, longer), 0.5, np.float32))
    for reading in (None, make_reading()):
        html = film_figure(film, reading, heat_floor=0.0)
        words = f"Shown reduced to {MAX_FILM_PX:,} of {longer:,} px"
        assert (words in html) is reduced


@pytest.mark.parametrize(("bits", "shown_bits"), [(8, 8), (10, 12), (12, 12), (14, 16), (16, 16)])
def test_the_page_gets_a_film_at_its_own_depth(bits, shown_bits):
    """The values are read as readValues in viewer.js does."""
    levels = np.random.default_rng(0).integers(0, 2**bits, (70, 80))
    levels[0, :2] = 0, 2**bits - 1
    pixels = (levels / (2**bits - 1)).astype(np.float32)
    html = film_figure(make_radiograph(pixels=pixels, bits=bits), None, heat_floor=0.0)
    assert f'data-bits="{shown_bits}"' in html
    png = base64.b64decode(re.search(r'class="source"[^>]*base64,([^"]+)"', html).group(1))
    picture = np.asarray(Image.open(io.BytesIO(png))).astype(np.int64)
    match shown_bits:
        case 8:
            values = picture * 257
        case 12:
            values = picture[..., 0] << 8 | picture[..., 1]
            values |= values >> 12
        case _:
            values = picture[..., 0] << 8 | picture[..., 1]
    assert [values.min(), values.max()] == [0, 65535]
    np.testing.assert_array_equal(np.rint(values / 65535 * (2**bits - 1)), levels)


@pytest.mark.parametrize(
    ("plane", "unit"),
    [
        (SpacingPlane.PATIENT, "mm"),
        (SpacingPlane.DETECTOR, "mm at the detector plane"),
        (SpacingPlane.UNKNOWN, "mm, magnification not stated"),
    ],
)
def test_the_page_gets_the_spacing_of_rows_and_columns_with_its_unit(plane, unit):
    film = make_radiograph(spacing_mm=(0.1, 0.2), spacing_plane=plane)
    turned = edit_radiograph(film, FilmEdit(quarter_turns=1))
    for shown, spacing in ((film, "0.1 0.2"), (turned, "0.2 0.1")):
        html = film_figure(shown, None, heat_floor=0.0)
        assert f'data-spacing="{spacing}" data-unit="{unit}"' in html


def test_a_film_without_spacing_is_measured_in_pixels():
    html = film_figure(make_radiograph(), None, heat_floor=0.0)
    assert 'data-spacing="" data-unit="px"' in html


def test_the_page_gets_the_name_of_the_opening_and_how_the_film_was_turned():
    film = make_radiograph(pixels=np.full((70, 90), 0.5, np.float32))
    turned = edit_radiograph(film, FilmEdit(quarter_turns=1))
    html = film_figure(turned, None, heat_floor=0.0, opening="name")
    assert 'data-opening="name"' in html
    assert re.search(r'data-matrix="0 1 -1 0 70 0"', html)
