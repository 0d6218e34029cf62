"""Texts about heat maps: how far a map can be trusted, or why there is none."""

from __future__ import annotations

from bonefx.heatmaps.agreement import missing_map_reason
from bonefx.records import (
    Agreement,
    Finding,
    MapGrade,
    Reading,
    Trust,
    TrustLimits,
    Verdict,
    estimate_parts,
    estimate_text,
)
from bonefx.report.wording.reasons import reason_text, reasons_text

GRADE_TEXTS = {
    MapGrade.STRONG: "Strong map",
    MapGrade.WEAK: "Weak map",
    MapGrade.NONE: "Map fails its checks",
}
GRADE_NAMES = {
    MapGrade.STRONG: "have a strong map",
    MapGrade.WEAK: "a weak one",
    MapGrade.NONE: "none",
}


def map_words(reading: Reading, *, shown: bool, heat_floor: float) -> str:
    """Describe the map, or return why there is none.

    Args:
        reading: The reading with the map, or without it.
        shown: Whether the map is shown.
        heat_floor: Peak in logits below which the model shows no map.
    """
    if shown and reading.probability is not None and reading.heat_peak is not None:
        grade = "Map" if reading.trust is None else trust_summary(reading, reading.trust)
        colours = f"{grade}. Colours: evidence for fracture, 0 to {reading.heat_peak:.2f} logits"
        return ". ".join([colours, *filter(None, [findings_words(reading)])])
    reason = missing_map_reason(reading, heat_floor=heat_floor)
    if reading.trust is not None and reason in reading.trust.failures:
        return f"No reliable localisation, so no map. {reason_text(reason)}"
    return reason_text(reason)


def finding_name(finding: Finding) -> str:
    """Return the number of a finding, and its probability if it is known."""
    if finding.probability is None:
        return f"{finding.number}"
    return f"{finding.number}: {100 * finding.probability:.0f} %"


def finding_words(finding: Finding) -> str:
    """Return a finding as a sentence."""
    evidence = f"Finding {finding.number}: evidence up to {finding.evidence:.2f} logits"
    if finding.probability is None:
        return f"{evidence}."
    share = f"{100 * finding.probability:.0f} %"
    return f"{evidence}; of such findings on validation films, {share} lie at a fracture."


def findings_words(reading: Reading) -> str:
    """Return how many findings a map has, and how probable each is; empty without findings."""
    count = len(reading.findings)
    shares = [one.probability for one in reading.findings if one.probability is not None]
    if count == 0:
        return ""
    words = f"{count} finding{'s' if count > 1 else ''}"
    if not shares:
        return words
    return f"{words}, at a fracture with {', '.join(f'{100 * share:.0f} %' for share in shares)}"


def trust_summary(reading: Reading, trust: Trust) -> str:
    """Return the grade of a map, and how often such maps of found fractures lie on them.

    The share is left out where it says nothing about the film: without a call, or out of scope.
    """
    if trust.grade is None:
        return "Map passes its checks"
    grade, figures = GRADE_TEXTS[trust.grade], trust.limits.grades.get(trust.grade)
    if figures is None or figures.pointing is None:
        return grade
    if reading.verdict is Verdict.NO_FRACTURE or reading.outside_scope is not None:
        return grade
    share, interval = estimate_parts(figures.pointing, percent=True)
    return (
        f"{grade}: of {figures.pointing.n} such maps of fractures that the model found on unseen "
        f"films, {share} lie on the fracture ({interval})"
    )


def trust_rows(trust: Trust) -> list[tuple[str, str]]:
    """Return what was measured of a map and the limits from validation films, name and text."""
    limits = trust.limits
    return [
        *([("Grades", grade_shares_words(limits))] if limits.grades else []),
        *([("Another model", agreement_words(trust.agreement))] if trust.agreement else []),
        (
            "Strength",
            f"stronger than {100 * trust.peak_rank:.0f} % of the maps of {limits.n} fractures "
            "found on validation films",
        ),
        (
            "Without the hot region",
            f"the answer changes by {-trust.drop:+.2f} logits (at most {-limits.drop:+.2f}"
            f"{_strong_words(limits)})",
        ),
        (
            "On the film's border",
            f"{100 * trust.border_share:.0f} % of the map (at most "
            f"{100 * limits.border_share:.0f} %)",
        ),
        (
            "On markers or text",
            f"{100 * trust.marker_share:.0f} % of the map (at most "
            f"{100 * limits.marker_share:.0f} %)",
        ),
    ]


def _strong_words(limits: TrustLimits) -> str:
    return "" if limits.strong_drop is None else f"; strong from {-limits.strong_drop:+.2f} on"


def grade_shares_words(limits: TrustLimits) -> str:
    """Return how many maps of fractures have each grade, on films that nothing was chosen on."""
    shares = [
        f"{estimate_text(figures.share, percent=True)} {GRADE_NAMES[grade]}"
        for grade, figures in limits.grades.items()
    ]
    return f"of the boxed fractures that the model found, {', '.join(shares)}"


def agreement_words(agreement: Agreement) -> str:
    """Return the overlap of two models' maps as text, or why there is none."""
    if agreement.overlap is None:
        return reasons_text(agreement.reasons)
    text = (
        f"the hot regions of {' and '.join(agreement.models)} overlap by "
        f"{100 * agreement.overlap:.0f} %"
    )
    if not agreement.teacher_and_student:
        return text
    return f"{text}; one of them learned from the other, so their agreement is weaker evidence"
