"""Changing the film on the Read screen, and reading a damaged or a refused one anyway."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch

from bonefx.errors import DamagedRadiographError, SettingsError
from bonefx.models.registry import load_model
from bonefx.reading.reader import Reader
from bonefx.records import NOT_EDITED, FilmEdit, FilmNote, PixelBox, Radiograph, turn_radiograph
from bonefx.web.read.answers.own_answers import OwnAnswers
from bonefx.web.read.choices import Choices
from bonefx.web.read.film_changes import CHANGES, RegionChoice, edit_after_crop
from bonefx.web.read.film_updates import row_gone
from bonefx.web.read.handlers import ReadHandlers
from bonefx.web.read.state import NOT_NAMED, ReadUpdate, WaitingUpdate
from bonefx.web.shared.gone_film import FILM_GONE, FROM_ROW, LIST_GONE, NO_FILM, UPLOADED, gone
from bonefx.web.shared.navigation import NO_POSITION, ListRow, OpenedRow
from bonefx.web.shared.newest_film import Openings
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.records import make_radiograph
from tests.fixtures.scopes import make_narrow_scope, make_scope

DAMAGE = "the JPEG data are damaged; copy the film again"
CHOICES = Choices(
    point="balanced",
    model="tiny",
    prevalence_percent=17,
    read_first=False,
    origin=UPLOADED,
    reads=[],
)


@dataclass(frozen=True)
class Source:
    """A film of a worklist."""

    film: Radiograph
    damaged: bool = False

    def read(self, *, salvage: bool = False) -> Radiograph:
        if not self.damaged:
            return self.film
        if not salvage:
            raise DamagedRadiographError(DAMAGE)
        return replace(self.film, notes=(FilmNote.DAMAGED,))

    def study(self):
        raise AssertionError("only DICOM films have a study header")


def make_screen(folder, scope):
    make_model_folder(folder, scope=scope)
    reader = Reader([load_model(folder / "tiny", device=torch.device("cpu"))])
    return ReadHandlers(reader=reader, examples=())


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    return make_screen(tmp_path_factory.mktemp("weights"), make_scope())


def open_film(screen, film=None, *, damaged=False, choices=CHOICES):
    source: Any = Source(film or make_radiograph(), damaged)
    row = OpenedRow(row=ListRow(source=source, position=NO_POSITION))
    return screen.on_row(row=row, ahead=None, choices=choices)


def test_changes_add_up_and_are_undone(screen):
    shown = open_film(screen).shown
    for change in ("Turn right", "Turn right", "Mirror", "Turn left"):
        shown = screen.on_change(change=change, shown=shown, choices=CHOICES).shown
    expected = make_radiograph()
    for change in ("Turn right", "Turn right", "Mirror", "Turn left"):
        expected = CHANGES[change](expected)
    np.testing.assert_array_equal(shown.film.pixels, expected.pixels)
    assert shown.reading.edit == expected.edit != NOT_EDITED
    undone = screen.on_undo(shown=shown, choices=CHOICES)
    assert undone.shown.reading.edit == NOT_EDITED
    assert undone.undo.interactive is False


def test_a_turned_film_is_shown_and_read_turned(screen):
    update = screen.on_change(change="Turn right", shown=open_film(screen).shown, choices=CHOICES)
    alone = screen.reader.read(turn_radiograph(make_radiograph(), 1), heat=False)
    assert update.shown.reading.logit == pytest.approx(alone.logit, abs=1e-5)
    assert "Turned clockwise by 90 degrees" in update.verdict
    assert update.changes.visible
    assert update.undo.interactive


def test_a_part_that_was_drawn_is_read_and_recorded(screen):
    film = make_radiograph(pixels=np.linspace(0, 1, 200 * 300, dtype=np.float32).reshape(200, 300))
    shown = open_film(screen, film).shown
    update = screen.on_crop(crop="0.1,0.2,0.6,0.7", shown=shown, choices=CHOICES)
    assert update.shown.reading.edit == FilmEdit(
        crop=PixelBox(top=20, left=60, bottom=120, right=210)
    )
    assert update.shown.film.pixels.shape == (100, 150)


def test_a_part_that_is_too_small_is_refused_and_the_film_stays(screen):
    shown = open_film(screen).shown
    update = screen.on_crop(crop="0.5,0.5,0.52,0.52", shown=shown, choices=CHOICES)
    assert update.shown.edit == NOT_EDITED
    assert update.shown.reading is not None


def test_a_region_that_the_reader_names_stands_on_the_card_and_goes_with_the_film(screen):
    choice, shown = RegionChoice(updates=screen.updates), open_film(screen).shown
    openings = Openings()
    update = choice.on_region(region="elbow", shown=shown, openings=openings, choices=CHOICES)
    assert "Elbow, as chosen by the reader: " in update.verdict
    assert update.shown.reading.probability == shown.reading.probability
    assert update.viewer == gr.skip()  # window, zoom and map stay
    turned = screen.on_change(change="Turn right", shown=update.shown, choices=CHOICES)
    assert turned.region["value"] == "elbow"
    assert "Elbow, as chosen by the reader: " in turned.verdict
    assert open_film(screen).region["value"] == NOT_NAMED  # the next film has none
    back = choice.on_region(
        region=NOT_NAMED, shown=turned.shown, openings=openings, choices=CHOICES
    )
    assert "as chosen by the reader" not in back.verdict


def test_a_region_named_before_the_readers_own_answer_shows_no_verdict(screen):
    shown = open_film(screen, choices=replace(CHOICES, read_first=True)).shown
    update = RegionChoice(updates=screen.updates).on_region(
        region="elbow", shown=shown, openings=Openings(), choices=CHOICES
    )
    assert update.verdict == gr.skip()
    assert update.shown.region == "elbow"


@pytest.mark.parametrize("shares", [None, "", "0.1,0.2", "a,b,c,d"])
def test_a_part_that_was_not_drawn_is_refused(shares):
    with pytest.raises(SettingsError, match="draw a rectangle"):
        edit_after_crop(make_radiograph(), shares)


@pytest.mark.parametrize("shares", ["0,0,1,1", "-0.1,-0.1,1.1,1.1"])
def test_a_part_never_leaves_the_film(shares):
    film = make_radiograph()
    height, width = film.pixels.shape
    box = edit_after_crop(film, shares).crop
    assert (box.top, box.left, box.bottom, box.right) == (0, 0, height, width)


@pytest.mark.parametrize("handler", ["on_change", "on_undo", "on_crop", "on_outside_scope"])
def test_a_film_that_is_no_longer_there_is_named_so(screen, handler):
    more = {"on_change": {"change": "Mirror"}, "on_crop": {"crop": "0,0,1,1"}}.get(handler, {})
    update = getattr(screen, handler)(shown=None, choices=CHOICES, **more)
    assert FILM_GONE in update.verdict
    assert update.viewer == gr.skip()  # the picture stays
    assert update.origin == gone(UPLOADED)
    assert update.shown is None


def test_choices_about_a_film_that_is_no_longer_there_say_so(screen):
    for update in (
        screen.on_point(openings=Openings(), shown=None, held=None, choices=CHOICES),
        screen.on_model(shown=None, held=None, choices=CHOICES),
        screen.on_report(shown=None, held=None, choices=CHOICES),
    ):
        assert FILM_GONE in update.verdict
        assert update.origin == gone(UPLOADED)


def test_choices_on_a_screen_without_a_film_say_nothing_about_one(screen):
    choices = replace(CHOICES, origin=NO_FILM)
    assert (
        screen.on_point(openings=Openings(), shown=None, held=None, choices=choices).verdict
        == gr.skip()
    )
    assert screen.on_report(shown=None, held=None, choices=choices) == ReadUpdate()
    assert FILM_GONE not in screen.on_model(shown=None, held=None, choices=choices).verdict


def test_a_damaged_film_that_waits_for_the_user_is_not_gone(screen):
    offered = open_film(screen, damaged=True)
    assert offered.origin == FROM_ROW
    point = screen.on_point(openings=Openings(), shown=None, held=offered.held, choices=CHOICES)
    assert (point.verdict, point.origin) == (gr.skip(), gr.skip())
    assert screen.on_report(shown=None, held=offered.held, choices=CHOICES) == ReadUpdate()


def test_a_second_click_on_the_damaged_film_keeps_what_the_first_read(screen):
    offered = open_film(screen, damaged=True)
    read = screen.on_damaged(held=offered.held, shown=None, choices=CHOICES)
    assert screen.on_damaged(held=None, shown=read.shown, choices=CHOICES) == ReadUpdate()


def test_a_film_of_a_list_that_is_gone_too_is_not_offered_again():
    update = row_gone(gone(FROM_ROW))
    assert (update.origin, update.position) == (NO_FILM, NO_POSITION)
    assert LIST_GONE in update.verdict
    other = row_gone(UPLOADED)  # the film on the page is another one, and still there
    assert (other.origin, other.verdict) == (gr.skip(), gr.skip())


def test_a_page_without_a_film_has_no_origin(screen):
    assert open_film(screen).origin == FROM_ROW
    assert screen.on_sent(Openings()).origin == NO_FILM
    openings = Openings(failed=0)
    assert screen.on_fault(openings=openings, choices=CHOICES).origin == NO_FILM
    openings.open()
    assert screen.on_fault(openings=openings, choices=CHOICES) == ReadUpdate()  # of another film


def test_nothing_waits_for_a_film_that_is_not_there(screen):
    assert screen.on_switch(None, None, Openings()) == WaitingUpdate()
    shown = open_film(screen).shown
    waiting = screen.on_switch(shown, None, Openings())
    assert not waiting.point.interactive
    assert not waiting.region.interactive
    read = screen.on_model(shown=shown, held=None, choices=CHOICES)
    assert read.point.interactive
    assert read.region["interactive"]


def test_a_question_to_the_reader_stays_open_after_a_change(screen):
    choices = replace(CHOICES, read_first=True)
    waiting = open_film(screen, choices=choices)
    turned = screen.on_change(change="Turn left", shown=waiting.shown, choices=choices)
    assert turned.shown.reading is None
    assert turned.own_answer.visible
    answered = OwnAnswers(updates=screen.updates).on_answer(
        answer="Fracture", shown=turned.shown, choices=choices
    )
    assert answered.reads[0].reading.edit == FilmEdit(quarter_turns=3)


def test_a_damaged_film_is_read_only_after_the_user_asks_for_it(screen):
    offered = open_film(screen, damaged=True)
    assert offered.shown is None
    assert offered.damaged.visible
    assert "JPEG data are damaged" in offered.verdict
    other = screen.on_model(shown=None, held=offered.held, choices=CHOICES)
    assert other.damaged.visible  # the question stays open
    assert other.origin == CHOICES.origin
    read = screen.on_damaged(held=offered.held, shown=None, choices=CHOICES)
    assert read.shown.reading.notes == (FilmNote.DAMAGED,)
    assert "read anyway" in read.verdict
    assert read.held is None
    assert read.damaged.visible is False


def test_the_next_film_drops_a_damaged_one(screen):
    assert screen.on_sent(Openings()).held is None
    assert open_film(screen).held is None


def test_a_film_out_of_scope_is_read_on_request_and_keeps_its_mark(tmp_path):
    nothing = replace(make_narrow_scope(), limit=np.array(0.0, np.float32))
    screen = make_screen(tmp_path, nothing)
    refused = open_film(screen)
    assert refused.outside.visible
    read = screen.on_outside_scope(shown=refused.shown, choices=CHOICES)
    assert read.shown.reading.outside_scope is not None
    assert read.outside.visible is False
    assert "outside the model&#39;s scope" in read.verdict
    again = screen.on_outside_scope(shown=read.shown, choices=CHOICES)
    assert again == ReadUpdate()  # a second click changes nothing
    point = screen.on_point(
        openings=Openings(),
        shown=read.shown,
        held=None,
        choices=replace(CHOICES, point="screening"),
    )
    assert point.shown.reading.outside_scope is not None
