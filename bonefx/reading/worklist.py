"""Worklist: many films read by one model, one row a film, sorted by urgency.

A film that cannot be read becomes a row with its error and does not end the list. Films are read a
few at a time, and a row keeps no pixels except its thumbnail, so that memory stays small.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from bonefx.errors import SettingsError
from bonefx.films.raster import encode_png
from bonefx.films.sources import FilmSource, film_or_error
from bonefx.models.preprocess import letterbox
from bonefx.reading.reader import Reader
from bonefx.reading.second_opinion import at_point, with_second_opinion
from bonefx.records import (
    NOT_EDITED,
    FilmEdit,
    Radiograph,
    Reading,
    Verdict,
    edit_radiograph,
)
from bonefx.report.table_records import RowTable
from bonefx.report.tables import worklist_table

BATCH_FILMS = 4  # few, because films may be large and rows should appear one soon after another
THUMBNAIL_PX = 72
URGENCY = {Verdict.FRACTURE: 0, Verdict.REVIEW: 1, Verdict.OUT_OF_SCOPE: 2, Verdict.NO_FRACTURE: 3}
NOT_READ_URGENCY = 2  # a film that was not read ranks like one out of scope
CSV_COLUMNS = tuple(field.name for field in fields(RowTable))
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistRow:
    """One film of a worklist.

    Attributes:
        place: Number in the list as it was given, from 1.
        source: The film's file, with the name that the user gave it.
        reading: Without its heat map; None if the film was not read.
        error: Why the film was not read, as a sentence; None if it was.
        sha256: Checksum of the film's file; None if it was not read.
        same_as: Place of the first film of the list with the same bytes; None if there is none.
        thumbnail: The exposed field in a small black square, PNG; None if not requested.
    """

    place: int
    source: FilmSource
    reading: Reading | None = None
    error: str | None = None
    sha256: str | None = None
    same_as: int | None = None
    thumbnail: bytes | None = None

    def __post_init__(self) -> None:
        if (self.reading is None) == (self.error is None):
            raise ValueError("a row has either a reading or an error")

    @property
    def verdict(self) -> Verdict | None:
        """Verdict of the reading; None if the film was not read."""
        return None if self.reading is None else self.reading.verdict

    @property
    def probability(self) -> float | None:
        """Calibrated P(fracture), in [0, 1]; None when out of scope or not read."""
        return None if self.reading is None else self.reading.probability


def read_worklist(
    reader: Reader,
    films: Iterable[FilmSource],
    *,
    model: str | None = None,
    point: str | None = None,
    batch_films: int = BATCH_FILMS,
    thumbnails: bool = True,
    edit: FilmEdit = NOT_EDITED,
    before: Sequence[WorklistRow] = (),
) -> Iterator[WorklistRow]:
    """Read films in the order given.

    Args:
        reader: Holds the loaded models.
        films: Films to read.
        model: Name of a loaded model; None for the first.
        point: Name of an operating point; None for the model's default.
        batch_films: Films in one forward pass, >= 1.
        thumbnails: Add a thumbnail to each row.
        edit: Changes of each film before it is read.
        before: Rows of the same list that were read before; places continue after them.

    Yields:
        One row a film, a batch at a time.

    Raises:
        SettingsError: There is no such model or operating point.
    """
    reader.model(model).point(point)  # raises before the first film is opened
    first_places: dict[str, int] = {}
    for row in before:
        if row.sha256 is not None:
            first_places.setdefault(row.sha256, row.place)
    numbered = enumerate(films, start=len(before) + 1)
    while batch := list(itertools.islice(numbered, batch_films)):
        opened = [edited_or_error(film_or_error(source), edit) for _, source in batch]
        readable = [film for film in opened if not isinstance(film, str)]
        readings = iter(reader.read_batch(readable, model=model, point=point, heat=False))
        for (place, source), film in zip(batch, opened, strict=True):
            if isinstance(film, str):
                yield WorklistRow(place=place, source=source, error=film)
                continue
            first = first_places.setdefault(film.sha256, place)
            yield WorklistRow(
                place=place,
                source=source,
                reading=next(readings),
                sha256=film.sha256,
                same_as=None if first == place else first,
                thumbnail=_thumbnail(film) if thumbnails else None,
            )


def edited_or_error(film: Radiograph | str, edit: FilmEdit) -> Radiograph | str:
    """Apply an edit to a film of a list; return an error as it is, or why the edit fails."""
    if isinstance(film, str):
        return film
    try:
        return edit_radiograph(film, edit)
    except SettingsError as error:
        return str(error)


def urgency(row: WorklistRow) -> float:
    """Return the rank of a row, in [0, 4]; smaller is more urgent.

    The order is fracture, review, films without an answer, no fracture; within each, the higher
    probability comes first. The rank is rounded to six digits, because the same film may differ by
    less than that between batches.
    """
    group = NOT_READ_URGENCY if row.verdict is None else URGENCY[row.verdict]
    return round(group + (1.0 - (row.probability or 0.0)), 6)


def sorted_by_urgency(rows: Iterable[WorklistRow]) -> list[WorklistRow]:
    """Sort rows, the most urgent first; rows of equal rank keep the order of the list."""
    return sorted(rows, key=lambda row: (urgency(row), row.place))


def with_second_verdicts(reader: Reader, rows: Iterable[WorklistRow]) -> Iterator[WorklistRow]:
    """Add a second model's verdict to rows, in their order; see reading.second_opinion.

    A row stays as it is if it has one, if its film was not read, or can no longer be opened.
    """
    for row in rows:
        reading = row.reading
        if reading is not None and reading.second is None:
            film = edited_or_error(film_or_error(row.source), reading.edit)
            if isinstance(film, Radiograph):
                reading = with_second_opinion(reader, film, reading)
        yield replace(row, reading=reading)


def rows_at_point(reader: Reader, rows: Iterable[WorklistRow], point: str) -> list[WorklistRow]:
    """Recompute all verdicts at another operating point, by its name, without the networks."""
    return [
        row if row.reading is None else replace(row, reading=at_point(reader, row.reading, point))
        for row in rows
    ]


def row_table(row: WorklistRow) -> dict[str, Any]:
    """Return a row as the dict of a RowTable; it holds no pixels, path or patient data."""
    return worklist_table(
        row.reading,
        place=row.place,
        film=row.source.name,
        urgency=urgency(row),
        error=row.error,
        same_as=row.same_as,
        sha256=row.sha256,
    )


def worklist_csv(rows: Sequence[WorklistRow]) -> bytes:
    """Write rows as CSV, the most urgent first, with the columns of RowTable.

    Text that a spreadsheet would read as a formula is prefixed with an apostrophe. The file names
    are those that the user gave, since only that user receives the table.

    Source:
        RFC 4180, with a byte order mark for Excel; OWASP, "CSV Injection".
    """
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\r\n")
    table.writeheader()
    for row in sorted_by_urgency(rows):
        table.writerow({name: _cell(value) for name, value in row_table(row).items()})
    return text.getvalue().encode("utf-8-sig")


def _cell(value: object) -> object:
    if isinstance(value, list):  # of film notes
        return " ".join(note["code"] for note in value)
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def _thumbnail(film: Radiograph) -> bytes:
    return encode_png(letterbox(film, size_px=THUMBNAIL_PX))
