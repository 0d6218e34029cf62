"""Texts about a film: facts in its file, and what was done to it before it was read."""

from __future__ import annotations

from collections.abc import Iterable

from bonefx.records import Corners, FilmEdit, FilmNote, PixelBox, Radiograph

TIMES = " \N{MULTIPLICATION SIGN} "
READ_INVERTED = "Read with black and white swapped, as requested."
FILM_NOTE_TEXTS = {
    FilmNote.DAMAGED: "The file is damaged, and was read anyway, as requested: a part of the "
    "picture may be missing or wrong. Do not rely on this reading.",
    FilmNote.FOR_PROCESSING: "The file holds raw data of the detector (FOR PROCESSING), not the "
    "picture that the manufacturer shows. Send the processed film (FOR PRESENTATION) if there is "
    "one.",
    FilmNote.PIXELS_MADE_SQUARE: "The pixels of the file are not square; the film was resampled to "
    "square pixels.",
    FilmNote.WINDOW_NOT_USED: "The window in the file does not fit its values; the film is shown "
    "with an automatic window.",
}


def film_facts(film: Radiograph) -> list[tuple[str, str]]:
    """Return facts about a film, as names and values; no patient data.

    They are those in its file, the part that is read, and what was changed or must be known.
    """
    height, width = film.pixels.shape
    spacing = None if film.spacing_mm is None else TIMES.join(f"{mm:g}" for mm in film.spacing_mm)
    facts = [
        ("Film", f"{film.file_format}, {film.bits}-bit, {width}{TIMES}{height} px"),
        ("Body part", film.body_part),
        ("View", film.view),
        ("Laterality", film.laterality),
        ("Pixel spacing", None if spacing is None else f"{spacing} mm"),
        ("Read part", _field_text(film.field, film.field_corners) if film.field else None),
        ("Changes", " ".join(edit_texts(film.edit))),
        ("Notes", " ".join(film_note_texts(film.notes))),
    ]
    return [(name, value) for name, value in facts if value]


def edit_texts(edit: FilmEdit) -> list[str]:
    """Return a sentence for each change that the user made on a film before it was read."""
    turn = f"Turned clockwise by {90 * edit.quarter_turns} degrees, as requested."
    return [
        *([f"Cropped to {_box_text(edit.crop)} of the film, as requested."] if edit.crop else []),
        *(["Mirrored left to right, as requested."] * edit.mirrored),
        *([turn] * (edit.quarter_turns > 0)),
        *([READ_INVERTED] * edit.inverted),
    ]


def film_note_texts(notes: Iterable[FilmNote]) -> list[str]:
    """Return the sentences for notes on how a film's file was read."""
    return [FILM_NOTE_TEXTS[note] for note in notes]


def _field_text(field: PixelBox, corners: Corners) -> str:
    text = f"{_box_text(field)}: the exposed field, without borders"
    if not corners:
        return text
    places = ", ".join(f"({x:.0f}, {y:.0f})" for x, y in corners)
    return f"{text}; its corners (column, row) are {places}, and beside it the model reads black"


def _box_text(box: PixelBox) -> str:
    return f"columns {box.left + 1} to {box.right} and rows {box.top + 1} to {box.bottom}"
