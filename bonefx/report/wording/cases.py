"""Texts about cases: what a case is of, how many films it has, and the limits of its verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bonefx.records import Case, StudyPart
from bonefx.report.wording.readings import VERDICT_WORDING

if TYPE_CHECKING:
    from bonefx.report.case_report import CaseReport

NO_ANSWER = "not all films were read, and no other calls for attention"
SIDES = {"L": "left", "R": "right"}
CASE_LIMITS = (
    "Films of one study, body part and side are one case. Its verdict is that of its most urgent "
    "film: fracture before review, before films without an answer, before no fracture. The error "
    "rates were measured film by film. A case of several films has several chances of a false "
    "call, so a case without a fracture is called fracture more often than one film, and no figure "
    "of the model holds for a case."
)


def case_words(case: Case) -> str:
    """Return what a case is of and its number of films, such as "wrist, left, 3 films"."""
    films = "1 film" if case.n_films == 1 else f"{case.n_films} films"
    return f"{part_words(case.part)}, {films}"


def case_verdict_words(case: CaseReport) -> str:
    """Return the verdict of a case as a sentence, with what it is of and its number of films."""
    found = NO_ANSWER if case.verdict is None else VERDICT_WORDING[case.verdict][1]
    films = "1 film" if case.n_films == 1 else f"{case.n_films} films"
    return f"Case, {part_words(case.part)}, {films}: {found[0].lower()}{found[1:]}."


def film_words(part: StudyPart, view: str | None) -> str:
    """Return what a film's header names, such as "wrist, left, PA"; empty if it names nothing."""
    named = (part.body_part, SIDES.get(part.laterality or ""), view)
    return ", ".join(word for word in named if word)


def part_words(part: StudyPart) -> str:
    """Return body part and side, such as "wrist, left"; a side that is not named is left out."""
    side = SIDES.get(part.laterality or "")
    named = part.body_part or "body part not named"
    return f"{named}, {side}" if side else named
