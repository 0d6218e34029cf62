"""Verdicts, figures and facts in plain words: the same on the screens and in every report."""

from __future__ import annotations

from bonefx.records import (
    Agreement,
    Estimate,
    Guarantee,
    OperatingPoint,
    Radiograph,
    Reading,
    RegionFigures,
    Trust,
    Verdict,
    probability_text,
)

TIMES = " \N{MULTIPLICATION SIGN} "
NOTICE = "Research software, not a medical device."
VERDICT_WORDING = {  # sign and words beside the colour, so that no verdict is told by colour alone
    Verdict.FRACTURE: ("▲", "Fracture"),
    Verdict.NO_FRACTURE: ("●", "No fracture"),
    Verdict.REVIEW: ("◆", "Review"),
    Verdict.OUT_OF_SCOPE: ("■", "Out of scope"),
}
MEANING = {
    Verdict.FRACTURE: "The model finds evidence for a fracture. Look at the film yourself.",
    Verdict.NO_FRACTURE: "Too little evidence for a fracture. The model misses some fractures.",
    Verdict.REVIEW: "The model does not decide. Look again.",
    Verdict.OUT_OF_SCOPE: "The model was not made for a film like this, so it gives no answer.",
}
MEASURES = (
    ("sensitivity", "Sensitivity"),
    ("specificity", "Specificity"),
    ("review_rate", "Sent to review"),
    ("missed_rate", "Fractures among “no fracture”"),
)
REFUSED = "No probability: the film is out of scope."
READ_INVERTED = "Read with black and white swapped, as asked."
FEWEST_TO_TELL = 20  # films of a region, fractured and intact each, for its figures to say anything


def probability_words(reading: Reading) -> str:
    """The calibrated probability as a sentence, or that there is none."""
    if reading.probability is None:
        return REFUSED
    return f"Calibrated probability of fracture: {probability_text(reading.probability)}"


def reason_words(reading: Reading) -> str:
    """The reason of the reading, or else what its verdict means."""
    return reading.reason or MEANING[reading.verdict]


def region_words(reading: Reading) -> list[str]:
    """Say which regions are recognised and what the model was measured to do there.

    Returns:
        A sentence or two a region; none for a film out of scope.
    """
    if reading.probability is None:
        return []
    if reading.regions is None:
        return ["Body region: this model was not taught to tell it."]
    if not reading.regions:
        return ["Body region not recognised: what the model does on it is not known."]
    measured = {found.region: found for found in reading.point.by_region}
    return [_of_region(name, measured.get(name)) for name in reading.regions]


def reading_notes(reading: Reading) -> list[str]:
    """What else is to be known of a reading: its polarity and its body regions."""
    return [READ_INVERTED] * reading.inverted + region_words(reading)


def _of_region(name: str, measured: RegionFigures | None) -> str:
    """What an operating point did on the test films of one region, or why that says nothing."""
    found, passed = (measured.sensitivity, measured.specificity) if measured else (None, None)
    broken, intact = (0 if part is None else part.n for part in (found, passed))
    if found is None or passed is None or min(broken, intact) < FEWEST_TO_TELL:
        return (
            f"{name.capitalize()}: too few test films to know what the model does ({broken} "
            f"fractured, {intact} intact; it takes {FEWEST_TO_TELL} of each)."
        )
    return (
        f"{name.capitalize()}: on test films sensitivity {_range(found)}, specificity "
        f"{_range(passed)}."
    )


def _range(estimate: Estimate) -> str:
    value, low, high = (100 * part for part in (estimate.value, estimate.low, estimate.high))
    return f"{value:.0f} % ({low:.0f} to {high:.0f}, n = {estimate.n})"


def point_words(point: OperatingPoint) -> str:
    """Name, threshold and review band of an operating point."""
    return (
        f"Operating point “{point.name}”: threshold {point.threshold:.2f}, "
        f"review band {point.band_text}"
    )


def estimate_words(estimate: Estimate | None) -> str:
    """A measured share with its interval and the number of films; or that it was not measured."""
    if estimate is None:
        return "not measured"
    value, low, high = (100 * part for part in (estimate.value, estimate.low, estimate.high))
    return f"{value:.1f} % (95 % interval {low:.1f} to {high:.1f}, n = {estimate.n})"


def test_films_words(point: OperatingPoint, *, test_set: str) -> str:
    """Name the films that an operating point was measured on, with their number."""
    measured = (point.sensitivity, point.specificity)
    n = sum(estimate.n for estimate in measured if estimate is not None)
    return f"{n or ''} test films{' of ' if test_set else ''}{test_set}".lstrip()


def guarantee_words(guarantee: Guarantee | None, *, share: float | None) -> str:
    """What the review band's lower edge was certified to hold, and where, in sentences.

    Args:
        guarantee: That was given; None for none.
        share: Of fractures among the validation films, in [0, 1]; None where not known.
    """
    if guarantee is None:
        return "The lower edge of the review band is not certified."
    there = "" if share is None else f", which is {100 * share:.0f} %"
    return (
        f"Certified on validation films: with {100 * guarantee.confidence:.0f} % confidence at "
        f"most {100 * guarantee.missed_at_most:.1f} % of the films called no fracture are "
        f"fractured (found {guarantee.missed} of {guarantee.n}), where fractures are as frequent "
        f"as among those films{there}."
    )


TINY = 1e-9  # logits: a map without any evidence


def map_words(reading: Reading, *, shown: bool, heat_floor: float) -> str:
    """What the map shows, or why there is none."""
    if reading.probability is None:
        return "No map: the film is out of scope."
    if shown and reading.heat_peak is not None:
        return f"Map: evidence for fracture, 0 to {reading.heat_peak:.2f} logits"
    if reading.trust is not None and reading.trust.failures:
        return f"No reliable localisation, so no map. {reading.trust.failures[0]}"
    if reading.heat_peak is None or reading.heat_peak >= max(heat_floor, TINY):
        return "No map: the film was read without one."
    return (
        f"No map: the evidence is below the floor. Its peak is {reading.heat_peak:.2f}, "
        f"the floor {heat_floor:.2f} logits."
    )


def trust_rows(trust: Trust) -> list[tuple[str, str]]:
    """What was measured of a map and what val taught to expect, as names and values in words."""
    limits = trust.limits
    return [
        *([("Another model", agreement_words(trust.agreement))] if trust.agreement else []),
        (
            "Strength",
            f"stronger than {100 * trust.peak_rank:.0f} % of the maps of {limits.n} fractures "
            "found on validation films",
        ),
        (
            "Without the hot region",
            f"the answer changes by {-trust.drop:+.2f} logits (at most {-limits.drop:+.2f})",
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


def agreement_words(agreement: Agreement) -> str:
    """Whether two models' maps are the same place, or why that cannot be told."""
    if agreement.overlap is None:
        return agreement.reason or ""
    told = (
        f"the hot regions of {' and '.join(agreement.models)} overlap by "
        f"{100 * agreement.overlap:.0f} %"
    )
    if not agreement.kin:
        return told
    return f"{told}; one of them learned from the other, so they agree sooner than two that did not"


def film_facts(film: Radiograph) -> list[tuple[str, str]]:
    """What a film's file says about it, as far as given; nothing of the patient."""
    height, width = film.pixels.shape
    spacing = None if film.spacing_mm is None else TIMES.join(f"{mm:g}" for mm in film.spacing_mm)
    facts = [
        ("Film", f"{film.file_format}, {film.bits}-bit, {width}{TIMES}{height} px"),
        ("Polarity", READ_INVERTED if film.inverted else None),
        ("Body part", film.body_part),
        ("View", film.view),
        ("Laterality", film.laterality),
        ("Pixel spacing", None if spacing is None else f"{spacing} mm"),
    ]
    return [(name, value) for name, value in facts if value]
