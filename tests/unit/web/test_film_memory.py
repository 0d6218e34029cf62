"""Films of all sessions stay within a limit: those unused for longest are put away first.

Before that they are compressed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from pydicom.dataset import Dataset

from bonefx.films.patient_ids import StudyHeader
from bonefx.web import film_memory
from bonefx.web.compare.state import ComparedFilm
from bonefx.web.film_memory import FilmMemory, FilmRecord, KeptRecord
from bonefx.web.packed_record import pack
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


def film_record(seed, side=100):
    """Return a film of 8 bits with smooth values, which holds its pixels twice."""
    ramp = np.add.outer(np.arange(side), np.arange(side) + seed) % 256
    pixels = (ramp / 255).astype(np.float32)
    return ComparedFilm(film=make_radiograph(pixels=pixels, full=pixels))


def at_once(compress):
    compress()


def test_films_that_were_not_used_lately_are_compressed_and_come_back_whole():
    records = [film_record(seed) for seed in range(10)]
    size = records[0].nbytes
    memory = FilmMemory(4 * size, later=at_once)
    kept = [memory.keep(record) for record in records]
    assert sum(one.nbytes for one in kept) < 4 * size  # ten in the room of four
    for record, one in zip(records, kept, strict=True):
        film = memory.use(one).film
        np.testing.assert_array_equal(film.pixels, record.film.pixels)
        assert film.full is film.pixels
        assert film.pixels.flags.writeable
        assert one.nbytes == size


def test_all_that_a_screen_keeps_of_a_dicom_film_comes_back():
    elements = Dataset()
    elements.StudyInstanceUID = "1.2.3"
    opened = OpenedFilm(
        film=make_radiograph(), study=StudyHeader(sha256="0" * 64, elements=elements)
    )
    shown = ShownFilm(opened=opened, reading=make_reading(), facts=(("Example", "a film"),))
    back = pack(shown).unpack()
    assert back.opened.study.elements == elements
    assert back.opening == shown.opening
    assert back.facts == shown.facts
    assert back.reading.verdict is shown.reading.verdict
    np.testing.assert_array_equal(back.reading.heat, shown.reading.heat)


def test_the_film_used_last_is_never_compressed():
    memory = FilmMemory(1, later=at_once)
    kept = memory.keep(film_record(0))
    assert memory.use(kept) is memory.use(kept)


def test_a_film_that_is_used_while_it_is_compressed_stays_as_it_is():
    waiting: list[Callable[[], None]] = []
    memory = FilmMemory(10**6, later=waiting.append)
    first = memory.keep(film_record(0, side=200))
    second = memory.keep(film_record(1, side=200))
    record = memory.use(first)
    for compress in waiting:
        compress()
    assert memory.use(first) is record
    assert waiting
    assert memory.use(second) is not None


def test_what_is_dropped_before_it_is_compressed_is_left_alone():
    waiting: list[Callable[[], None]] = []
    memory = FilmMemory(10**6, later=waiting.append)
    first = memory.keep(film_record(0, side=200))
    second = memory.keep(film_record(1, side=200))
    del first
    for compress in waiting:
        compress()
    assert memory.use(second) is not None
    assert waiting


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
