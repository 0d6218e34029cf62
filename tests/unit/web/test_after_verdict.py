"""What follows the verdict on the Read screen: the second opinion, and the next film of a list."""

from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from bonefx.films.sources import FilmSource
from bonefx.models.registry import LoadedModel
from bonefx.reading.reader import Reader
from bonefx.web.read.after_verdict import AheadUpdate, AwaitedOpinion, ReadAhead
from bonefx.web.read.film_updates import FilmUpdates
from bonefx.web.read.handlers import ReadHandlers
from bonefx.web.read.state import SecondUpdate, ShownFilm
from bonefx.web.shared.navigation import NO_POSITION, ListRow, OpenedRow
from bonefx.web.shared.newest_film import Openings
from bonefx.web.shared.uploads import OpenedFilm
from tests.fixtures.image_files import make_png
from tests.fixtures.model_folders import make_pair
from tests.fixtures.records import make_radiograph
from tests.unit.web.test_read_handlers import make_choices

CHOICES = make_choices()


@pytest.fixture(scope="module")
def updates(tmp_path_factory):
    return FilmUpdates(reader=make_pair(tmp_path_factory.mktemp("pair")))


def opened_film():
    return ShownFilm(opened=OpenedFilm(film=make_radiograph(), study="not DICOM"), reading=None)


def ask(updates, shown, openings=None):
    opinion = AwaitedOpinion(updates=updates)
    return opinion.on_verdict(shown=shown, openings=openings or Openings(), choices=CHOICES)


def test_the_verdict_is_shown_first_and_the_second_one_joins_it(updates):
    first = updates.read(opened_film(), choices=CHOICES)
    assert "Second model, other: reading" in first.verdict
    then = ask(updates, first.shown)
    assert "Second model, other: reading" not in then.verdict
    assert "Second model, other: " in then.verdict
    assert then.shown.reading.second.model == "other"
    assert then.shown.reading.heat is None  # a session keeps no map
    assert then.viewer == gr.skip()
    assert ask(updates, then.shown) == SecondUpdate()  # once is enough


def test_nothing_happens_without_a_verdict(updates):
    assert ask(updates, None) == SecondUpdate()
    assert ask(updates, opened_film()) == SecondUpdate()


def test_a_model_alone_awaits_no_other(updates):
    alone = FilmUpdates(reader=Reader([updates.reader.model("tiny")]))
    first = alone.read(opened_film(), choices=CHOICES)
    assert "Second model" not in first.verdict
    then = ask(alone, first.shown)
    assert "Second model" not in then.verdict
    assert then.shown.reading.heat is None


class MeanwhileReader(Reader):
    """A reader during whose second reading the user does something else."""

    def __init__(self, models: list[LoadedModel], meanwhile):
        super().__init__(models)
        self.meanwhile = meanwhile

    def read(self, radiograph, **choices):
        if choices["model"] == "other":
            self.meanwhile()
        return super().read(radiograph, **choices)


def test_a_point_that_is_chosen_meanwhile_holds(updates):
    openings = Openings()

    def choose():
        openings.point = "screening"

    reader = MeanwhileReader(updates.reader.models, choose)
    first = updates.read(opened_film(), choices=CHOICES)
    then = ask(FilmUpdates(reader=reader), first.shown, openings)
    assert first.shown.reading.point.name == "balanced"
    assert then.shown.reading.point.name == then.shown.reading.second.point.name == "screening"


def test_a_point_that_was_chosen_before_the_first_verdict_is_not_shown_later(updates):
    first = updates.read(opened_film(), choices=CHOICES)
    then = ask(updates, first.shown, Openings(point="screening"))
    assert then.shown.reading.point.name == "balanced"  # as the screen says


def test_a_region_that_is_named_meanwhile_holds(updates):
    openings = Openings()

    def name():
        openings.region = "elbow"

    reader = MeanwhileReader(updates.reader.models, name)
    first = updates.read(opened_film(), choices=CHOICES)
    then = ask(FilmUpdates(reader=reader), first.shown, openings)
    assert then.shown.region == "elbow"
    assert "Elbow" in then.verdict


def test_a_second_model_that_fails_leaves_the_first_verdict_on_the_screen(updates):
    opinion, first = AwaitedOpinion(updates=updates), updates.read(opened_film(), choices=CHOICES)
    update = opinion.on_fault(shown=first.shown, openings=Openings(failed=0), choices=CHOICES)
    assert "Second model, other: no answer" in update.verdict
    assert update.shown.reading.probability == first.shown.reading.probability
    other = Openings(number=1, failed=0)  # another film was opened meanwhile
    assert opinion.on_fault(shown=first.shown, openings=other, choices=CHOICES) == SecondUpdate()


def test_an_opinion_about_a_film_that_is_read_again_is_dropped(updates):
    openings = Openings()
    reader = MeanwhileReader(updates.reader.models, openings.request)
    first = updates.read(opened_film(), choices=CHOICES)
    assert ask(FilmUpdates(reader=reader), first.shown, openings) == SecondUpdate()


def test_a_map_that_the_second_model_contradicts_goes_from_the_screen(updates, monkeypatch):
    first = updates.read(opened_film(), choices=CHOICES)
    assert first.shown.reading.heat is not None

    def contradict(_reader, _film, reading):
        return replace(reading, heat=None)

    monkeypatch.setattr("bonefx.web.read.after_verdict.with_second_opinion", contradict)
    then = ask(updates, first.shown)
    assert 'class="map"' in first.viewer
    assert 'class="map"' not in then.viewer


@pytest.fixture
def films(tmp_path):
    """Write two films and a file that is none, the films of a list."""
    contents = {"first.png": make_png(seed=1), "second.png": make_png(seed=2), "third.png": b"GIF"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return [FilmSource(name=name, path=tmp_path / name) for name in contents]


def row_of(films, place, following=None):
    row = ListRow(
        source=films[place], position=NO_POSITION,
        following=None if following is None else films[following],
    )  # fmt: skip
    return OpenedRow(row=row)


def read_ahead(updates, row, *, shown, ahead=None, choices=CHOICES):
    handler = ReadAhead(updates=updates)
    return handler.on_opinion(row=row, shown=shown, ahead=ahead, choices=choices)


@pytest.fixture
def shown(updates):
    return updates.read(opened_film(), choices=CHOICES).shown


def test_the_next_film_is_shown_as_it_was_read_ahead(updates, films, shown):
    ready = read_ahead(updates, row_of(films, 0, 1), shown=shown).ahead
    Path(films[1].path).unlink()  # it is not read again
    screen = ReadHandlers(reader=updates.reader, examples=())
    update = screen.on_row(
        row=row_of(films, 1), ahead=ready, choices=make_choices(point="screening")
    )
    assert update.shown.reading.point.name == "screening"
    assert update.shown.reading.probability == ready.shown.reading.probability
    then = ask(updates, update.shown)
    assert then.shown.reading.second.model == "other"
    again = screen.on_row(row=row_of(films, 1), ahead=ready, choices=CHOICES)
    assert again.shown.opening != update.shown.opening


def test_a_film_that_was_read_ahead_is_not_taken_for_another(updates, films, shown):
    ready = read_ahead(updates, row_of(films, 0, 1), shown=shown).ahead
    screen = ReadHandlers(reader=updates.reader, examples=())
    other = screen.on_row(row=row_of(films, 0), ahead=ready, choices=CHOICES)
    assert other.shown.film.sha256 != ready.shown.film.sha256
    by_other = screen.on_row(row=row_of(films, 1), ahead=ready, choices=make_choices(model="other"))
    assert by_other.shown.reading.model == "other"


def test_a_user_who_answers_first_is_asked_about_a_film_that_was_read_ahead(updates, films, shown):
    ready = read_ahead(updates, row_of(films, 0, 1), shown=shown).ahead
    screen = ReadHandlers(reader=updates.reader, examples=())
    asked = screen.on_row(row=row_of(films, 1), ahead=ready, choices=make_choices(read_first=True))
    assert asked.own_answer.visible
    assert asked.shown.reading is None


def test_no_film_is_read_ahead_where_it_would_be_of_no_use(updates, films, shown):
    nothing = AheadUpdate()
    assert read_ahead(updates, row_of(films, 1), shown=shown) == nothing  # the last film
    row = row_of(films, 0, 1)
    assert read_ahead(updates, row, shown=None) == nothing
    assert read_ahead(updates, row, shown=shown, choices=make_choices(read_first=True)) == nothing
    ready = read_ahead(updates, row, shown=shown).ahead
    assert read_ahead(updates, row, shown=shown, ahead=ready) == nothing
    assert read_ahead(updates, row_of(films, 0, 2), shown=shown).ahead is None  # it is no film


def test_a_fault_ahead_is_logged_and_shows_nothing(updates, films, shown, monkeypatch, caplog):
    def fail(*_, **__):
        raise RuntimeError

    monkeypatch.setattr(updates.reader, "read", fail)
    assert read_ahead(updates, row_of(films, 0, 1), shown=shown).ahead is None
    assert "could not be read ahead" in caplog.text
