"""The record that a report of a case is made from: the reports of its films."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from bonefx.records import StudyPart, Verdict
from bonefx.report.record import Report, clean_text

MAX_FILMS = 12  # of a case in one report


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class CaseFilm:
    """A film of a case with its reading.

    Attributes:
        name: Its number in the case and what its header names: "Film 2 (wrist, left, PA)".
        report: Of this film alone, without the user's text.
    """

    name: str
    report: Report


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class CaseReport:
    """Films that one model read at one operating point, with everything that a report contains.

    Attributes:
        part: What the headers of the films name in common.
        verdict: Of the most urgent film; None if that was not read.
        films: The films that were read, at least one, the most urgent first.
        unread: Why each other film of the case was not read, as sentences with its name.
        text: The user's own text about the case; see Report.
    """

    part: StudyPart
    verdict: Verdict | None
    films: tuple[CaseFilm, ...]
    unread: tuple[str, ...] = ()
    text: str = ""

    def __post_init__(self) -> None:
        if not self.films:
            raise ValueError("a report of a case needs a film that was read")
        readings = [film.report.reading for film in self.films]
        if len({(one.model, one.weights_sha256, one.point.name) for one in readings}) > 1:
            raise ValueError("one model reads all films of a case, at one operating point")
        object.__setattr__(self, "text", clean_text(self.text))

    @property
    def first(self) -> Report:
        """Report of the most urgent film; model, operating point and time are those of all."""
        return self.films[0].report

    @property
    def created(self) -> datetime:
        """Time of the report, with its time zone."""
        return self.first.created

    @property
    def sha256(self) -> str:
        """Checksum of the checksums of its films, which names the case in any order of films."""
        own = sorted(film.report.reading.radiograph_sha256 for film in self.films)
        return hashlib.sha256("".join(own).encode()).hexdigest()

    @property
    def n_films(self) -> int:
        """Number of films, with those that were not read."""
        return len(self.films) + len(self.unread)
