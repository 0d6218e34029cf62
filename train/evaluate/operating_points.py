"""Choose calibration, operating points and the heat floor on validation films."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom
from sklearn.linear_model import LogisticRegression

from bonefx.errors import RecipeError
from bonefx.models.decision import calibrated_probability
from bonefx.records import Calibration, Guarantee, OperatingPoint

SCREENING_SENSITIVITY = 0.95
SPECIFIC_SPECIFICITY = 0.98
BALANCED = "balanced"
REVIEW_SHARE = 0.10  # of validation films, half on each side, for edges without another rule
WRONGLY_CALLED_AT_MOST = {BALANCED: 0.01, "specific": 0.005}  # of validation films without fracture
MISSED_AT_MOST = {"screening": 0.05, BALANCED: 0.075, "specific": 0.10}
CONFIDENCE = 0.95
TESTED_EDGES = np.round(
    np.arange(0.005, 1.0, 0.005), 3
)  # probabilities that are tested as the lower edge
FIRST_EDGES = (0.02, 0.1, 0.3)
FLOOR_QUANTILE = 0.05  # of the map peaks of validation true positives


def fit_calibration(
    logits: NDArray[np.float64], fractured: NDArray[np.bool_], *, split: str
) -> Calibration:
    """Fit Platt scaling by maximum likelihood.

    Args:
        logits: (N,).
        fractured: Ground truth, (N,).
        split: Name of the split of the films, for the record.

    Raises:
        RecipeError: The slope is not positive, so a higher logit does not mean more fractures.
    """
    model = LogisticRegression(C=np.inf).fit(logits[:, None], fractured)
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope <= 0:
        raise RecipeError(
            f"on {split} a higher logit goes with fewer fractures (slope {slope:.3f}); train longer"
        )
    return Calibration(method="platt", slope=slope, intercept=intercept, n=len(logits), split=split)


def calibrated_probabilities(
    logits: NDArray[np.float64], calibration: Calibration
) -> NDArray[np.float64]:
    """Calibrate logits, (N,) to (N,), with the function that readings use."""
    return np.array([calibrated_probability(float(logit), calibration) for logit in logits])


def choose_points(
    probability: NDArray[np.float64], fractured: NDArray[np.bool_], *, held_out: bool = True
) -> tuple[OperatingPoint, ...]:
    """Choose screening, balanced and specific thresholds and their review bands.

    Args:
        probability: Calibrated, (N,).
        fractured: Ground truth, (N,), with both classes.
        held_out: The model was trained on none of the films; otherwise nothing is certified.

    Returns:
        Screening: the highest threshold that keeps SCREENING_SENSITIVITY; balanced: the highest
        sum of sensitivity and specificity (Youden, 1950); specific: the lowest threshold that
        keeps SPECIFIC_SPECIFICITY. Thresholds rise in this order: if the classes are well
        separated, the first and the last are set to the balanced one. Above its band a point calls
        at most WRONGLY_CALLED_AT_MOST of the films without fracture; screening, which is to miss
        few fractures and may call many films, has half of REVIEW_SHARE there. The lower edge of
        each band is certified if there are enough films.
    """
    candidates = _between(np.unique(probability))
    sensitivity = np.array([(probability[fractured] >= at).mean() for at in candidates])
    specificity = np.array([(probability[~fractured] < at).mean() for at in candidates])
    balanced = candidates[np.argmax(sensitivity + specificity)]
    thresholds = {
        "screening": min(balanced, candidates[sensitivity >= SCREENING_SENSITIVITY].max()),
        BALANCED: balanced,
        "specific": max(balanced, candidates[specificity >= SPECIFIC_SPECIFICITY].min()),
    }
    points = [
        OperatingPoint(
            name=name,
            threshold=float(at),
            review_band=_review_band(probability, fractured, name=name, threshold=float(at)),
        )
        for name, at in thresholds.items()
    ]
    if not held_out:
        return tuple(points)
    return tuple(_with_certified_edge(point, probability, fractured) for point in points)


def _with_certified_edge(
    point: OperatingPoint, probability: NDArray[np.float64], fractured: NDArray[np.bool_]
) -> OperatingPoint:
    """Move the lower edge of the band to a certified edge, if there is one up to the threshold."""
    low, high = point.review_band
    at_most = MISSED_AT_MOST[point.name]
    certified = certified_edges(probability, fractured, at_most=at_most)
    edges = [edge for edge in certified if edge <= point.threshold]
    if not edges:
        return point
    edge = max((edge for edge in edges if edge <= low), default=edges[0])
    called = probability < edge
    return replace(
        point,
        review_band=(edge, high),
        guarantee=Guarantee(
            missed_at_most=at_most,
            confidence=CONFIDENCE,
            n=int(called.sum()),
            missed=int(fractured[called].sum()),
        ),
    )


def certified_edges(
    probability: NDArray[np.float64], fractured: NDArray[np.bool_], *, at_most: float
) -> list[float]:
    """Find the edges below which at most a share of the films is fractured.

    With probability CONFIDENCE over draws of N independent films, the share of fractures among
    films below every returned edge is at most at_most. The grid of edges was
    fixed before the films were seen. From each of FIRST_EDGES, edges are tested upwards by the
    exact binomial test until one fails; the error is divided among the first edges.

    Args:
        probability: Calibrated, (N,).
        fractured: Ground truth, (N,).
        at_most: Largest share of fractures, in (0, 1).

    Returns:
        Edges in rising order; empty if there are too few films or too many fractures.

    Source:
        Angelopoulos et al. (2021), "Learn then Test", fixed-sequence testing with several starts.
    """
    error = (1 - CONFIDENCE) / len(FIRST_EDGES)
    certified: set[float] = set()
    for start in FIRST_EDGES:
        for edge in TESTED_EDGES[start <= TESTED_EDGES]:
            called = probability < edge
            missed = int(fractured[called].sum())
            if binom.cdf(missed, int(called.sum()), at_most) > error:
                break
            certified.add(float(edge))
    return sorted(certified)


def _between(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return thresholds between neighbouring values, and one below and one above all of them."""
    middles = (values[1:] + values[:-1]) / 2
    return np.concatenate([[values[0] / 2], middles, [(1 + values[-1]) / 2]])


def _review_band(
    probability: NDArray[np.float64],
    fractured: NDArray[np.bool_],
    *,
    name: str,
    threshold: float,
) -> tuple[float, float]:
    """Return the band of a point around its threshold, before its lower edge is certified."""
    ordered = np.sort(probability)
    half = round(len(ordered) * REVIEW_SHARE / 2)
    at = int(np.searchsorted(ordered, threshold))
    low = ordered[min(max(0, at - half), len(ordered) - 1)] if at else threshold
    if name in WRONGLY_CALLED_AT_MOST:
        high = _least_wrong_edge(probability[~fractured], at_most=WRONGLY_CALLED_AT_MOST[name])
    else:
        high = float(ordered[min(len(ordered) - 1, at + half - 1)])
    return float(min(low, threshold)), max(high, threshold)


def _least_wrong_edge(intact: NDArray[np.float64], *, at_most: float) -> float:
    """Return the lowest edge above which at most a share of the films without fracture lies.

    A film on the edge goes to review.

    Args:
        intact: Probability of the films without fracture, (N,).
        at_most: Largest share of the films, in [0, 1).
    """
    return float(np.sort(intact)[-1 - int(at_most * len(intact))])


def choose_heat_floor(
    peaks: NDArray[np.float64], probability: NDArray[np.float64], fractured: NDArray[np.bool_],
    threshold: float,
) -> float:  # fmt: skip
    """Choose the map peak, in logits, below which no map is shown.

    Args:
        peaks: Raw map peak of each film, in logits, (N,).
        probability: Calibrated, (N,).
        fractured: Ground truth, (N,).
        threshold: Threshold of the balanced point.

    Returns:
        The FLOOR_QUANTILE of the peaks of true positives; 0 without any.
    """
    found = peaks[fractured & (probability >= threshold)]
    return float(np.quantile(found, FLOOR_QUANTILE)) if len(found) else 0.0
