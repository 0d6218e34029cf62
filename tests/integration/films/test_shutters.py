"""Display shutters of DICOM films; expected pixels by the arithmetic of PS3.3 C.7.6.11."""

from __future__ import annotations

import numpy as np
import pytest

from bonefx.films import formats
from bonefx.films.windows import window_presets
from bonefx.records import MIN_SIDE_PX, PixelBox
from tests.fixtures.dicom_files import make_dicom

ROWS, COLUMNS = 160, 192
ROW, COLUMN = np.mgrid[1 : ROWS + 1, 1 : COLUMNS + 1]  # as the standard counts
RECTANGLE = {
    "ShutterLeftVerticalEdge": 21, "ShutterRightVerticalEdge": 160,
    "ShutterUpperHorizontalEdge": 11, "ShutterLowerHorizontalEdge": 140,
}  # fmt: skip
IN_RECTANGLE = (ROW >= 11) & (ROW <= 140) & (COLUMN >= 21) & (COLUMN <= 160)
CIRCLE = {"CenterOfCircularShutter": [80, 100], "RadiusOfCircularShutter": 60}
IN_CIRCLE = (ROW - 80) ** 2 + (COLUMN - 100) ** 2 <= 60**2
DIAMOND = {"VerticesOfThePolygonalShutter": [10, 96, 80, 176, 150, 96, 80, 16]}
IN_DIAMOND = np.abs(ROW - 80) * 80 + np.abs(COLUMN - 96) * 70 <= 70 * 80


def stored_values():
    """Return noise without black pixels and without a border."""
    return np.random.default_rng(0).integers(500, 4000, (ROWS, COLUMNS)).astype(np.uint16)


def read(**elements):
    values = elements.pop("stored", None)
    return formats.read_bytes(make_dicom(stored_values() if values is None else values, **elements))


SHUTTERS = [
    pytest.param("RECTANGULAR", RECTANGLE, IN_RECTANGLE, id="rectangle"),
    pytest.param("CIRCULAR", CIRCLE, IN_CIRCLE, id="circle"),
    pytest.param("POLYGONAL", DIAMOND, IN_DIAMOND, id="polygon"),
    pytest.param(
        ["RECTANGULAR", "CIRCULAR"], RECTANGLE | CIRCLE, IN_RECTANGLE & IN_CIRCLE, id="two",
    ),
    pytest.param(
        ["RECTANGULAR", "CIRCULAR", "POLYGONAL"], RECTANGLE | CIRCLE | DIAMOND,
        IN_RECTANGLE & IN_CIRCLE & IN_DIAMOND, id="three",
    ),
    pytest.param("rectangular ", RECTANGLE, IN_RECTANGLE, id="lower case"),
    pytest.param(
        "RECTANGULAR", RECTANGLE | {"ShutterPresentationValue": 65535}, IN_RECTANGLE,
        id="presentation value is ignored",
    ),
    pytest.param(
        "RECTANGULAR", RECTANGLE | {"ShutterRightVerticalEdge": 500},
        (ROW >= 11) & (ROW <= 140) & (COLUMN >= 21), id="an edge beyond the film",
    ),
    pytest.param(
        ["RECTANGULAR", "CIRCULAR"], RECTANGLE | CIRCLE | {"RadiusOfCircularShutter": -3},
        IN_RECTANGLE, id="the valid one of two",
    ),
]  # fmt: skip


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(("shape", "elements", "inside"), SHUTTERS)
def test_outside_of_a_shutter_is_black_and_its_bounds_are_the_field(
    shape, elements, inside, photometric
):
    elements = elements | {"PhotometricInterpretation": photometric}
    film, whole = read(ShutterShape=shape, **elements), read(PhotometricInterpretation=photometric)
    edge = np.abs(film.pixels - whole.pixels)[inside]
    assert (edge < 0.02).mean() > 0.999
    assert not film.pixels[~inside].any()
    assert (film.pixels[inside] > 0).mean() > 0.99
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    assert film.field == PixelBox(
        top=rows[0], left=columns[0], bottom=rows[-1] + 1, right=columns[-1] + 1
    )


@pytest.mark.parametrize(("shape", "elements"), [
    pytest.param("RECTANGULAR", {}, id="no edges"),
    pytest.param("RECTANGULAR", RECTANGLE | {"ShutterLeftVerticalEdge": 180}, id="inverted"),
    pytest.param("RECTANGULAR", RECTANGLE | {
        "ShutterLeftVerticalEdge": 200, "ShutterRightVerticalEdge": 300}, id="outside the film"),
    pytest.param("CIRCULAR", CIRCLE | {"RadiusOfCircularShutter": 0}, id="no radius"),
    pytest.param("CIRCULAR", CIRCLE | {"CenterOfCircularShutter": [400, 400]}, id="circle outside"),
    pytest.param("POLYGONAL", {"VerticesOfThePolygonalShutter": [5, 5, 9, 9]}, id="two corners"),
    pytest.param("POLYGONAL", {"VerticesOfThePolygonalShutter": [5, 5, 9, 9, 7]}, id="odd"),
    pytest.param("BITMAP", RECTANGLE, id="bitmap"),
    pytest.param("", RECTANGLE, id="no shape"),
    pytest.param("CIRCULAR", CIRCLE | {"RadiusOfCircularShutter": 500}, id="all of the film"),
])  # fmt: skip
def test_a_damaged_shutter_is_ignored(shape, elements):
    film, whole = read(ShutterShape=shape, **elements), read()
    assert film.field is None
    np.testing.assert_array_equal(film.pixels, whole.pixels)


@pytest.mark.parametrize(("width", "applied"), [(MIN_SIDE_PX, True), (MIN_SIDE_PX - 1, False)])
def test_a_shutter_that_leaves_less_than_a_film_is_ignored(width, applied):
    edges = RECTANGLE | {"ShutterRightVerticalEdge": 20 + width}
    film, whole = read(ShutterShape="RECTANGULAR", **edges), read()
    assert (film.field is not None) == applied
    assert np.array_equal(film.pixels, whole.pixels) != applied


def test_the_automatic_window_does_not_see_what_lies_outside():
    stored = stored_values()
    stored[~IN_RECTANGLE] = 4095
    stored[IN_RECTANGLE] //= 2
    film = read(stored=stored, ShutterShape="RECTANGULAR", **RECTANGLE)
    assert film.exposed.max() == pytest.approx(1.0, abs=0.01)
    assert film.exposed.min() == pytest.approx(0.0, abs=0.01)
    assert window_presets(film)


def test_a_header_window_is_kept_and_outside_stays_black():
    film = read(ShutterShape="RECTANGULAR", WindowCenter=2000, WindowWidth=2000, **RECTANGLE)
    expected = ((stored_values() - 1999.5) / 1999 + 0.5).clip(0, 1)  # PS3.3 C.11.2.1.2.1
    np.testing.assert_allclose(film.pixels[IN_RECTANGLE], expected[IN_RECTANGLE], atol=1e-3)
    assert not film.pixels[~IN_RECTANGLE].any()


def test_a_circle_on_pixels_that_are_not_square_is_round_on_the_film():
    circle = CIRCLE | {"RadiusOfCircularShutter": 70}
    film = read(ShutterShape="CIRCULAR", PixelSpacing=[0.2, 0.1], **circle)
    assert film.pixels.shape == (2 * ROWS, COLUMNS)
    assert film.field.height == pytest.approx(film.field.width, abs=3)
    assert film.field.top == pytest.approx(2 * 80 - 70, abs=3)


def test_a_film_in_colour_has_its_shutter_too():
    stored = np.full((ROWS, COLUMNS, 3), 90, np.uint8)
    stored += np.random.default_rng(0).integers(0, 60, (ROWS, COLUMNS, 1)).astype(np.uint8)
    film = read(stored=stored, ShutterShape="RECTANGULAR", **RECTANGLE)
    assert not film.pixels[~IN_RECTANGLE].any()
    assert film.pixels[IN_RECTANGLE].all()
