"""Logit -> calibrated probability -> verdict. Pure arithmetic, no torch."""

from __future__ import annotations

import math
from dataclasses import replace

from bonefx.records import Calibration, OperatingPoint, Reading, Reason, ReasonCode, Verdict


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
    """Compute the verdict at an operating point; both edges of the review band go to review.

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


def review_reason(probability: float, point: OperatingPoint) -> Reason | None:
    """Return why a film goes to review; None when it does not.

    Args:
        probability: Calibrated P(fracture), in [0, 1].
        point: Threshold and review band.
    """
    if decide(probability, point) is not Verdict.REVIEW:
        return None
    return Reason(
        code=ReasonCode.IN_REVIEW_BAND,
        value=probability,
        limit=point.review_band,
        name=point.name,
    )


def reading_at_point(reading: Reading, point: OperatingPoint) -> Reading:
    """Recompute a reading's verdict at another operating point, without the network."""
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
    """Compute how often a verdict is right at a given prevalence of fractures.

    Args:
        sensitivity: In [0, 1].
        specificity: In [0, 1].
        prevalence: Share of fractures among the films that are read, in (0, 1).

    Returns:
        Positive and negative predictive value, in [0, 1]; 0 where a verdict never occurs.

    Source:
        Bayes' theorem; Altman and Bland (1994), BMJ 309:102.
    """
    true_positive, false_positive = prevalence * sensitivity, (1 - prevalence) * (1 - specificity)
    true_negative, false_negative = (1 - prevalence) * specificity, prevalence * (1 - sensitivity)
    return (
        _share(true_positive, of=true_positive + false_positive),
        _share(true_negative, of=true_negative + false_negative),
    )


def _share(part: float, *, of: float) -> float:
    return part / of if of else 0.0
