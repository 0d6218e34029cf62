"""Whether a reading has a heat map, why it has none, and the overlap of two models' maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bonefx.heatmaps.overlay import HOT_SHARE
from bonefx.records import Agreement, Reading, Reason, ReasonCode, Verdict

NO_EVIDENCE = 1e-9  # logits; a map with a lower peak is empty


def has_map(reading: Reading) -> bool:
    """Return whether a reading has a heat map with any evidence."""
    return reading.heat is not None and (reading.heat_peak or 0.0) > 0


def missing_map_reason(reading: Reading, *, heat_floor: float) -> Reason:
    """Return why a reading is shown without a heat map.

    Args:
        reading: Of a film whose map is not shown.
        heat_floor: Peak in logits below which the model shows no map.
    """
    if reading.probability is None:
        return Reason(code=ReasonCode.MAP_OUT_OF_SCOPE)
    if reading.trust is not None and reading.trust.failures:
        return reading.trust.failures[0]
    if reading.heat_peak is None or reading.heat_peak >= max(heat_floor, NO_EVIDENCE):
        return Reason(code=ReasonCode.MAP_NOT_COMPUTED)
    return Reason(code=ReasonCode.PEAK_BELOW_FLOOR, value=reading.heat_peak, limit=heat_floor)


def hot_region(heat: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return where a map, (H, W) in [0, 1], is at or above HOT_SHARE of its own peak."""
    return np.greater_equal(heat, HOT_SHARE)


def hot_region_overlap(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Compute the overlap of two maps' hot regions.

    Args:
        first: (H, W) in [0, 1] by its own peak, not all zero.
        second: Another model's map of the same film, likewise.

    Returns:
        Intersection over union (Jaccard index), in [0, 1].
    """
    hot, also_hot = hot_region(first), hot_region(second)
    union = np.count_nonzero(hot | also_hot)
    return np.count_nonzero(hot & also_hot) / union if union else 0.0


def map_agreement(first: Reading, second: Reading) -> Agreement:
    """Compute the overlap of two models' maps, or the reasons why there is none.

    Args:
        first: With its map, if it has one.
        second: Another model's reading of the same film.
    """
    models = (first.model, second.model)
    missing = [reading for reading in (first, second) if not has_map(reading)]
    if missing or first.heat is None or second.heat is None:
        reasons = tuple(_missing_map_of_model(reading) for reading in missing)
        return Agreement(models=models, overlap=None, reasons=reasons)
    overlap = hot_region_overlap(first.heat, second.heat)
    return Agreement(
        models=models, overlap=overlap, teacher_and_student=_are_teacher_and_student(first, second)
    )


def _are_teacher_and_student(first: Reading, second: Reading) -> bool:
    """Return whether one model was distilled from the other; names may end in @ and a commit."""
    ids = {reading.model.partition("@")[0] for reading in (first, second)}
    return not ids.isdisjoint({first.taught_by, second.taught_by})


def _missing_map_of_model(reading: Reading) -> Reason:
    if reading.verdict is Verdict.OUT_OF_SCOPE:
        code = ReasonCode.MODEL_OUT_OF_SCOPE
    elif reading.trust is not None and reading.trust.failures:
        code = ReasonCode.MODEL_MAP_UNRELIABLE
    else:
        code = ReasonCode.MODEL_MAP_WEAK
    return Reason(code=code, name=reading.model)
