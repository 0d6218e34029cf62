"""Texts of verdicts, reasons, figures and facts, shared by the screens and every report."""

from __future__ import annotations

from bonefx.records import (
    Estimate,
    Reading,
    Reason,
    RegionFigures,
    RegionSource,
    Verdict,
    estimate_parts,
    estimate_text,
    probability_text,
)
from bonefx.records.set_figures import SetSummary
from bonefx.report.wording.films import edit_texts, film_note_texts
from bonefx.report.wording.reasons import reason_text

MOST_SETS = 2  # in the sentence on other hospitals
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

REGION_SOURCES = {
    RegionSource.USER: ", as chosen by the reader",
    RegionSource.HEADER: ", by the film's header",
    RegionSource.MODEL: "",
}
AGREES = "Both models come to the same verdict."
ONE_ANSWER = "Only one of the two models answers."
DISAGREES = "The two models disagree: look again."
REFUSED = "No probability: the film is out of scope."
CALIBRATED = "Calibrated probability of fracture"
NOT_CALIBRATED = "Probability outside the model's scope, not calibrated"
GPU_FAILED = "The GPU failed, so the film was read on the CPU, which is slower."
FEWEST_OF_A_REGION = 20  # test films, fractured and intact each, below which no figure is given


def probability_words(reading: Reading) -> str:
    """Return the probability as a sentence, or that there is none."""
    if reading.probability is None:
        return REFUSED
    return f"{probability_name(reading)}: {probability_text(reading.probability)}"


def probability_name(reading: Reading) -> str:
    """Return what the probability of a reading is; outside the scope it is not calibrated."""
    return CALIBRATED if reading.outside_scope is None else NOT_CALIBRATED


def reason_words(reading: Reading) -> str:
    """Return the reason of a reading, or else what its verdict means."""
    return reason_text(reading.reason) if reading.reason else MEANING[reading.verdict]


def region_words(reading: Reading) -> list[str]:
    """Return the recognised body regions with the model's figures on films of each.

    Returns:
        One sentence a region; empty for a film out of scope, also if the user had it read.
    """
    if reading.probability is None or reading.outside_scope is not None:
        return []
    if reading.regions is None:
        return ["Body region: this model was not trained to recognise it."]
    from_header = reading.region_source is RegionSource.HEADER
    if not reading.regions:
        told = "in the header is new" if from_header else "not recognised"
        return [f"Body region {told}: the model's performance on it is not known."]
    source = REGION_SOURCES[reading.region_source]
    names = [f"{name.capitalize()}{source}" for name in reading.regions]
    if not reading.point.by_region:
        return [f"{name}: the model was not measured by body region." for name in names]
    by_region = {figures.region: figures for figures in reading.point.by_region}
    return [
        _region_sentence(name, by_region.get(region))
        for name, region in zip(names, reading.regions, strict=True)
    ]


def verdict_words(reading: Reading) -> tuple[str, str]:
    """Return the sign and the words of a verdict, marked where the film is out of scope."""
    sign, words = VERDICT_WORDING[reading.verdict]
    return sign, f"{words}, outside the model's scope" if reading.outside_scope else words


def second_model_words(reading: Reading) -> str:
    """Return the second model's verdict as sentences, marked where it differs; empty without one.

    A model that refuses the film gives no answer, and does not disagree.
    """
    if reading.second is None:
        return ""
    agrees = AGREES if reading.second.verdict is reading.verdict else ONE_ANSWER
    words = DISAGREES if reading.models_disagree else agrees
    return f"Second model, {second_verdict_words(reading)}. {words}"


def second_verdict_words(reading: Reading) -> str:
    """Return the name of the second model, its verdict and probability; empty without one."""
    second = reading.second
    if second is None:
        return ""
    sign, words = verdict_words(second)
    probability = "" if second.probability is None else f", {probability_text(second.probability)}"
    return f"{second.model}: {sign} {words}{probability}"


def reading_notes(reading: Reading) -> list[str]:
    """Return notes on a reading: on its film, on other hospitals, and on patients."""
    return [*film_notes(reading), *other_sets_words(reading), *patient_words(reading)]


def film_notes(reading: Reading) -> list[str]:
    """Return notes on the film of a reading: scope, changes, file and body regions."""
    return [
        *([_outside_scope_words(reading.outside_scope)] if reading.outside_scope else []),
        *edit_texts(reading.edit),
        *film_note_texts(reading.notes),
        *([GPU_FAILED] if reading.gpu_failed else []),
        *region_words(reading),
    ]


def patient_words(reading: Reading) -> list[str]:
    """Return for which patients the model was not made, as one sentence; empty if not known."""
    return [f"Not for {reading.unsuitable_for}."] if reading.unsuitable_for else []


def other_sets_words(reading: Reading) -> list[str]:
    """Return a sentence on how the model did on films of other hospitals.

    Returns:
        One sentence; empty for a film out of scope, also if the user had it read.
    """
    if reading.probability is None or reading.outside_scope is not None:
        return []
    if not reading.other_sets:
        return ["Other hospitals: the performance on their films is not known."]
    return [f"Other hospitals: {'; '.join(map(_set_words, reading.other_sets[:MOST_SETS]))}."]


def _set_words(measured: SetSummary) -> str:
    refused = ""
    if measured.refused is not None:
        refused = f", {estimate_parts(measured.refused, percent=True)[0]} of them refused"
    return (
        f"AUROC {estimate_text(measured.auroc)} on {measured.auroc.n:,} films of "
        f"{measured.name}{refused}"
    )


def _outside_scope_words(refusal: Reason) -> str:
    return (
        "This film is outside the model's scope and was read anyway, as requested: the "
        "probability is not calibrated for it, and no figure of the model holds. The refusal was: "
        f"{reason_text(refusal)}"
    )


def _region_sentence(name: str, figures: RegionFigures | None) -> str:
    """Return the figures on test films of one region, or that there are too few films."""
    sensitivity, specificity = (
        (figures.sensitivity, figures.specificity) if figures else (None, None)
    )
    fractured = sensitivity.n if sensitivity else 0
    intact = specificity.n if specificity else 0
    if not sensitivity or not specificity or min(fractured, intact) < FEWEST_OF_A_REGION:
        return (
            f"{name}: too few test films for figures ({fractured} fractured, {intact} "
            f"intact; {FEWEST_OF_A_REGION} of each are needed)."
        )
    return (
        f"{name}: on test films sensitivity {_whole_percent(sensitivity)}, "
        f"specificity {_whole_percent(specificity)}."
    )


def _whole_percent(estimate: Estimate) -> str:
    value, interval = estimate_parts(estimate, percent=True, decimals=0)
    return f"{value} ({interval}, n = {estimate.n})"
