"""The film on screen: what its caption says."""

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bonefx.records import FilmEdit, Finding, PixelBox, SpacingPlane, Verdict, edit_radiograph
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


def test_findings_are_listed_with_their_probability_and_numbered_on_the_film():
    heat = np.zeros((64, 80), np.float32)
    heat[10:20, 30:50] = 1.0
    finding = Finding(
        number=1, box=PixelBox(top=10, left=30, bottom=20, right=50), evidence=3.2,
        probability=0.72,
    )  # fmt: skip
    film = make_radiograph(pixels=np.zeros((64, 80), np.float32))
    reading = make_reading(heat=heat, heat_peak=3.2, findings=(finding,))
    html = film_figure(film, reading, heat_floor=0.0)
    assert 'data-box="30 10 50 20"' in html
    assert ">1: 72 %</button>" in html
    assert "72 % lie at a fracture" in html
    assert '<text class="finding" x="30" y="10">1</text>' in html
    calm = film_figure(film, replace(reading, verdict=Verdict.NO_FRACTURE), heat_floor=0.0)
    assert '<button type="button" data-box' not in calm  # its map is hidden at first, too
    awaited = film_figure(film, None, heat_floor=0.0)
    assert "finding" not in awaited
