"""Many films x a model -> rows, one a film, in the order in which they are most urgent.

A film that cannot be read is a row with its error; it never ends the list. Films are read a few at
a time, and a row keeps no pixels but its thumbnail, so that a long list needs little memory.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

import cv2

from bonefx.films.sources import FilmSource, film_or_error
from bonefx.models.decision import reading_at_point
from bonefx.models.preprocess import letterbox
from bonefx.reading.reader import Reader
from bonefx.records import OperatingPoint, Radiograph, Reading, Verdict, invert_radiograph
from bonefx.report import reading_table

BATCH_FILMS = 4  # each may be large, and rows should come one soon after the other
THUMBNAIL_PX = 72
URGENCY = {Verdict.FRACTURE: 0, Verdict.REVIEW: 1, Verdict.OUT_OF_SCOPE: 2, Verdict.NO_FRACTURE: 3}
NO_ANSWER = 2  # a film that was not read stands where one out of scope does
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistRow:
    """What is told about one film of a list.

    Attributes:
        place: Number in the list as it was given, from 1.
        source: Where the film came from, with the name that its user gave it.
        reading: Without its heat; None where the film was not read.
        error: Why the film was not read, as a sentence; None where it was.
        sha256: Checksum of the film's file; None where it was not read.
        same_as: Place of the first film of the list with the very same bytes, if there is one.
        thumbnail: The whole film in a small black square, PNG; None where it was not asked for.
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
        """The reading's verdict; None where the film was not read."""
        return None if self.reading is None else self.reading.verdict

    @property
    def probability(self) -> float | None:
        """Calibrated P(fracture), in [0, 1]; None without an answer."""
        return None if self.reading is None else self.reading.probability


class RowTable(TypedDict):
    """A row in plain values; see WorklistRow and records.Reading. Urgency grows to the less urgent.

    The film is called what its user called it; there are no pixels and no patient data.
    """

    place: int
    film: str
    urgency: float
    verdict: str | None
    probability: float | None
    reason: str | None
    error: str | None
    same_as: int | None
    sha256: str | None
    model: str | None
    weights_sha256: str | None
    point: str | None
    threshold: float | None
    caution: str | None
    inverted: bool | None
    looks_inverted: bool | None


def read_worklist(
    reader: Reader,
    films: Iterable[FilmSource],
    *,
    model: str | None = None,
    point: str | None = None,
    batch_films: int = BATCH_FILMS,
    thumbnails: bool = True,
    invert: bool = False,
) -> Iterator[WorklistRow]:
    """Read films one after the other, in the order given.

    Args:
        reader: Holds the models.
        films: What to read.
        model: Name of a loaded model; None takes the first.
        point: Name of an operating point; None takes the model's default.
        batch_films: How many films share a forward pass, >= 1.
        thumbnails: Make a small picture of each film.
        invert: Swap black and white on each film before it is read.

    Yields:
        A row a film, a batch at a time.

    Raises:
        SettingsError: No such model or operating point.
    """
    reader.model(model).point(point)  # refused before the first film
    first_places: dict[str, int] = {}
    numbered = enumerate(films, start=1)
    while batch := list(itertools.islice(numbered, batch_films)):
        opened = [_opened(source, invert=invert) for _, source in batch]
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


def _opened(source: FilmSource, *, invert: bool) -> Radiograph | str:
    film = film_or_error(source)
    return invert_radiograph(film) if invert and not isinstance(film, str) else film


def urgency(row: WorklistRow) -> float:
    """Rank a row, in [0, 4]: the smaller, the more urgent.

    Fracture comes first, then review, then films without an answer, then no fracture; within
    each, the higher probability comes first. Six digits, as one film may differ by less than
    that from itself in another batch.
    """
    group = NO_ANSWER if row.verdict is None else URGENCY[row.verdict]
    return round(group + (1.0 - (row.probability or 0.0)), 6)


def sorted_by_urgency(rows: Iterable[WorklistRow]) -> list[WorklistRow]:
    """Sort rows, the most urgent first; equals keep the order of the list."""
    return sorted(rows, key=lambda row: (urgency(row), row.place))


def rows_at_point(rows: Iterable[WorklistRow], point: OperatingPoint) -> list[WorklistRow]:
    """Take all verdicts again at another operating point; the network is not asked."""
    return [
        row if row.reading is None else replace(row, reading=reading_at_point(row.reading, point))
        for row in rows
    ]


def row_table(row: WorklistRow) -> RowTable:
    """Turn a row into plain values for JSON and CSV."""
    table = RowTable(
        place=row.place,
        film=row.source.name,
        urgency=urgency(row),
        verdict=None,
        probability=row.probability,
        reason=None,
        error=row.error,
        same_as=row.same_as,
        sha256=row.sha256,
        model=None,
        weights_sha256=None,
        point=None,
        threshold=None,
        caution=None,
        inverted=None,
        looks_inverted=None,
    )
    if row.reading is not None:
        answer = reading_table(row.reading)
        table.update({
            "verdict": answer["verdict"], "reason": answer["reason"], "model": answer["model"],
            "weights_sha256": answer["weights_sha256"], "point": answer["point"],
            "threshold": answer["threshold"], "caution": answer["caution"],
            "inverted": answer["inverted"], "looks_inverted": answer["looks_inverted"],
        })  # fmt: skip
    return table


def worklist_csv(rows: Sequence[WorklistRow]) -> bytes:
    """Write rows as a table, the most urgent first, with the columns of RowTable.

    It carries file names as their user gave them, as only that user gets it, and no pixels. Text
    that a spreadsheet would take for a formula gets an apostrophe in front.

    Source:
        RFC 4180; the mark of UTF-8 in front is for Excel. OWASP, "CSV Injection".
    """
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, RowTable.__annotations__, lineterminator="\r\n")
    table.writeheader()
    for row in sorted_by_urgency(rows):
        table.writerow({name: _cell(value) for name, value in row_table(row).items()})
    return text.getvalue().encode("utf-8-sig")


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def _thumbnail(film: Radiograph) -> bytes:
    _, encoded = cv2.imencode(".png", letterbox(film, size_px=THUMBNAIL_PX))
    return encoded.tobytes()
