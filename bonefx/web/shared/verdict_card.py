"""Readings and operating points -> words and small pieces of HTML. Pure; all values are escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from bonefx.models.decision import predictive_values
from bonefx.models.manifest import Manifest
from bonefx.records import (
    Calibration,
    Estimate,
    OperatingPoint,
    Radiograph,
    Reading,
    probability_text,
)
from bonefx.report.wording import (
    MEASURES,
    VERDICT_WORDING,
    film_facts,
    guarantee_words,
    reading_notes,
    reason_words,
    test_films_words,
)

OF_THEIR_OWN = "The shares sent to review and of fractures among “no fracture”"
WAITING = "If nothing follows, the film did not arrive; choose it again."


def verdict_html(reading: Reading, calibration: Calibration, *, label: str = "Verdict") -> str:
    """Tell the verdict, the probability on its scale, and the reason for a review."""
    sign, words = VERDICT_WORDING[reading.verdict]
    return (
        f'<section class="verdict {reading.verdict.value}" aria-label="{escape(label)}">'
        f'<h2><span aria-hidden="true">{sign}</span> {words}</h2>'
        f"{_probability_html(reading, calibration)}"
        f'<p class="reason">{escape(reason_words(reading))}</p>{_notes_html(reading)}</section>'
    )


def _notes_html(reading: Reading) -> str:
    return "".join(f'<p class="region">{escape(words)}</p>' for words in reading_notes(reading))


def idle_html() -> str:
    """Say that there is no verdict, because there is no film."""
    return _without_verdict("No verdict", "A verdict appears here as soon as a film is read.")


def waiting_html() -> str:
    """Say that a film is being read."""
    return _without_verdict("Reading …", WAITING)


def your_turn_html() -> str:
    """Say that the model waits for the reader's own answer."""
    return _without_verdict("Your read first", "Look at the film and answer; the model follows.")


def not_read_html(why: str) -> str:
    """Say why a film has no verdict, in the place of the verdict."""
    return _without_verdict("✕ Not read", why, kind="not_read")


def caution_html(caution: str) -> str:
    """Warn of a model, if there is cause to."""
    if not caution:
        return ""
    return f'<p class="caution"><span aria-hidden="true">⚠</span> {escape(caution)}</p>'


def measured_html(
    point: OperatingPoint, *, test_set: str, val_share: float | None, prevalence: float
) -> str:
    """Tell what the model was measured to do on test films at an operating point.

    Args:
        point: With its figures.
        test_set: Name of the data set that it was measured on; empty where not known.
        val_share: Share of fractures among the validation films, in [0, 1]; None where not known.
        prevalence: Share of fractures among the user's own films, in (0, 1), for the predictive
            values.
    """
    films = test_films_words(point, test_set=test_set)
    held = guarantee_words(point.guarantee, share=val_share)
    rows = "".join(_measure_row(words, getattr(point, name)) for name, words in MEASURES)
    rows += _predictive_rows(point, prevalence)
    return (
        f'<table class="measured"><caption>Measured on {escape(films)} at “{escape(point.name)}”'
        '</caption><thead><tr><td></td><th scope="col">value</th>'
        '<th scope="col">95 % interval</th><th scope="col">films</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
        '<p class="note">Sensitivity, specificity and predictive values are those of the threshold '
        "alone; only predictive values follow the share of fractures set below. "
        f"{_at_their_own_share(point)}{escape(held)}</p>"
    )


def own_prevalence(point: OperatingPoint) -> float:
    """The share of fractures among the test films; a half where nothing was measured."""
    if point.sensitivity is None or point.specificity is None:
        return 0.5
    return point.sensitivity.n / (point.sensitivity.n + point.specificity.n)


def details_html(
    manifest: Manifest,
    device: str,
    *,
    film: Radiograph | None = None,
    reading: Reading | None = None,
    extra: Iterable[tuple[str, str]] = (),
) -> str:
    """List the facts about film, model and run; nothing of the patient, no file name."""
    facts = list(extra)
    facts += [] if film is None else film_facts(film)
    facts += [("Model", manifest.id), ("Weights", manifest.sha256[:12])]
    facts += [("Device", device)]
    facts += [] if reading is None else [("Time", duration(reading.elapsed_s))]
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts
    )
    return f'<dl class="details">{rows}</dl>'


def duration(elapsed_s: float) -> str:
    """Seconds in the unit that reads best."""
    return f"{elapsed_s:.1f} s" if elapsed_s >= 1 else f"{elapsed_s * 1000:.0f} ms"


def point_label(point: OperatingPoint) -> str:
    """How an operating point is offered: its name and its threshold."""
    return f"{point.name.capitalize()} {point.threshold:.2f}"


def _probability_html(reading: Reading, calibration: Calibration) -> str:
    if reading.probability is None:
        return ""
    text = escape(probability_text(reading.probability))
    return (
        f'<p class="probability"><b>{text}</b> probability of fracture'
        f'<small title="{escape(calibration.method)}, slope {calibration.slope:.3g}, '
        f'intercept {calibration.intercept:.3g}">calibrated on {calibration.n} films</small></p>'
        f"{_scale_html(reading.probability, reading.point)}"
    )


def _scale_html(probability: float, point: OperatingPoint) -> str:
    """Draw the probability, the threshold and the review band between 0 and 1."""
    low, high = point.review_band
    words = f"Threshold {point.threshold:.2f}, review band {point.band_text}"
    spoken = f"Probability {probability_text(probability)} on a scale from 0 to 1. {words}."
    return (
        f'<div class="scale" role="img" aria-label="{escape(spoken)}">'
        f'<i class="below" style="width:{low:.2%}"></i>'
        f'<i class="band" style="left:{low:.2%};width:{high - low:.2%}"></i>'
        f'<i class="above" style="left:{high:.2%}"></i>'
        f'<i class="threshold" style="left:{point.threshold:.2%}"></i>'
        f'<i class="here" style="left:{probability:.2%}"></i></div>'
        '<p class="ends" aria-hidden="true"><span>0</span>'
        f'<span class="words">{escape(words)}</span><span>1</span></p>'
    )


def _predictive_rows(point: OperatingPoint, prevalence: float) -> str:
    """Predictive values; their ranges take both intervals at their worse and better ends."""
    first, second = point.sensitivity, point.specificity
    if first is None or second is None:
        return ""
    ends = zip(
        (first.value, first.low, first.high), (second.value, second.low, second.high), strict=True
    )
    found = [predictive_values(one, other, prevalence=prevalence) for one, other in ends]
    words = ("Positive predictive value", "Negative predictive value")
    return "".join(
        f'<tr><th scope="row">{name}</th><td>{100 * value:.1f} %</td><td>{100 * low:.1f} &ndash; '
        f"{100 * high:.1f}</td><td>at {100 * prevalence:.0f} %</td></tr>"
        for name, (value, low, high) in zip(words, zip(*found, strict=True), strict=True)
    )


def _at_their_own_share(point: OperatingPoint) -> str:
    if point.missed_rate is None or point.sensitivity is None or point.specificity is None:
        return ""
    share = 100 * own_prevalence(point)
    return f"{OF_THEIR_OWN} hold for the test films, {share:.0f} % of them fractured. "


def _measure_row(words: str, estimate: Estimate | None) -> str:
    head = f'<tr><th scope="row">{words}</th>'
    if estimate is None:
        return f'{head}<td colspan="3">not measured</td></tr>'
    low, high = 100 * estimate.low, 100 * estimate.high
    return (
        f"{head}<td>{100 * estimate.value:.1f} %</td><td>{low:.1f} &ndash; {high:.1f}</td>"
        f"<td>{estimate.n}</td></tr>"
    )


def _without_verdict(words: str, why: str, *, kind: str = "idle") -> str:
    return (
        f'<section class="verdict {kind}" aria-label="Verdict"><h2>{escape(words)}</h2>'
        f'<p class="reason">{escape(why)}</p></section>'
    )
