"""Worklist: many films read by one model, one row a film, sorted by urgency.

A film that cannot be read becomes a row with its error and does not end the list. Films are read a
few at a time, and a row keeps no pixels except its thumbnail, so that memory stays small.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bonefx.errors import SettingsError
from bonefx.films.raster import encode_png
from bonefx.films.sources import FilmSource, film_or_error
from bonefx.models.preprocess import letterbox
from bonefx.reading.case import study_part
from bonefx.reading.reader import Reader
from bonefx.reading.second_opinion import at_point, with_second_opinion
from bonefx.reading.worklist_row import WorklistRow
from bonefx.records import NOT_EDITED, FilmEdit, Radiograph, edit_radiograph

BATCH_FILMS = 4  # few, because films may be large and rows should appear one soon after another
THUMBNAIL_PX = 72


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
                part=study_part(film),
                view=film.view,
            )


def edited_or_error(film: Radiograph | str, edit: FilmEdit) -> Radiograph | str:
    """Apply an edit to a film of a list; return an error as it is, or why the edit fails."""
    if isinstance(film, str):
        return film
    try:
        return edit_radiograph(film, edit)
    except SettingsError as error:
        return str(error)


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


def _thumbnail(film: Radiograph) -> bytes:
    return encode_png(letterbox(film, size_px=THUMBNAIL_PX))
