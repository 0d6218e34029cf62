"""A window that leaves a film nearly black, white or flat is replaced by an automatic one."""

from __future__ import annotations

import numpy as np
import pytest

from bonefx.films import formats
from bonefx.films.automatic_window import AUTOMATIC
from bonefx.records import FilmNote
from tests.fixtures.dicom_files import apply_linear_window, make_dicom
from tests.fixtures.image_files import make_grey

EIGHT_BIT = make_grey()
TWELVE_BIT = make_grey(high=4095, dtype=np.uint16)


@pytest.mark.parametrize(
    ("stored", "centre", "width"),
    [
        pytest.param(EIGHT_BIT, 2048, 4096, id="12-bit window on 8 bits"),
        pytest.param(EIGHT_BIT, 2048, 1024, id="all black"),
        pytest.param(EIGHT_BIT, -5000, 100, id="all white"),
        pytest.param(TWELVE_BIT, 32768, 65536, id="16-bit window on 12 bits"),
        pytest.param(TWELVE_BIT, 8192, 1000, id="above all values"),
        pytest.param(TWELVE_BIT, 60, 100, id="nearly all white"),
        pytest.param(TWELVE_BIT, 2000, 1, id="black and white"),
        pytest.param(TWELVE_BIT, 2000, 1e9, id="grey"),
    ],
)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_window_of_another_film_is_not_used(stored, centre, width, photometric):
    voi = {"WindowCenter": str(centre), "WindowWidth": str(width)}
    film = formats.read_bytes(make_dicom(stored, PhotometricInterpretation=photometric, **voi))
    shares = stored / stored.max()
    expected = 1 - shares if photometric == "MONOCHROME1" else shares
    np.testing.assert_allclose(film.pixels, expected, atol=1e-5)
    assert film.notes == (FilmNote.WINDOW_NOT_USED,)
    assert [window.name for window in film.windows] == [AUTOMATIC]


@pytest.mark.parametrize(
    ("stored", "centre", "width"),
    [
        pytest.param(TWELVE_BIT, 8192, 16384, id="14-bit window on 12 bits, dark but visible"),
        pytest.param(TWELVE_BIT, 300, 600, id="most pixels white"),
        pytest.param(TWELVE_BIT, 3800, 500, id="most pixels black"),
        pytest.param(TWELVE_BIT, 2000, 300, id="narrow"),
    ],
)
def test_an_unusual_window_is_used_as_it_is(stored, centre, width):
    film = formats.read_bytes(make_dicom(stored, WindowCenter=str(centre), WindowWidth=str(width)))
    np.testing.assert_allclose(film.pixels, apply_linear_window(stored, centre, width), atol=1e-5)
    assert film.notes == ()


def test_a_small_finger_in_a_large_black_field_keeps_its_window():
    stored = np.zeros((200, 200), np.uint16)
    stored[80:100, 60:160] = np.linspace(500, 3000, 100)  # 5 % of the film
    film = formats.read_bytes(make_dicom(stored, WindowCenter="1700", WindowWidth="2600"))
    np.testing.assert_allclose(film.pixels, apply_linear_window(stored, 1700, 2600), atol=1e-5)
    assert film.notes == ()


def test_the_next_window_is_used_where_the_first_does_not_fit():
    film = formats.read_bytes(
        make_dicom(TWELVE_BIT, WindowCenter=["60000", "2000"], WindowWidth=["100", "1000"])
    )
    np.testing.assert_allclose(film.pixels, apply_linear_window(TWELVE_BIT, 2000, 1000), atol=1e-5)
    assert film.notes == ()


def test_a_film_of_one_value_keeps_its_window():
    stored = np.full((80, 96), 2000, np.uint16)
    film = formats.read_bytes(make_dicom(stored, WindowCenter="2000", WindowWidth="1000"))
    assert film.notes == ()
    np.testing.assert_allclose(film.pixels, apply_linear_window(stored, 2000, 1000), atol=1e-5)
