"""Agreement of the heat maps of two models on one film."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bonefx.heatmaps.overlay import HOT_SHARE
from bonefx.records import Agreement, Reading, Verdict


def has_map(reading: Reading) -> bool:
    """Tell whether a reading shows any evidence on its film."""
    return reading.heat is not None and (reading.heat_peak or 0.0) > 0


def hot_region(heat: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Mark where a map is at or above HOT of its own peak, (H, W)."""
    return np.greater_equal(heat, HOT_SHARE)


def hot_region_overlap(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Measure how far two maps' hot regions are the same place.

    Args:
        first: (H, W) in [0, 1] by its own peak, not all zero.
        second: The same of another model.

    Returns:
        Intersection over union (Jaccard index), in [0, 1]: 1 for one region, 0 for disjoint ones.
    """
    hot, also_hot = hot_region(first), hot_region(second)
    union = np.count_nonzero(hot | also_hot)
    return np.count_nonzero(hot & also_hot) / union if union else 0.0


def map_agreement(first: Reading, second: Reading) -> Agreement:
    """Tell how far two models point at the same place, or why that cannot be told.

    Args:
        first: With its map, if it has one.
        second: Another model's reading of the same film.
    """
    names = (first.model, second.model)
    missing = [reading for reading in (first, second) if not has_map(reading)]
    if missing or first.heat is None or second.heat is None:
        reason = " ".join(_why_no_map(reading) for reading in missing)
        return Agreement(models=names, overlap=None, reason=reason)
    return Agreement(
        models=names,
        overlap=hot_region_overlap(first.heat, second.heat),
        reason=None,
        kin=_kin(first, second),
    )


def _kin(first: Reading, second: Reading) -> bool:
    """Tell whether one of two models learned from the other; a name may hold a commit behind @."""
    ids = {reading.model.partition("@")[0] for reading in (first, second)}
    return not ids.isdisjoint({first.taught_by, second.taught_by})


def _why_no_map(reading: Reading) -> str:
    if reading.verdict is Verdict.OUT_OF_SCOPE:
        return f"{reading.model} gives no answer about this film, so it has no map."
    if reading.trust is not None and reading.trust.failures:
        return f"{reading.model} has no map: its localisation is not reliable."
    return f"{reading.model} has no map: its evidence is too weak to show."
