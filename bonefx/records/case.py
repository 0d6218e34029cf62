"""A case: films of one study and body part, which one reader reads together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bonefx.records.reading import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPart:
    """The study, body part and side that a film's header names, and so those of a case.

    Attributes:
        study: Hash of the study; see Radiograph.study. None if not named, likewise below.
        body_part: In lower case, such as "wrist".
        laterality: L or R.
    """

    study: str | None = None
    body_part: str | None = None
    laterality: str | None = None

    @property
    def n_named(self) -> int:
        """How many of body part and side are named, 0 to 2."""
        return (self.body_part is not None) + (self.laterality is not None)

    def fits(self, other: StudyPart) -> bool:
        """Return whether a film of this part can belong to another part of the same study."""
        return (
            self.study == other.study
            and self.body_part in (None, other.body_part)
            and self.laterality in (None, other.laterality)
        )


NO_PART = StudyPart()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseChoices:
    """Films that a user joined to one case, or split off; they count before the header.

    Attributes:
        groups: Places in the list of the films of each such case; no place is in two of them.
    """

    groups: tuple[frozenset[int], ...] = ()

    def joined(self, places: Collection[int]) -> CaseChoices:
        """Return the choices with some films as one case."""
        return CaseChoices(groups=(*self._without(places), frozenset(places)))

    def split(self, places: Collection[int]) -> CaseChoices:
        """Return the choices with each of some films as a case of its own."""
        alone = (frozenset([place]) for place in sorted(set(places)))
        return CaseChoices(groups=(*self._without(places), *alone))

    def _without(self, places: Collection[int]) -> list[frozenset[int]]:
        rest = (group - frozenset(places) for group in self.groups)
        return [group for group in rest if group]


NO_CHOICES = CaseChoices()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Films that are read together; its verdict is that of its most urgent film.

    Attributes:
        number: Number of the case in the order of the first films, from 1.
        places: Places of its films in the list, the most urgent first; copies included.
        n_films: Number of its films; copies of a file count once.
        verdict: Of the most urgent film; None if that was not read.
        part: What the headers of its films name; None where they name nothing, or different values.
    """

    number: int
    places: tuple[int, ...]
    n_films: int
    verdict: Verdict | None
    part: StudyPart
