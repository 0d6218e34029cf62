"""Choose the limits that heat maps are checked and graded by, on validation films.

The checks come from maps of fractures that the model found. The limit of a strong map comes from
those of them that carry a box: it is the smallest fall of the log-odds from which on the maps point
at the fracture as often as STRONG_POINTING.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bonefx.heatmaps.trust import map_failures
from bonefx.records import GradeFigures, MapGrade, TrustLimits
from train.evaluate.maps.map_checks import MapChecks
from train.evaluate.operating_points import FLOOR_QUANTILE
from train.metrics import estimate_proportion

QUANTILES = 21  # of the peaks, 5 % apart
MIN_SHARE_LIMIT = 0.05  # smallest limit of a share on border or markers
STRONG_POINTING = 0.9  # share of strong maps that point at a box on validation films
SMALLEST_STRONG_DROP = math.log(2)  # logits; the odds of fracture fall to half
FEWEST_STRONG = 20  # maps; below that no limit is chosen


def choose_trust_limits(checks: MapChecks) -> TrustLimits | None:
    """Choose limits that most maps of validation true positives keep to.

    Args:
        checks: Of maps of validation fractures that are called fracture, with peaks that are not
            below the model's floor.

    Returns:
        The limits, without the one of a strong map; None without a map.
    """
    if not len(checks.peaks):
        return None
    border, markers = (
        float(np.quantile(shares, 1 - FLOOR_QUANTILE)) for shares in (checks.border, checks.markers)
    )
    return TrustLimits(
        peaks=tuple(np.quantile(checks.peaks, np.linspace(0, 1, QUANTILES)).tolist()),
        border_share=max(MIN_SHARE_LIMIT, border),
        marker_share=max(MIN_SHARE_LIMIT, markers),
        drop=float(np.quantile(checks.drops, FLOOR_QUANTILE)),
        n=len(checks.peaks),
    )


def choose_strong_drop(checks: MapChecks, limits: TrustLimits, *, floor: float) -> float | None:
    """Choose the smallest fall of the log-odds of a strong map.

    Args:
        checks: Of maps of boxed validation fractures that are called fracture.
        limits: Of the checks.
        floor: Peak in logits below which no map is shown.

    Returns:
        In logits; None if no limit leaves FEWEST_STRONG maps that point often enough.
    """
    shown = checks.select(np.flatnonzero(~failed_maps(checks, limits, floor=floor)))
    order = np.argsort(-shown.drops)
    drops, counts = shown.drops[order], np.arange(1, len(order) + 1)
    pointing = np.cumsum(shown.hits[order]) / counts
    enough = (counts >= FEWEST_STRONG) & (drops >= SMALLEST_STRONG_DROP)
    accepted = enough & (pointing >= STRONG_POINTING)
    return float(drops[accepted][-1]) if accepted.any() else None


def measure_grades(
    checks: MapChecks, limits: TrustLimits, *, floor: float
) -> dict[MapGrade, GradeFigures]:
    """Measure how many maps have each grade, and how often its maps point at a box.

    Args:
        checks: Of maps of boxed fractures that are called fracture; may be empty.
        limits: Of the model.
        floor: Peak in logits below which no map is shown.
    """
    fails = failed_maps(checks, limits, floor=floor)
    grades = [
        limits.grade(drop=drop, fails=failed)
        for drop, failed in zip(checks.drops.tolist(), fails.tolist(), strict=True)
    ]
    figures = {}
    for grade in MapGrade:
        own = np.array([one is grade for one in grades], bool)
        share = estimate_proportion(own, checks.groups)
        if share is not None:
            pointing = estimate_proportion(checks.hits[own], checks.groups[own])
            figures[grade] = GradeFigures(
                share=share, pointing=None if grade is MapGrade.NONE else pointing
            )
    return figures


def failed_maps(checks: MapChecks, limits: TrustLimits, *, floor: float) -> NDArray[np.bool_]:
    """Return which maps are not shown, (N,): below the floor, or a check fails."""
    measured = zip(checks.border, checks.markers, checks.drops, strict=True)
    failed = [
        bool(map_failures(border=border, markers=markers, drop=drop, limits=limits))
        for border, markers, drop in measured
    ]
    return np.array(failed, bool) | (checks.peaks < floor)
