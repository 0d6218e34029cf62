"""Films of all sessions stay within a limit: those unused for longest are put away first."""

from dataclasses import dataclass, field, replace

import pytest

from bonefx.web import film_memory
from bonefx.web.compare.state import ComparedFilm
from bonefx.web.film_memory import FilmMemory, FilmRecord, KeptRecord
from bonefx.web.read.state import ShownFilm
from bonefx.web.shared.updates import by_component
from bonefx.web.shared.uploads import OpenedFilm
from bonefx.web.shared.viewer import new_opening
from tests.fixtures.records import make_radiograph, make_reading


@dataclass(frozen=True)
class Record:
    nbytes: int
    opening: str = field(default_factory=new_opening)


def held(memory, kept):
    """Which of the records are there; asking counts as using them, in this order."""
    return [memory.use(one) is not None for one in kept]


def test_the_records_unused_for_longest_are_put_away_first():
    memory = FilmMemory(100)
    first, second, third = (memory.keep(Record(nbytes=30)) for _ in range(3))
    memory.use(first)
    fourth = memory.keep(Record(nbytes=20))
    assert held(memory, [first, second, third, fourth]) == [True, False, True, True]


def test_the_record_used_last_stays_whatever_its_size():
    memory = FilmMemory(100)
    small = memory.keep(Record(nbytes=1))
    large = memory.keep(Record(nbytes=1000))
    assert held(memory, [small, large]) == [False, True]
    small = memory.keep(Record(nbytes=1))
    assert held(memory, [small, large]) == [True, False]


def test_a_change_of_a_film_takes_no_room_of_the_films_of_others():
    memory, film = FilmMemory(100), Record(nbytes=40)
    other, before = memory.keep(Record(nbytes=50)), memory.keep(film)
    after = memory.keep(replace(film, nbytes=45))
    assert held(memory, [other, before, after]) == [True, True, True]


def test_a_record_that_its_session_has_dropped_takes_no_room():
    memory = FilmMemory(100)
    first, dropped = memory.keep(Record(nbytes=50)), memory.keep(Record(nbytes=50))
    del dropped
    last = memory.keep(Record(nbytes=50))
    assert held(memory, [first, last]) == [True, True]


@pytest.mark.parametrize("shares", [True, False])
def test_what_a_session_keeps_of_a_film_is_counted_with_all_its_values(shares):
    film = make_radiograph()
    size = film.pixels.nbytes
    full = film.pixels if shares else film.pixels.copy()
    film = replace(film, full=full)
    opened = OpenedFilm(film=film, study="no DICOM film")
    records = [opened, ComparedFilm(film=film), ShownFilm(opened=opened, reading=None)]
    assert all(isinstance(record, FilmRecord) for record in records)
    assert [record.nbytes for record in records] == [size if shares else 2 * size] * 3
    reading = make_reading()
    shown = ShownFilm(opened=opened, reading=reading)
    assert shown.nbytes == opened.nbytes + (0 if reading.heat is None else reading.heat.nbytes)


def test_handlers_get_films_and_none_for_those_that_were_put_away(monkeypatch):
    monkeypatch.setattr(film_memory, "film_memory", FilmMemory(1))

    @dataclass(frozen=True)
    class Components:
        shown: str = "shown component"
        verdict: str = "verdict component"

    @dataclass(frozen=True)
    class Update:
        shown: object
        verdict: str

    def on_read(record, text):
        return Update(shown=record, verdict=f"{text} of {record}")

    handler, films = by_component(on_read, Components()), [Record(nbytes=10), Record(nbytes=20)]
    first, second = (handler(film, "verdict") for film in films)
    assert isinstance(first["shown component"], KeptRecord)
    assert handler(second["shown component"], "text")["verdict component"] == f"text of {films[1]}"
    assert handler(first["shown component"], "text")["verdict component"] == "text of None"
