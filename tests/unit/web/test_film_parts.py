"""Parts of a film at full resolution, as the page asks for them."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bonefx.records import FilmEdit
from bonefx.web.compare.state import ComparedFilm
from bonefx.web.film_parts import NO_FULL_RESOLUTION, PartRequest, film_part
from bonefx.web.read.state import ShownFilm
from bonefx.web.shared.uploads import OpenedFilm
from bonefx.web.shared.viewer import view_name
from tests.fixtures.records import make_radiograph

LEVELS = np.random.default_rng(0).integers(0, 256, (90, 120)).astype(np.uint8)


@pytest.fixture
def shown():
    """Return a film of 8 bits as Read keeps it."""
    film = make_radiograph(pixels=(LEVELS / 255).astype(np.float32), bits=8)
    return ShownFilm(opened=OpenedFilm(film=film, study="no DICOM"), reading=None)


def request_for(kept, *, left=0, top=0, right=120, bottom=90):
    view = view_name(kept.film, kept.opening)
    return PartRequest(view=view, left=left, top=top, right=right, bottom=bottom)


def levels_of(answer):
    png = base64.b64decode(answer["url"].partition("base64,")[2])
    return np.asarray(Image.open(io.BytesIO(png)))


def test_a_part_has_the_values_of_the_film(shown):
    answer = film_part(request_for(shown, left=10, top=20, right=40, bottom=70), shown)
    assert (answer["left"], answer["top"], answer["why"]) == (10, 20, "")
    np.testing.assert_array_equal(levels_of(answer), LEVELS[20:70, 10:40])


def test_a_part_is_cut_from_the_film_as_it_is_shown(shown):
    turned = replace(shown, edit=FilmEdit(quarter_turns=1, mirrored=True))
    part = levels_of(film_part(request_for(turned, left=5, top=6, right=30, bottom=50), turned))
    np.testing.assert_array_equal(part, np.rot90(np.fliplr(LEVELS), -1)[6:50, 5:30])


@pytest.mark.parametrize(
    "edges",
    [
        pytest.param({"left": -5, "top": -5, "right": 900, "bottom": 900}, id="around the film"),
        pytest.param({"left": 500, "top": 500, "right": 600, "bottom": 600}, id="beside the film"),
        pytest.param({"left": 50, "top": 50, "right": 20, "bottom": 20}, id="empty"),
    ],
)
def test_edges_beyond_the_film_are_moved_to_its_border(shown, edges):
    answer = film_part(request_for(shown, **edges), shown)
    part = levels_of(answer)
    rows, columns = slice(answer["top"], None), slice(answer["left"], None)
    np.testing.assert_array_equal(part, LEVELS[rows, columns][: part.shape[0], : part.shape[1]])


def test_no_part_of_another_film_and_of_another_view_is_sent(shown):
    other = replace(shown, opened=OpenedFilm(film=shown.film, study="no DICOM"))
    assert other.opening != shown.opening  # the same file, opened again
    turned = replace(shown, edit=FilmEdit(quarter_turns=2))
    for now_shown in (other, turned):
        assert film_part(request_for(shown), now_shown)["url"] == ""


def test_a_film_that_is_gone_is_said_to_be(shown):
    answer = film_part(request_for(shown), None)
    assert (answer["url"], answer["why"]) == ("", NO_FULL_RESOLUTION)


def test_compared_films_have_parts_too(shown):
    compared = ComparedFilm(film=shown.film)
    np.testing.assert_array_equal(levels_of(film_part(request_for(compared), compared)), LEVELS)
