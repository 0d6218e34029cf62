"""Texts of verdicts, reasons, figures and facts, shared by the screens and every report."""

from __future__ import annotations

from collections.abc import Iterable

from bonefx.heatmaps.agreement import missing_map_reason
from bonefx.records import (
    NOT_MEASURED,
    Agreement,
    Estimate,
    Guarantee,
    OperatingPoint,
    Radiograph,
    Reading,
    Reason,
    ReasonCode,
    RegionFigures,
    Trust,
    Verdict,
    estimate_parts,
    probability_text,
)

TIMES = " \N{MULTIPLICATION SIGN} "
NOTICE = "Research software, not a medical device."
VERDICT_WORDING = {  # a sign and words, so that no verdict depends on its colour alone
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
FEWEST_OF_A_REGION = 20  # test films, fractured and intact each, below which no figure is given
EXPORT = "Export the film itself, with its own window, not a screenshot."
DAMAGED = "Copy or export the film again."
CROP = "Export it again with its own window, and crop it to the film."
REASON_TEXTS = {  # with the fields of _reason_fields
    ReasonCode.NO_SCOPE_DATA: "This model carries no scope, so it cannot be checked whether the "
    "film is one that it was made for. Export the model again with this version, or use another.",
    ReasonCode.SCOPE_CHECK_FAILED: "The check whether this is a bone film failed, so the film is "
    "not read. See the log for the error.",
    ReasonCode.BODY_PART: "The file says that it shows another body part ({name}) than the model "
    "was made for ({regions}). If the film shows one of these, have the entry corrected where it "
    "was made.",
    ReasonCode.UNLIKE_TRAINING_FILMS: "This picture is unlike the films that the model was trained "
    "on. Use a plain radiograph of a hand, leg, hip or shoulder: the film itself, whole, upright "
    "in its own greys.",
    ReasonCode.LOOKS_INVERTED: "The film looks inverted, with dark bone. If it is a bone film, "
    "have it read inverted in Read, or on the command line with --invert.",
    ReasonCode.INVERTED_BY_USER: "With black and white swapped this is unlike the films that the "
    "model was trained on. Have it read as it is.",
    ReasonCode.FEW_GREY_LEVELS: "This picture has too few grey levels for a film: it looks drawn, "
    f"or saved with too few levels. {EXPORT}",
    ReasonCode.NARROW_RANGE: "This picture is nearly one grey: blank, or far under- or "
    f"over-exposed. {CROP}",
    ReasonCode.TOO_MUCH_WHITE: "This picture is white over more of its area than films are: "
    f"over-exposed, a page, or with white borders. {CROP}",
    ReasonCode.TOO_MUCH_OF_ONE_LEVEL: "This picture has one grey level over more of its area than "
    f"films have: it looks drawn, or is a page or a screen. {EXPORT}",
    ReasonCode.TOO_DARK: f"This picture is darker than films are: far under-exposed. {CROP}",
    ReasonCode.TOO_BRIGHT: "This picture is brighter than films are: over-exposed, inverted, or no "
    f"film. {CROP}",
    ReasonCode.NOISE_ACROSS: "This picture changes from pixel to pixel like noise or text. "
    f"{DAMAGED}",
    ReasonCode.NOISE_DOWN: "This picture changes from row to row like noise, or its rows are out "
    f"of order. {DAMAGED}",
    ReasonCode.ROWS_OUT_OF_ORDER: f"This picture has rows that do not follow each other. {DAMAGED}",
    ReasonCode.EMPTY_ROWS: "This picture has more empty rows than films have: part of it is lost. "
    f"{DAMAGED}",
    ReasonCode.IN_REVIEW_BAND: "Probability {probability} lies in the review band of '{name}', "
    "{band}: the model does not decide.",
    ReasonCode.MAP_OUT_OF_SCOPE: "No map: the film is out of scope.",
    ReasonCode.MAP_NOT_COMPUTED: "No map: the film was read without one.",
    ReasonCode.PEAK_BELOW_FLOOR: "No map: the evidence is below the floor. Its peak is "
    "{value:.2f}, the floor {limit:.2f} logits.",
    ReasonCode.MAP_ON_BORDER: "{percent:.0f} % of the map lies on the film's border (limit "
    "{limit_percent:.0f} %).",
    ReasonCode.MAP_ON_MARKERS: "{percent:.0f} % of the map lies on markers or text (limit "
    "{limit_percent:.0f} %).",
    ReasonCode.SMALL_LOGIT_DROP: "Without the hot region the answer changes by {change:+.2f} "
    "logits (limit {limit_change:+.2f}).",
    ReasonCode.OTHER_MODEL_DISAGREES: "{name} points elsewhere: the hot regions overlap by "
    "{percent:.0f} % (limit {limit_percent:.0f} %).",
    ReasonCode.MODEL_OUT_OF_SCOPE: "{name} gives no answer about this film, so it has no map.",
    ReasonCode.MODEL_MAP_UNRELIABLE: "{name} has no map: its localisation is not reliable.",
    ReasonCode.MODEL_MAP_WEAK: "{name} has no map: its evidence is too weak to show.",
}


def reason_text(reason: Reason) -> str:
    """Return the sentences for a reason: what was found and, for a refusal, what to do."""
    return REASON_TEXTS[reason.code].format_map(_reason_fields(reason))


def reasons_text(reasons: Iterable[Reason]) -> str:
    """Return the sentences for several reasons, one after the other."""
    return " ".join(reason_text(reason) for reason in reasons)


def _reason_fields(reason: Reason) -> dict[str, object]:
    fields: dict[str, object] = {"name": reason.name, "regions": ", ".join(reason.regions)}
    if reason.value is not None:
        fields |= {
            "value": reason.value, "percent": 100 * reason.value, "change": -reason.value,
            "probability": probability_text(reason.value),
        }  # fmt: skip
    if isinstance(reason.limit, tuple):
        return fields | {"band": " to ".join(probability_text(edge) for edge in reason.limit)}
    if reason.limit is not None:
        fields |= {
            "limit": reason.limit, "limit_percent": 100 * reason.limit,
            "limit_change": -reason.limit,
        }  # fmt: skip
    return fields


def probability_words(reading: Reading) -> str:
    """The calibrated probability as a sentence, or that there is none."""
    if reading.probability is None:
        return REFUSED
    return f"Calibrated probability of fracture: {probability_text(reading.probability)}"


def reason_words(reading: Reading) -> str:
    """The reason of the reading, or else what its verdict means."""
    return reason_text(reading.reason) if reading.reason else MEANING[reading.verdict]


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
    if found is None or passed is None or min(broken, intact) < FEWEST_OF_A_REGION:
        return (
            f"{name.capitalize()}: too few test films to know what the model does ({broken} "
            f"fractured, {intact} intact; it takes {FEWEST_OF_A_REGION} of each)."
        )
    return (
        f"{name.capitalize()}: on test films sensitivity {_range(found)}, specificity "
        f"{_range(passed)}."
    )


def _range(estimate: Estimate) -> str:
    value, interval = estimate_parts(estimate, percent=True, decimals=0)
    return f"{value} ({interval}, n = {estimate.n})"


def point_words(point: OperatingPoint) -> str:
    """Name, threshold and review band of an operating point."""
    return (
        f"Operating point “{point.name}”: threshold {point.threshold:.2f}, "
        f"review band {point.band_text}"
    )


def estimate_words(estimate: Estimate | None) -> str:
    """A measured share with its interval and the number of films; or that it was not measured."""
    if estimate is None:
        return NOT_MEASURED
    value, interval = estimate_parts(estimate, percent=True)
    return f"{value} (95 % interval {interval}, n = {estimate.n})"


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


def map_words(reading: Reading, *, shown: bool, heat_floor: float) -> str:
    """Describe the map, or return why there is none.

    Args:
        reading: Whose map is shown or missing.
        shown: The map is shown.
        heat_floor: Peak in logits below which the model shows no map.
    """
    if shown and reading.probability is not None and reading.heat_peak is not None:
        return f"Map: evidence for fracture, 0 to {reading.heat_peak:.2f} logits"
    reason = missing_map_reason(reading, heat_floor=heat_floor)
    if reading.trust is not None and reason in reading.trust.failures:
        return f"No reliable localisation, so no map. {reason_text(reason)}"
    return reason_text(reason)


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
        return reasons_text(agreement.reasons)
    text = (
        f"the hot regions of {' and '.join(agreement.models)} overlap by "
        f"{100 * agreement.overlap:.0f} %"
    )
    if not agreement.kin:
        return text
    return f"{text}; one of them learned from the other, so they agree sooner than two that did not"


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
