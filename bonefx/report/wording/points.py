"""Texts of an operating point: its threshold, its figures on test films, and its certificate."""

from __future__ import annotations

from bonefx.records import (
    NOT_MEASURED,
    Estimate,
    Guarantee,
    OperatingPoint,
    VerdictShares,
    estimate_parts,
)

MEASURES = (
    ("sensitivity", "Sensitivity"),
    ("specificity", "Specificity"),
    ("review_rate", "Sent to review"),
    ("missed_rate", "Missed among “no fracture”"),
)
VERDICT_MEASURES = (
    ("fractures_called", "Fractures called fracture"),
    ("fractures_reviewed", "Fractures sent to review"),
    ("fractures_missed", "Fractures called no fracture"),
    ("intact_called", "Intact films called fracture"),
    ("intact_reviewed", "Intact films sent to review"),
)


def point_words(point: OperatingPoint) -> str:
    """Return name, threshold and review band of an operating point."""
    return (
        f"Operating point “{point.name}”: threshold {point.threshold:.2f}, "
        f"review band {point.band_text}"
    )


def estimate_words(estimate: Estimate | None) -> str:
    """Return a share with its interval and number of films, or that it was not measured."""
    if estimate is None:
        return NOT_MEASURED
    value, interval = estimate_parts(estimate, percent=True)
    return f"{value} (95 % interval {interval}, n = {estimate.n})"


def test_films_words(point: OperatingPoint, *, test_set: str) -> str:
    """Return the number of test films of an operating point, and their data set."""
    measured = (point.sensitivity, point.specificity)
    n = sum(estimate.n for estimate in measured if estimate is not None)
    return f"{n or ''} test films{' of ' if test_set else ''}{test_set}".lstrip()


def guarantee_words(guarantee: Guarantee | None, *, share: float | None) -> str:
    """Return the certificate of a review band's lower edge as sentences.

    Args:
        guarantee: The certificate; None without one.
        share: Share of fractures among the validation films, in [0, 1]; None if not known.
    """
    if guarantee is None:
        return "The lower edge of the review band is not certified."
    prevalence = (
        ""
        if share is None
        else f"; this holds where {100 * share:.0f} % of the films are fractured"
    )
    return (
        f"Certified on validation films: with {100 * guarantee.confidence:.0f} % confidence at "
        f"most {100 * guarantee.missed_at_most:.1f} % of the films called no fracture are "
        f"fractured ({guarantee.missed} of {guarantee.n} were){prevalence}."
    )


def decision_words(point: OperatingPoint, *, test_set: str) -> str:
    """Return how many of 100 films of each kind a point calls, sends to review and misses.

    The numbers hold for the verdicts, with the review band; empty where they were not measured.

    Args:
        point: The operating point.
        test_set: Name of the data set of its test films; empty where not known.
    """
    shares = point.verdicts
    if shares is None:
        return ""
    called, reviewed, missed = _of_a_hundred(shares)
    false_calls = round(100 * shares.intact_called.value)
    n = f"{shares.fractures_called.n} and {shares.intact_called.n}"
    films = f"test films{' of ' if test_set else ''}{test_set}"
    return (
        f"Of 100 films with a fracture the model calls {called} fracture, sends {reviewed} to "
        f"review and misses {missed}; of 100 without one it calls {false_calls} fracture "
        f"({n} {films})."
    )


def _of_a_hundred(shares: VerdictShares) -> tuple[int, int, int]:
    """Round the shares of fractures called, reviewed and missed so that they add up to 100."""
    called = round(100 * shares.fractures_called.value)
    missed = round(100 * shares.fractures_missed.value)
    return called, 100 - called - missed, missed
