"""Handlers of the Read screen, called in the order in which a user would trigger them."""

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
import pytest
import torch

from bonefx.models.registry import load_model
from bonefx.reading.reader import Reader
from bonefx.records import NOT_EDITED, Radiograph, Verdict, invert_radiograph
from bonefx.web.read.answers.own_answers import OwnAnswers
from bonefx.web.read.choices import Choices
from bonefx.web.read.handlers import ReadHandlers
from bonefx.web.read.state import AnsweredUpdate, ReadUpdate
from bonefx.web.shared.gone_film import NO_FILM
from bonefx.web.shared.navigation import NO_POSITION, ListRow, OpenedRow, list_position
from bonefx.web.shared.newest_film import Openings
from tests.fixtures.image_files import make_png
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.records import make_radiograph
from tests.fixtures.scopes import make_narrow_scope


@dataclass(frozen=True)
class DarkFilm:
    """A film of a worklist that shows bone dark."""

    def read(self) -> Radiograph:
        return replace(invert_radiograph(make_radiograph()), edit=NOT_EDITED)

    def study(self):
        raise AssertionError("only DICOM films have a study header")


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    folder = make_model_folder(tmp_path_factory.mktemp("weights"), scope=make_narrow_scope())
    reader = Reader([load_model(folder, device=torch.device("cpu"))])
    return ReadHandlers(reader=reader, examples=())


def make_choices(**changes):
    """Choices as the screen offers them at first."""
    choices: dict[str, Any] = {
        "point": "balanced", "model": "tiny", "prevalence_percent": 17, "read_first": False,
        "origin": NO_FILM, "reads": [],
    }  # fmt: skip
    return Choices(**(choices | changes))


def own(screen):
    return OwnAnswers(updates=screen.updates)


def open_dark_film(screen, choices):
    source: Any = DarkFilm()
    row = OpenedRow(row=ListRow(source=source, position=NO_POSITION))
    return screen.on_row(row=row, ahead=None, choices=choices)


def test_a_second_click_on_the_offer_does_not_undo_the_first(screen):
    choices = make_choices()
    first = open_dark_film(screen, choices)
    assert first.shown.reading.looks_inverted
    once = screen.on_invert(shown=first.shown, choices=choices)
    assert once.shown.reading.verdict is not Verdict.OUT_OF_SCOPE
    assert screen.on_invert(shown=once.shown, choices=choices) == ReadUpdate()


def test_the_reader_answers_about_the_inverted_film_before_the_model(screen):
    choices = make_choices(read_first=True)
    waiting = open_dark_film(screen, choices)
    assert waiting.shown.reading is None
    refused = own(screen).on_answer(answer="Fracture", shown=waiting.shown, choices=choices)
    assert (refused.shown.reading.verdict, refused.reads) == (Verdict.OUT_OF_SCOPE, [])
    inverted = screen.on_invert(shown=refused.shown, choices=choices)
    assert inverted.shown.reading is None  # the model waits again
    assert inverted.shown.film.inverted
    read = own(screen).on_answer(answer="Fracture", shown=inverted.shown, choices=choices)
    assert [answer.reading.inverted for answer in read.reads] == [True]
    again = own(screen).on_answer(answer="Fracture", shown=read.shown, choices=choices)
    assert again == AnsweredUpdate()  # a second click changes nothing


def test_a_refused_film_keeps_the_point_that_was_chosen_last(screen):
    refused = open_dark_film(screen, make_choices())
    update = screen.on_point(
        openings=Openings(), shown=refused.shown, held=None, choices=make_choices(point="screening")
    )
    assert update.shown.reading.point.name == "screening"
    assert update.shown.reading.verdict is Verdict.OUT_OF_SCOPE


def test_questions_about_the_last_film_go_before_the_next_is_read(screen):
    position = list_position(list_key=1, place=2, by_navigation=True, opening=1)
    source: Any = DarkFilm()
    row = OpenedRow(row=ListRow(source=source, position=position))
    cleared = screen.on_open_row(row, Openings())
    assert cleared.shown is None
    assert cleared.position["place"] == 2
    assert cleared.own_answer.visible is cleared.invert.visible is False


def test_a_file_that_has_arrived_makes_room_for_the_next_at_once(screen, tmp_path):
    choices = make_choices()
    upload = tmp_path / "film.png"
    upload.write_bytes(make_png())
    openings = Openings()
    cleared = screen.on_uploaded(str(upload), openings)
    assert cleared.film is None
    assert cleared.report_text == ""
    uploaded = screen.on_upload(openings=openings, choices=choices)
    assert uploaded.film == gr.skip()
    assert uploaded.shown.reading is not None
    assert not upload.exists()
    assert screen.on_model(shown=uploaded.shown, held=None, choices=choices).film == gr.skip()
    assert open_dark_film(screen, choices).film == gr.skip()
    refused = screen.on_refused(why="refused", openings=Openings(), choices=choices)
    assert refused.film is None
    assert refused.outdated() == refused  # the reason is shown in any case


def test_an_upload_before_the_newest_film_changes_nothing(screen, tmp_path):
    openings, upload = Openings(), tmp_path / "film.png"
    upload.write_bytes(make_png())
    screen.on_uploaded(str(upload), openings)
    screen.on_sent(openings)
    screen.on_sent(openings)  # the first announces the file that has arrived
    assert screen.on_upload(openings=openings, choices=make_choices()) == ReadUpdate()
    assert not upload.exists()


def test_of_two_files_that_arrive_before_a_reading_begins_the_second_is_read(screen, tmp_path):
    openings, uploads = Openings(), [tmp_path / name for name in ("first.png", "second.png")]
    for upload, size in zip(uploads, ((200, 150), (300, 220)), strict=True):
        upload.write_bytes(make_png(*size))
        screen.on_uploaded(str(upload), openings)
    readings = [screen.on_upload(openings=openings, choices=make_choices()) for _ in uploads]
    assert readings[0].shown.film.pixels.shape == (300, 220)
    assert readings[1] == ReadUpdate()
    assert not any(upload.exists() for upload in uploads)


def test_of_an_outdated_answer_only_the_readers_own_is_kept():
    update = AnsweredUpdate(verdict="an earlier film's", reads=["answer"], agreement="table")
    assert update.outdated() == AnsweredUpdate(reads=["answer"], agreement="table")


def test_an_own_answer_that_is_taken_back_is_asked_for_again_and_marked(screen):
    choices = make_choices(read_first=True)
    refused = open_dark_film(screen, make_choices())
    waiting = screen.on_invert(shown=refused.shown, choices=choices)
    assert waiting.own_answer.visible
    answered = own(screen).on_answer(answer="Fracture", shown=waiting.shown, choices=choices)
    assert answered.take_back.visible
    choices = make_choices(read_first=True, reads=answered.reads)
    openings = Openings()
    back = own(screen).on_take_back(shown=answered.shown, openings=openings, choices=choices)
    assert openings.requests == 1  # a second opinion about the verdict is dropped
    assert (back.reads, back.own_answer.visible, back.shown.reading) == ([], True, None)
    assert not back.take_back.visible
    again = own(screen).on_answer(
        answer="No fracture", shown=back.shown, choices=make_choices(read_first=True)
    )
    (read,) = again.reads
    assert (read.own, read.revised) == (Verdict.NO_FRACTURE, True)


def test_a_judgement_of_the_verdict_is_kept_and_leaves_with_the_verdict(screen):
    choices = make_choices()
    read = screen.on_invert(shown=open_dark_film(screen, choices).shown, choices=choices)
    assert read.judgement.visible
    judged = own(screen).on_judgement(judgement="Disagree", shown=read.shown, choices=choices)
    (kept,) = judged.reads
    assert (kept.own, kept.agrees, kept.reading.heat) == (None, False, None)
    assert judged.session.visible
    assert judged.verdict == gr.skip()
    changed = own(screen).on_judgement(
        judgement="Agree", shown=read.shown, choices=make_choices(reads=judged.reads)
    )
    assert [one.agrees for one in changed.reads] == [True]
    point = screen.on_point(shown=read.shown, held=None, openings=Openings(), choices=choices)
    assert point.judgement.value is None


def test_a_film_without_a_verdict_has_nothing_to_judge(screen):
    refused = open_dark_film(screen, make_choices())
    assert refused.shown.reading.verdict is Verdict.OUT_OF_SCOPE
    assert not refused.judgement.visible
    waiting = screen.on_invert(shown=refused.shown, choices=make_choices(read_first=True))
    assert not waiting.judgement.visible
