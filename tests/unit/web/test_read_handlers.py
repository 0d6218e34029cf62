"""Handlers of the screen for one film, asked in the order in which users ask."""

from dataclasses import replace

import gradio as gr
import pytest
import torch

from bonefx.models.registry import load_model
from bonefx.reading.reader import Reader
from bonefx.records import Verdict, invert_radiograph
from bonefx.web.read.handlers import ReadScreen
from bonefx.web.read.state import Answer, Choices
from bonefx.web.shared.navigation import list_position
from bonefx.web.shared.uploads import OpenedFilm
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.records import make_radiograph
from tests.fixtures.scopes import make_narrow_scope

SKIP = gr.skip()


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    folder = make_model_folder(tmp_path_factory.mktemp("weights"), scope=make_narrow_scope())
    reader = Reader([load_model(folder, device=torch.device("cpu"))])
    return ReadScreen(reader=reader, examples=())


def choices(*, read_first=False, reads=(), point="balanced"):
    return Choices(
        point=point, model="tiny", prevalence=17, read_first=read_first, reads=list(reads)
    )


def dark_film():
    """A film as it came: with dark bone."""
    film = replace(invert_radiograph(make_radiograph()), inverted=False)
    return OpenedFilm(film=film, study="no DICOM film")


def test_a_second_click_on_the_offer_does_not_undo_the_first(screen):
    first = screen._shown(dark_film(), choices())
    assert first.shown.reading.looks_inverted
    once = screen.on_invert(first.shown, *choices())
    assert once.shown.reading.verdict is not Verdict.OUT_OF_SCOPE
    again = screen.on_invert(once.shown, *choices())
    assert again == (SKIP,) * len(Answer._fields)


def test_the_reader_answers_about_the_inverted_film_before_the_model(screen):
    asked = choices(read_first=True)
    alone = screen._shown(dark_film(), asked)
    assert alone.shown.reading is None
    *refused, reads, _, _ = screen.on_own("Fracture", alone.shown, *asked)
    shown = Answer(*refused).shown
    assert (shown.reading.verdict, reads) == (Verdict.OUT_OF_SCOPE, [])
    turned = screen.on_invert(shown, *asked)
    assert turned.shown.reading is None  # the model waits again
    assert turned.shown.taken.film.inverted
    *_, reads, _, _ = screen.on_own("Fracture", turned.shown, *asked)
    assert [own.reading.inverted for own in reads] == [True]


def test_a_refused_film_keeps_the_point_that_was_chosen_last(screen):
    refused = screen._shown(dark_film(), choices())
    _, _, shown = screen.on_point(refused.shown, *choices(point="screening"))
    assert shown.reading.point.name == "screening"
    assert shown.reading.verdict is Verdict.OUT_OF_SCOPE


def test_questions_about_the_last_film_go_before_the_next_is_read(screen):
    cleared = screen.on_step(list_position(list_key=1, place=2, walked=True, opening=1))
    assert cleared.shown is None
    assert cleared.walk["place"] == 2
    assert cleared.own.visible is cleared.invert.visible is False
