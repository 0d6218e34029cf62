"""The windows that a DICOM film gives, and what lies outside of them."""

import numpy as np
import pytest

from bonefx.films import formats
from bonefx.films.automatic_window import AUTOMATIC
from bonefx.films.windows import window_presets
from bonefx.records import Window
from tests.fixtures.dicom_files import make_dicom
from tests.fixtures.image_files import make_grey
from tests.fixtures.records import make_radiograph


def shown_through(film, window):
    return np.clip((film.values - window.low) / (window.high - window.low), 0, 1)


@pytest.mark.parametrize("function", [None, "LINEAR", "LINEAR_EXACT"])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_the_first_window_shows_the_values_as_pixels(function, photometric):
    voi = {"WindowCenter": "2000", "WindowWidth": "1000", "RescaleIntercept": "-100"}
    voi |= {} if function is None else {"VOILUTFunction": function}
    stored = make_grey(high=4095, dtype=np.uint16)
    film = formats.read_bytes(make_dicom(stored, PhotometricInterpretation=photometric, **voi))
    assert (film.values.min(), film.values.max()) == (0, 1)
    np.testing.assert_allclose(shown_through(film, film.windows[0]), film.pixels, atol=1e-5)
    assert len(np.unique(film.values)) > 1.3 * len(np.unique(film.pixels))


def test_windows_keep_their_order_and_names():
    film = formats.read_bytes(
        make_dicom(
            make_grey(high=4095, dtype=np.uint16),
            WindowCenter=["2000", "1000"],
            WindowWidth=["1000", "2000"],
            WindowCenterWidthExplanation=["NORMAL", "SOFTER"],
        )
    )
    assert [window.name for window in film.windows] == ["Normal", "Softer"]
    widths = [window.high - window.low for window in film.windows]
    assert widths[1] == pytest.approx(2 * widths[0], rel=1e-2)


def test_a_film_without_a_linear_window_offers_its_pixels():
    voi = {"WindowCenter": "2000", "WindowWidth": "1000", "VOILUTFunction": "SIGMOID"}
    film = formats.read_bytes(make_dicom(make_grey(high=4095, dtype=np.uint16), **voi))
    assert film.windows == ()
    assert film.values is film.pixels


def test_a_film_without_a_window_is_shown_through_an_automatic_one():
    film = formats.read_bytes(make_dicom(make_grey(high=4095, dtype=np.uint16)))
    assert film.windows == (Window(name=AUTOMATIC, low=0.0, high=1.0),)
    assert film.values is film.pixels
    names = [window.name for window in window_presets(film)]
    assert names == ["As read", "Bone", "Soft tissue"]


def test_a_picture_offers_its_pixels():
    film = make_radiograph()
    assert film.values is film.pixels


def test_a_window_without_width_is_refused():
    with pytest.raises(ValueError, match="low < high"):
        Window(name="", low=0.5, high=0.5)
