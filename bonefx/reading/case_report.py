"""Read the films of a case, and compose one report of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bonefx.errors import SettingsError, UnreadableRadiographError
from bonefx.films.sources import FilmSource
from bonefx.reading.case import common_part, study_part
from bonefx.reading.reader import Reader
from bonefx.reading.second_opinion import with_second_opinion
from bonefx.reading.worklist_row import urgency_of
from bonefx.records import Radiograph, Reading
from bonefx.report.case_report import MAX_FILMS, CaseFilm, CaseReport
from bonefx.report.compose import compose_report
from bonefx.report.wording.cases import film_words


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it may hold arrays
class CaseMember:
    """A film of a case, before its report.

    Attributes:
        source: Its file.
        film: As it was read; None if it was not.
        reading: With its heat map and second opinion; None if the film was not read.
        error: Why it was not read, as a sentence; None if it was.
    """

    source: FilmSource
    film: Radiograph | None = None
    reading: Reading | None = None
    error: str | None = None

    @property
    def rank(self) -> tuple[float, str]:
        """Place in the report: by urgency; films of equal urgency by checksum."""
        if self.film is None or self.reading is None:
            return urgency_of(None, None), ""
        return urgency_of(self.reading.verdict, self.reading.probability), self.film.sha256


def read_member(reader: Reader, source: FilmSource, *, model: str, point: str) -> CaseMember:
    """Read a film of a case as it is in its file."""
    try:
        film = source.read()
    except UnreadableRadiographError as error:
        return CaseMember(source=source, error=str(error))
    reading = reader.read(film, model=model, point=point)
    return CaseMember(source=source, film=film, reading=with_second_opinion(reader, film, reading))


def check_size(films: Sequence[object]) -> None:
    """Refuse a case that is too large for one report.

    Raises:
        SettingsError: It has more than MAX_FILMS films.
    """
    if len(films) > MAX_FILMS:
        raise SettingsError(
            f"the case has {len(films)} films, and a report holds at most {MAX_FILMS}; split the "
            "case in the worklist"
        )


def compose_case(
    reader: Reader,
    members: Iterable[CaseMember],
    *,
    text: str = "",
    created: datetime | None = None,
) -> tuple[CaseReport, tuple[FilmSource, ...]]:
    """Compose the report of a case; copies of a file count once.

    Args:
        reader: Holds the model that read the films.
        members: The films.
        text: The user's own text about the case.
        created: Time of the report, with its time zone; None for now.

    Returns:
        The report, and the files of its films in the same order.

    Raises:
        SettingsError: There are too many films, none of them could be read, or the text is too
            long.
    """
    ranked = sorted(_distinct(members), key=lambda member: member.rank)
    check_size(ranked)
    created = created or datetime.now().astimezone()
    films, sources, unread = [], [], []
    for number, member in enumerate(ranked, start=1):
        name = _name(number, member.film)
        if member.film is None or member.reading is None:
            unread.append(f"{name} was not read: {member.error}")
            continue
        model = reader.model(member.reading.model)
        report = compose_report(member.film, member.reading, model=model, created=created)
        films.append(CaseFilm(name=name, report=report))
        sources.append(member.source)
    if not films:
        raise SettingsError(f"no film of the case could be read. {' '.join(unread)}")
    first = ranked[0].reading
    case = CaseReport(
        part=common_part([study_part(one.film) for one in ranked if one.film is not None]),
        verdict=None if first is None else first.verdict,
        films=tuple(films), unread=tuple(unread), text=text,
    )  # fmt: skip
    return case, tuple(sources)


def _distinct(members: Iterable[CaseMember]) -> list[CaseMember]:
    found: dict[object, CaseMember] = {}
    for member in members:
        key = member.source if member.film is None else (member.film.sha256, member.film.edit)
        found.setdefault(key, member)
    return list(found.values())


def _name(number: int, film: Radiograph | None) -> str:
    words = "" if film is None else film_words(study_part(film), film.view)
    return f"Film {number} ({words})" if words else f"Film {number}"
