"""Texts about a film: facts in its file, and what was done to it before it was read."""

from __future__ import annotations

from bonefx.records import (
    Radiograph,
)

TIMES = " \N{MULTIPLICATION SIGN} "


READ_INVERTED = "Read with black and white swapped, as requested."


def film_facts(film: Radiograph) -> list[tuple[str, str]]:
    """Return the facts in a film's file, as names and values; no patient data."""
    height, width = film.pixels.shape
    spacing = None if film.spacing_mm is None else TIMES.join(f"{mm:g}" for mm in film.spacing_mm)
    facts = [
        ("Film", f"{film.file_format}, {film.bits}-bit, {width}{TIMES}{height} px"),
        ("Polarity", READ_INVERTED if film.inverted else None),
        ("Body part", film.body_part),
        ("View", film.view),
        ("Laterality", film.laterality),
        ("Pixel spacing", None if spacing is None else f"{spacing} mm"),
    ]
    return [(name, value) for name, value in facts if value]
