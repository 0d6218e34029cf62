"""One film of a worklist, and how urgent it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bonefx.films.sources import FilmSource
from bonefx.records import NO_PART, Reading, StudyPart, Verdict

URGENCY = {Verdict.FRACTURE: 0, Verdict.REVIEW: 1, Verdict.OUT_OF_SCOPE: 2, Verdict.NO_FRACTURE: 3}
NOT_READ_URGENCY = 2  # a film that was not read ranks like one out of scope


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
        part: Study, body part and side that the film's header names.
        view: DICOM view position; None if not given.
    """

    place: int
    source: FilmSource
    reading: Reading | None = None
    error: str | None = None
    sha256: str | None = None
    same_as: int | None = None
    thumbnail: bytes | None = None
    part: StudyPart = NO_PART
    view: str | None = None

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


def urgency(row: WorklistRow) -> float:
    """Return the rank of a row; see urgency_of."""
    return urgency_of(row.verdict, row.probability)


def urgency_of(verdict: Verdict | None, probability: float | None) -> float:
    """Return the rank of a film, in [0, 4]; smaller is more urgent.

    The order is fracture, review, films without an answer, no fracture; within each, the higher
    probability comes first. The rank is rounded to six digits, because the same film may differ by
    less than that between batches.

    Args:
        verdict: None for a film that was not read.
        probability: Calibrated P(fracture), in [0, 1]; None without one.
    """
    group = NOT_READ_URGENCY if verdict is None else URGENCY[verdict]
    return round(group + (1.0 - (probability or 0.0)), 6)


def sorted_by_urgency(rows: Iterable[WorklistRow]) -> list[WorklistRow]:
    """Sort rows, the most urgent first; rows of equal rank keep the order of the list."""
    return sorted(rows, key=lambda row: (urgency(row), row.place))
