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
    Verdict.OUT_OF_SCOPE: "The model was not trained for films like this, so it gives no answer.",
}
MEASURES = (
    ("sensitivity", "Sensitivity"),
    ("specificity", "Specificity"),
    ("review_rate", "Sent to review"),
    ("missed_rate", "Missed among “no fracture”"),
)
REFUSED = "No probability: the film is out of scope."
READ_INVERTED = "Read with black and white swapped, as requested."
FEWEST_OF_A_REGION = 20  # test films, fractured and intact each, below which no figure is given
EXPORT = "Export the film itself, with its own window, not a screenshot."
DAMAGED = "Copy or export the film again."
CROP = "Export it again with its own window, and crop it to the film."
REASON_TEXTS = {  # with the fields of _reason_fields
    ReasonCode.NO_SCOPE_DATA: "This model carries no scope data, so it cannot be checked whether "
    "it was trained for films like this. Export the model again with this version, or use another.",
    ReasonCode.SCOPE_CHECK_FAILED: "The scope check stopped with an error, so the film is not "
    "read. See the server's log.",
    ReasonCode.BODY_PART: "The file says that it shows another body part ({name}) than the model "
    "was trained for ({regions}). If the film shows one of these, have the entry corrected at its "
    "source.",
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
    ReasonCode.SMALL_LOGIT_DROP: "Blurring the hot region changes the logit by {change:+.2f} "
    "(limit {limit_change:+.2f}).",
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
    """Return the calibrated probability as a sentence, or that there is none."""
    if reading.probability is None:
        return REFUSED
    return f"Calibrated probability of fracture: {probability_text(reading.probability)}"


def reason_words(reading: Reading) -> str:
    """Return the reason of a reading, or else what its verdict means."""
    return reason_text(reading.reason) if reading.reason else MEANING[reading.verdict]


def region_words(reading: Reading) -> list[str]:
    """Return the recognised body regions with the model's figures on films of each.

    Returns:
        One sentence a region; empty for a film out of scope.
    """
    if reading.probability is None:
        return []
    if reading.regions is None:
        return ["Body region: this model was not trained to recognise it."]
    if not reading.regions:
        return ["Body region not recognised: the model's performance on it is not known."]
    by_region = {figures.region: figures for figures in reading.point.by_region}
    return [_region_sentence(name, by_region.get(name)) for name in reading.regions]


def reading_notes(reading: Reading) -> list[str]:
    """Return notes on a reading: its polarity and its body regions."""
    return [READ_INVERTED] * reading.inverted + region_words(reading)


def _region_sentence(name: str, figures: RegionFigures | None) -> str:
    """Return the figures on test films of one region, or that there are too few films."""
    sensitivity, specificity = (
        (figures.sensitivity, figures.specificity) if figures else (None, None)
    )
    fractured = sensitivity.n if sensitivity else 0
    intact = specificity.n if specificity else 0
    if not sensitivity or not specificity or min(fractured, intact) < FEWEST_OF_A_REGION:
        return (
            f"{name.capitalize()}: too few test films for figures ({fractured} fractured, {intact} "
            f"intact; {FEWEST_OF_A_REGION} of each are needed)."
        )
    return (
        f"{name.capitalize()}: on test films sensitivity {_whole_percent(sensitivity)}, "
        f"specificity {_whole_percent(specificity)}."
    )


def _whole_percent(estimate: Estimate) -> str:
    value, interval = estimate_parts(estimate, percent=True, decimals=0)
    return f"{value} ({interval}, n = {estimate.n})"


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


def map_words(reading: Reading, *, shown: bool, heat_floor: float) -> str:
    """Describe the map, or return why there is none.

    Args:
        reading: The reading with the map, or without it.
        shown: Whether the map is shown.
        heat_floor: Peak in logits below which the model shows no map.
    """
    if shown and reading.probability is not None and reading.heat_peak is not None:
        return f"Map: evidence for fracture, 0 to {reading.heat_peak:.2f} logits"
    reason = missing_map_reason(reading, heat_floor=heat_floor)
    if reading.trust is not None and reason in reading.trust.failures:
        return f"No reliable localisation, so no map. {reason_text(reason)}"
    return reason_text(reason)


def trust_rows(trust: Trust) -> list[tuple[str, str]]:
    """Return what was measured of a map and the limits from validation films, name and text."""
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
    """Return the overlap of two models' maps as text, or why there is none."""
    if agreement.overlap is None:
        return reasons_text(agreement.reasons)
    text = (
        f"the hot regions of {' and '.join(agreement.models)} overlap by "
        f"{100 * agreement.overlap:.0f} %"
    )
    if not agreement.kin:
        return text
    return f"{text}; one of them learned from the other, so their agreement is weaker evidence"


def film_facts(film: Radiograph) -> list[tuple[str, str]]:
    """Return the facts in a film's file, as names and values; no patient data."""
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
