"""Logit -> calibrated probability -> verdict. Pure arithmetic, no torch."""

from __future__ import annotations

import math
from dataclasses import replace

from bonefx.records import Calibration, OperatingPoint, Reading, Verdict, probability_text


def calibrated_probability(logit: float, calibration: Calibration) -> float:
    """Map a raw logit to P(fracture).

    Args:
        logit: Model output before any sigmoid; any finite float.
        calibration: Slope and intercept fitted on validation films.

    Returns:
        Calibrated probability of fracture, in [0, 1].

    Raises:
        ValueError: logit is not finite.

    Source:
        Platt (1999), "Probabilistic outputs for support vector machines", with slope = -A and
        intercept = -B.
    """
    if not math.isfinite(logit):
        raise ValueError(f"logit must be finite, got {logit}")
    z = calibration.slope * logit + calibration.intercept
    if z >= 0:  # two branches, so that exp never overflows
        return 1.0 / (1.0 + math.exp(-z))
    return math.exp(z) / (1.0 + math.exp(z))


def decide(probability: float, point: OperatingPoint) -> Verdict:
    """Take the verdict at an operating point; both edges of the review band go to review.

    Args:
        probability: Calibrated P(fracture), in [0, 1].
        point: Threshold and review band.

    Raises:
        ValueError: probability is not in [0, 1].
    """
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"probability must be in [0, 1], got {probability}")
    low, high = point.review_band
    if probability < low:
        return Verdict.NO_FRACTURE
    if probability > high:
        return Verdict.FRACTURE
    return Verdict.REVIEW


def review_reason(probability: float, point: OperatingPoint) -> str | None:
    """Say in a sentence why a film goes to review; None when it does not."""
    if decide(probability, point) is not Verdict.REVIEW:
        return None
    return (
        f"Probability {probability_text(probability)} lies in the review band of '{point.name}', "
        f"{point.band_text}: the model does not decide."
    )


def reading_at_point(reading: Reading, point: OperatingPoint) -> Reading:
    """Take a reading's verdict again at another operating point; the network is not asked."""
    if reading.probability is None:
        return replace(reading, point=point)
    return replace(
        reading,
        point=point,
        verdict=decide(reading.probability, point),
        reason=review_reason(reading.probability, point),
    )


def predictive_values(
    sensitivity: float, specificity: float, *, prevalence: float
) -> tuple[float, float]:
    """Tell how often a call is right among films of a given prevalence.

    Args:
        sensitivity: In [0, 1].
        specificity: In [0, 1].
        prevalence: Share of fractures among the films that are read, in (0, 1).

    Returns:
        Positive and negative predictive value, in [0, 1]; 0 where a call is never made.

    Source:
        Bayes' theorem; Altman and Bland (1994), BMJ 309:102.
    """
    found, called_too = prevalence * sensitivity, (1 - prevalence) * (1 - specificity)
    passed, missed = (1 - prevalence) * specificity, prevalence * (1 - sensitivity)
    positive = found / (found + called_too) if found + called_too else 0.0
    negative = passed / (passed + missed) if passed + missed else 0.0
    return positive, negative
