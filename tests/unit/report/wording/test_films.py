"""Texts about a film: its facts, its changes and notes on its file."""

from __future__ import annotations

import pytest

from bonefx.records import FilmEdit, FilmNote, PixelBox, edit_radiograph
from bonefx.report import reading_table
from bonefx.report.wording.films import FILM_NOTE_TEXTS, edit_texts, film_facts
from bonefx.report.wording.readings import reading_notes
from tests.fixtures.records import make_radiograph, make_reading

CROP = PixelBox(top=10, left=5, bottom=80, right=75)


def test_every_note_has_sentences():
    assert set(FILM_NOTE_TEXTS) == set(FilmNote)
    assert all(text.endswith(".") for text in FILM_NOTE_TEXTS.values())


def test_a_film_as_it_came_has_no_changes():
    assert edit_texts(FilmEdit()) == []
    assert not {"Changes", "Notes", "Read part"} & {
        name for name, _ in film_facts(make_radiograph())
    }


def test_changes_and_notes_stand_in_facts_notes_and_table():
    edit = FilmEdit(crop=CROP, mirrored=True, quarter_turns=3, inverted=True)
    film = edit_radiograph(make_radiograph(notes=(FilmNote.DAMAGED,)), edit)
    facts = dict(film_facts(film))
    reading = make_reading(edit=film.edit, notes=film.notes)
    for text in (facts["Changes"], " ".join(reading_notes(reading))):
        assert "Cropped to columns 6 to 75 and rows 11 to 80 of the film" in text
        assert "Mirrored" in text
        assert "270 degrees" in text
        assert "swapped" in text
    assert "damaged" in facts["Notes"]
    table = reading_table(reading)
    assert table["crop"] == [10, 5, 80, 75]
    assert (table["mirrored"], table["turned_degrees"], table["inverted"]) == (True, 270, True)
    assert [note["code"] for note in table["film_notes"]] == ["damaged"]


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turn_is_given_in_degrees(turns):
    (text,) = edit_texts(FilmEdit(quarter_turns=turns))
    assert f"by {90 * turns} degrees" in text


def test_the_exposed_field_stands_in_facts_and_table():
    facts = dict(film_facts(make_radiograph(field=CROP)))
    assert facts["Read part"].startswith("columns 6 to 75 and rows 11 to 80")
    assert reading_table(make_reading(field=CROP))["exposed_field"] == [10, 5, 80, 75]


def test_the_corners_of_a_tilted_field_stand_in_facts_and_table():
    corners = ((5, 20.123), (60.4, 10), (75, 66), (20, 80))
    facts = dict(film_facts(make_radiograph(field=CROP, field_corners=corners)))
    assert "(5, 20), (60, 10), (75, 66), (20, 80)" in facts["Read part"]
    assert "beside it the model reads black" in facts["Read part"]
    table = reading_table(make_reading(field=CROP, field_corners=corners))
    assert table["exposed_field_corners"] == [[5, 20.12], [60.4, 10], [75, 66], [20, 80]]
    assert reading_table(make_reading(field=CROP))["exposed_field_corners"] == []
