"""Cases: which films of a list belong together, and the verdict of each case.

The rule takes what headers say, never what a model recognises, which may be wrong and would join
films of two limbs. Films of one study, body part and side are one case. A film that does not name
body part or side joins the only case of its study that it can belong to; if there are several or
none, it stays with the films of its study that name the same. A film without a study, such as a
PNG, is a case of its own. What a user joined or split counts before all this.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import fields

from bonefx.reading.worklist_row import WorklistRow, sorted_by_urgency
from bonefx.records import NO_CHOICES, Case, CaseChoices, Radiograph, StudyPart
from bonefx.scope.body_parts import part_in_header


def study_part(film: Radiograph) -> StudyPart:
    """Return the study, body part and side that a film's header names."""
    return StudyPart(study=film.study, body_part=part_in_header(film), laterality=film.laterality)


def cases_of(rows: Iterable[WorklistRow], choices: CaseChoices = NO_CHOICES) -> tuple[Case, ...]:
    """Group the rows of a list into cases, the most urgent case first.

    Args:
        rows: All rows that were read so far: a row that comes later may change the grouping.
        choices: What the user joined and split.
    """
    ranked = sorted_by_urgency(rows)
    chosen = {place: group for group in choices.groups for place in group}
    homes = _homes(row.part for row in ranked if row.part.study and row.place not in chosen)
    groups: dict[Hashable, list[WorklistRow]] = defaultdict(list)  # the most urgent first
    for row in ranked:
        alone = row.place if row.part.study is None else homes.get(row.part)
        groups[chosen.get(row.place, alone)].append(row)
    firsts = sorted(min(row.place for row in group) for group in groups.values())
    numbers = {first: number for number, first in enumerate(firsts, start=1)}
    return tuple(
        _case(numbers[min(row.place for row in group)], group) for group in groups.values()
    )


def _homes(parts: Iterable[StudyPart]) -> dict[StudyPart, StudyPart]:
    """Return for each part the part of the case that its films join; its own if it joins none.

    Parts that name more come first, so that the result does not depend on the order of films.
    """
    of_study: dict[str | None, list[StudyPart]] = defaultdict(list)
    homes: dict[StudyPart, StudyPart] = {}
    for part in sorted(dict.fromkeys(parts), key=lambda part: -part.n_named):
        fitting = [home for home in of_study[part.study] if part.fits(home)]
        homes[part] = fitting[0] if len(fitting) == 1 else part
        if homes[part] is part:
            of_study[part.study].append(part)
    return homes


def _case(number: int, rows: Sequence[WorklistRow]) -> Case:
    """Return the case of some rows, of which the most urgent comes first."""
    return Case(
        number=number,
        places=tuple(row.place for row in rows),
        n_films=len({row.sha256 or row.place for row in rows}),
        verdict=rows[0].verdict,
        part=common_part([row.part for row in rows]),
    )


def common_part(parts: Sequence[StudyPart]) -> StudyPart:
    """Return what films name in common; a value that some do not name, and none contradicts."""
    common: dict[str, str | None] = {}
    for field in fields(StudyPart):
        named = {getattr(part, field.name) for part in parts} - {None}
        common[field.name] = named.pop() if len(named) == 1 else None
    return StudyPart(**common)
