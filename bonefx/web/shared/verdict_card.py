"""HTML of a reading: the verdict, what its operating point did on test films, and the details."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

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
from bonefx.report.wording.films import film_facts
from bonefx.report.wording.maps import trust_rows, trust_summary
from bonefx.report.wording.points import (
    MEASURES,
    VERDICT_MEASURES,
    decision_words,
    guarantee_words,
    test_films_words,
)
from bonefx.report.wording.readings import (
    film_notes,
    other_sets_words,
    patient_words,
    reason_words,
    second_model_words,
    verdict_words,
)
from bonefx.web.shared.templates import render

WAITING = "If no verdict appears, the film did not arrive. Choose it again."
POINT_NOTE = (
    "Sensitivity, specificity and predictive values apply to the threshold without the review "
    "band; only predictive values follow the share of fractures set below."
)
PREDICTIVE_NAMES = ("Positive predictive value", "Negative predictive value")


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictiveValue:
    """A predictive value at one prevalence, with the range that follows from both intervals.

    Attributes:
        name: Its name on screen.
        value: In [0, 1].
        low: Value at the lower ends of sensitivity and specificity.
        high: Value at their upper ends.
    """

    name: str
    value: float
    low: float
    high: float


def verdict_html(
    reading: Reading,
    calibration: Calibration,
    *,
    test_set: str = "",
    label: str = "Verdict",
    awaited: str = "",
    second_failed: bool = False,
    folded: bool = False,
) -> Markup:
    """Render verdicts, what the model decides on test films, its reason, the map, and notes.

    Args:
        reading: The model's reading.
        calibration: Of the same model.
        test_set: Name of the data set of its test films; empty where not known.
        label: Name of the card for screen readers.
        awaited: Name of a second model that has not read the film; empty for none.
        second_failed: The program failed when that model read it, so that no answer will come.
        folded: Show what the model decides on test films only when the user asks for it, where the
            film needs the room.
    """
    trust = reading.trust
    sign, words = verdict_words(reading)
    probability = reading.probability
    return render(
        "shared/verdict.html.j2",
        verdict=reading.verdict.value,
        label=label,
        sign=sign,
        words=words,
        probability=probability,
        probability_text="" if probability is None else probability_text(probability),
        outside_scope=reading.outside_scope is not None,
        point=reading.point,
        calibration=calibration,
        reason=reason_words(reading),
        second=second_model_words(reading),
        awaited=awaited,
        second_failed=second_failed,
        folded=folded,
        disagrees=reading.models_disagree,
        trust_summary="" if trust is None else trust_summary(reading, trust),
        trust_rows=[] if trust is None else trust_rows(trust),
        measured=_measured_notes(reading, test_set=test_set),
        notes=film_notes(reading),
    )


def _measured_notes(reading: Reading, *, test_set: str) -> list[str]:
    """Return what the model decides on test films and on those of other hospitals.

    Empty for a film out of scope, also if the user had it read.
    """
    if reading.probability is None or reading.outside_scope is not None:
        return []
    decided = decision_words(reading.point, test_set=test_set)
    return [*([decided] if decided else []), *other_sets_words(reading), *patient_words(reading)]


def idle_html() -> Markup:
    """Render the card of a screen without a film."""
    return _no_verdict("No verdict", "A verdict appears here as soon as a film is read.")


def waiting_html() -> Markup:
    """Render the card while a film is read."""
    return _no_verdict("Reading …", WAITING)


def your_turn_html() -> Markup:
    """Render the card while the model waits for the reader's own answer."""
    return _no_verdict(
        "Your read first",
        "Look at the film and choose your answer. The model reads the film afterwards.",
    )


def not_read_html(why: str) -> Markup:
    """Render the card of a film that could not be read, with the reason."""
    return _no_verdict("✕ Not read", why, kind="not_read")


def caution_html(caution: str) -> Markup:
    """Render a warning about a model; empty where there is none."""
    return render("shared/caution.html.j2", caution=caution) if caution else Markup()


def measured_html(
    point: OperatingPoint, *, test_set: str, val_share: float | None, prevalence: float
) -> Markup:
    """Render what an operating point did on test films, with 95 % intervals.

    Args:
        point: The operating point.
        test_set: Name of the data set of its test films; empty where not known.
        val_share: Share of fractures among the validation films, in [0, 1]; None where not known.
        prevalence: Share of fractures among the user's own films, in (0, 1), for the predictive
            values.
    """
    guarantee = guarantee_words(point.guarantee, share=val_share)
    return render(
        "shared/measured.html.j2",
        films=test_films_words(point, test_set=test_set),
        point=point,
        measures=_measures(point),
        predictive=predictive_rows(point, prevalence=prevalence),
        prevalence=prevalence,
        notes=[POINT_NOTE, *_test_prevalence_notes(point), guarantee],
    )


def _measures(point: OperatingPoint) -> list[tuple[str, Estimate | None]]:
    """Return the figures of a point by their names: threshold alone, then its verdicts."""
    alone = [(words, getattr(point, name)) for name, words in MEASURES]
    if point.verdicts is None:
        return alone
    return alone + [(words, getattr(point.verdicts, name)) for name, words in VERDICT_MEASURES]


def own_prevalence(point: OperatingPoint) -> float:
    """Return the share of fractures among the test films; 0.5 where nothing was measured."""
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
) -> Markup:
    """Render the facts about film, model and run; no patient data, no file name."""
    facts = list(extra)
    facts += [] if film is None else film_facts(film)
    facts += [("Model", manifest.id), ("Weights", manifest.sha256[:12])]
    facts += [("Device", device)]
    facts += [] if reading is None else [("Time", duration(reading.elapsed_s))]
    return render("shared/details.html.j2", facts=facts)


def duration(elapsed_s: float) -> str:
    """Return a time in seconds, or in milliseconds below one second."""
    return f"{elapsed_s:.1f} s" if elapsed_s >= 1 else f"{elapsed_s * 1000:.0f} ms"


def point_label(point: OperatingPoint) -> str:
    """Return an operating point's name and threshold, as the screens offer it."""
    return f"{point.name.capitalize()} {point.threshold:.2f}"


def predictive_rows(point: OperatingPoint, *, prevalence: float) -> list[PredictiveValue]:
    """Compute both predictive values; empty where sensitivity or specificity was not measured.

    Each range takes the lower ends of both intervals together, and the upper ends together.
    """
    first, second = point.sensitivity, point.specificity
    if first is None or second is None:
        return []
    ends = ((first.value, second.value), (first.low, second.low), (first.high, second.high))
    at_ends = [predictive_values(*pair, prevalence=prevalence) for pair in ends]
    return [
        PredictiveValue(name=name, value=value, low=low, high=high)
        for name, (value, low, high) in zip(
            PREDICTIVE_NAMES, zip(*at_ends, strict=True), strict=True
        )
    ]


def _test_prevalence_notes(point: OperatingPoint) -> Sequence[str]:
    """Return the prevalence of the test films, for the figures that depend on it."""
    if point.missed_rate is None or point.sensitivity is None or point.specificity is None:
        return ()
    share = 100 * own_prevalence(point)
    return (
        "The shares sent to review and of missed fractures apply to the test films, "
        f"{share:.0f} % of which are fractured.",
    )


def _no_verdict(heading: str, text: str, *, kind: str = "idle") -> Markup:
    return render("shared/no_verdict.html.j2", heading=heading, text=text, kind=kind)
