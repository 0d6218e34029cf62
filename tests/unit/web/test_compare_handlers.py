"""Handlers of the Compare screen: what each of them changes."""

import gradio as gr
import pytest
import torch

from bonefx.reading.reader import Reader
from bonefx.records import FilmEdit, turn_radiograph
from bonefx.web.compare.columns import message_html
from bonefx.web.compare.handlers import CompareHandlers
from bonefx.web.compare.state import ComparedFilm, ComparisonUpdate
from bonefx.web.page import film_to_compare
from bonefx.web.read.state import ShownFilm
from bonefx.web.shared.gone_film import FILM_GONE, NO_FILM, UPLOADED, gone
from bonefx.web.shared.newest_film import Openings
from bonefx.web.shared.uploads import OpenedFilm
from bonefx.web.shared.viewer import NO_FILM_HTML
from tests.fixtures.evaluations import make_three_models
from tests.fixtures.image_files import make_png
from tests.fixtures.records import make_radiograph, make_reading

NAMES = ["first", "second"]
FAKE = ComparisonUpdate(sides="columns", legend="", compared=None, performance="figures")


@pytest.fixture(scope="module")
def handlers(tmp_path_factory):
    weights = tmp_path_factory.mktemp("weights")
    make_three_models(weights)
    reader = Reader.from_folder(weights, device=torch.device("cpu"))
    return CompareHandlers(reader=reader, examples=())


@pytest.fixture
def upload(tmp_path):
    path = tmp_path / "film.png"
    path.write_bytes(make_png())
    return path


def test_an_upload_is_compared_and_deleted(handlers, upload):
    openings = Openings()
    cleared = handlers.on_uploaded(str(upload), openings)
    assert (cleared.film, cleared.compared) == (None, None)  # room for the next file
    update = handlers.on_upload(openings, NAMES)
    assert 'aria-label="Verdict of second"' in update.sides
    assert update.compared.film.file_format == "PNG"
    assert update.film == gr.skip()
    assert not upload.exists()
    assert handlers.on_upload(openings, NAMES).sides == gr.skip()  # it was read


def test_the_film_of_the_read_screen_is_compared_until_another_one_is_opened_here(handlers, upload):
    openings, film = Openings(), ComparedFilm(film=make_radiograph(), extra=(("Example", "1"),))
    assert "Reading" in handlers.on_tab(film, None, openings).sides
    update = handlers.on_follow(film, None, NAMES, openings)
    assert 'aria-label="Verdict of second"' in update.sides
    assert update.compared is film
    again = handlers.on_follow(film, update.compared, NAMES, openings)
    assert again.sides == gr.skip()  # it is shown already
    turned = ComparedFilm(film=turn_radiograph(film.film, 1))
    assert handlers.on_follow(turned, film, NAMES, openings).compared is turned
    handlers.on_uploaded(str(upload), openings)
    assert handlers.on_tab(turned, film, openings).sides == gr.skip()
    assert handlers.on_follow(turned, film, NAMES, openings).sides == gr.skip()


def test_a_comparison_that_was_begun_for_another_film_is_dropped(handlers, monkeypatch):
    openings, film = Openings(), ComparedFilm(film=make_radiograph())

    def compare_while_the_tab_is_opened_again(*_):
        handlers.on_tab(None, None, openings)
        return FAKE

    monkeypatch.setattr(CompareHandlers, "_comparison", compare_while_the_tab_is_opened_again)
    assert handlers.on_follow(film, None, NAMES, openings) == FAKE.outdated()


def test_a_fault_of_an_earlier_film_changes_nothing(handlers):
    openings = Openings(failed=0)
    assert "bonefx" in handlers.on_fault(NAMES, openings).sides
    openings.open()
    assert handlers.on_fault(NAMES, openings).sides == gr.skip()


def test_a_film_that_left_the_read_screen_leaves_this_one_too(handlers):
    film = ComparedFilm(film=make_radiograph())
    update = handlers.on_tab(None, film, Openings())
    assert update.sides == message_html(NO_FILM_HTML)
    assert update.compared is None


def test_no_model_answers_in_compare_before_the_reader_has():
    opened = OpenedFilm(film=make_radiograph(), study="no DICOM film")
    assert film_to_compare(ShownFilm(opened=opened, reading=None)) is None
    shown = ShownFilm(opened=opened, reading=make_reading(), edit=FilmEdit(mirrored=True))
    assert film_to_compare(shown).film.edit.mirrored


def test_another_choice_of_models_keeps_a_file_that_was_uploaded_meanwhile(handlers, upload):
    assert handlers.on_models(NAMES, None, NO_FILM).film == gr.skip()
    compared = handlers.on_upload(Openings(unread=str(upload)), NAMES).compared
    assert handlers.on_models(["second", "third"], compared, UPLOADED).film == gr.skip()


def test_too_few_models_keep_the_film_for_another_choice(handlers, upload):
    compared = handlers.on_upload(Openings(unread=str(upload)), NAMES).compared
    update = handlers.on_models(["third"], compared, UPLOADED)
    assert "Choose two or more models" in update.sides
    assert (update.compared, update.origin) == (compared, UPLOADED)


def test_a_film_that_is_no_longer_there_is_offered_again(handlers, upload):
    origin = handlers.on_upload(Openings(unread=str(upload)), NAMES).origin
    assert handlers.on_switch(None).sides == gr.skip()
    update = handlers.on_models(NAMES, None, origin)
    assert FILM_GONE in update.sides
    assert update.origin == gone(UPLOADED)
    empty = handlers.on_models(NAMES, None, NO_FILM)
    assert empty.origin == NO_FILM
    assert FILM_GONE not in empty.sides


def test_a_refused_upload_clears_the_film_before_and_empties_the_input(handlers):
    update = handlers.on_refused("refused", NAMES, Openings())
    assert "The file was not sent" in update.sides
    assert (update.compared, update.film, update.legend) == (None, None, "")
