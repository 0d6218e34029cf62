"""What is chosen on validation films alone: calibration, operating points, the heat floor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from bonefx.decide import calibrated_probability
from bonefx.errors import RecipeError
from bonefx.records import Calibration, OperatingPoint

SCREENING_SENSITIVITY = 0.95
SPECIFIC_SPECIFICITY = 0.98
REVIEW_SHARE = 0.10  # of validation films, half on each side of the threshold
FLOOR_QUANTILE = 0.05  # of the map peaks of fractured validation films that are called so


def fit_calibration(
    logits: NDArray[np.float64], fractured: NDArray[np.bool_], *, split: str
) -> Calibration:
    """Fit Platt scaling by maximum likelihood.

    Args:
        logits: (N,).
        fractured: Ground truth, (N,).
        split: Name of the films' split, for the record.

    Raises:
        RecipeError: A higher logit goes with fewer fractures, so there is nothing to calibrate.
    """
    model = LogisticRegression(C=np.inf).fit(logits[:, None], fractured)
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope <= 0:
        raise RecipeError(
            f"on {split} a higher logit goes with fewer fractures (slope {slope:.3f}); train longer"
        )
    return Calibration(method="platt", slope=slope, intercept=intercept, n=len(logits), split=split)


def probabilities(logits: NDArray[np.float64], calibration: Calibration) -> NDArray[np.float64]:
    """Calibrate logits, (N,) to (N,), by the rule that readings use."""
    return np.array([calibrated_probability(float(logit), calibration) for logit in logits])


def choose_points(
    probability: NDArray[np.float64], fractured: NDArray[np.bool_]
) -> tuple[OperatingPoint, ...]:
    """Choose screening, balanced and specific thresholds and their review bands.

    Args:
        probability: Calibrated, (N,).
        fractured: Ground truth, (N,), with both classes.

    Returns:
        Screening: the highest threshold that keeps SCREENING_SENSITIVITY; balanced: the highest
        sum of sensitivity and specificity (Youden, 1950); specific: the lowest threshold that
        keeps SPECIFIC_SPECIFICITY.
    """
    candidates = _between(np.unique(probability))
    sensitivity = np.array([(probability[fractured] >= at).mean() for at in candidates])
    specificity = np.array([(probability[~fractured] < at).mean() for at in candidates])
    thresholds = {
        "screening": candidates[sensitivity >= SCREENING_SENSITIVITY].max(),
        "balanced": candidates[np.argmax(sensitivity + specificity)],
        "specific": candidates[specificity >= SPECIFIC_SPECIFICITY].min(),
    }
    return tuple(
        OperatingPoint(
            name=name, threshold=float(at), review_band=_review_band(probability, float(at))
        )
        for name, at in thresholds.items()
    )


def _between(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Thresholds between neighbouring values, and one below and one above them all."""
    middles = (values[1:] + values[:-1]) / 2
    return np.concatenate([[values[0] / 2], middles, [(1 + values[-1]) / 2]])


def _review_band(probability: NDArray[np.float64], threshold: float) -> tuple[float, float]:
    """The band around a threshold that holds REVIEW_SHARE of the films, half on each side."""
    ordered = np.sort(probability)
    half = round(len(ordered) * REVIEW_SHARE / 2)
    at = int(np.searchsorted(ordered, threshold))
    low = ordered[max(0, at - half)] if at else threshold
    high = ordered[min(len(ordered) - 1, at + half - 1)]
    return float(min(low, threshold)), float(max(high, threshold))


def choose_heat_floor(
    peaks: NDArray[np.float64], probability: NDArray[np.float64], fractured: NDArray[np.bool_],
    threshold: float,
) -> float:  # fmt: skip
    """Choose the map peak, in logits, below which no map is shown.

    Args:
        peaks: Raw map peak of each film, (N,).
        probability: Calibrated, (N,).
        fractured: Ground truth, (N,).
        threshold: Of the balanced operating point.
    """
    found = peaks[fractured & (probability >= threshold)]
    return float(np.quantile(found, FLOOR_QUANTILE)) if len(found) else 0.0
