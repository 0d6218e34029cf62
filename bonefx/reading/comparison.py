"""Comparison of several models' readings of one film.

A reading's map is scaled to [0, 1] by its own peak. To be comparable, all maps of a film are
rescaled here: 0 is no evidence and 1 is the largest peak among them, in logits. A model with
smaller logits for the same certainty therefore shows a fainter map. Hot regions are taken from each
map by its own peak and do not depend on this scale.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonefx.heatmaps.agreement import has_map, map_agreement
from bonefx.records import Agreement, Reading
from bonefx.report.tables import models_table


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class ModelComparison:
    """Several models' readings of one film.

    Attributes:
        readings: Two or more, of different models.
        peak: Upper end of the common scale: the largest peak of a shown map, in logits; None
            without a map.
        agreements: Of every two models, in the order of the readings.
        verdicts_agree: All verdicts are the same.
    """

    readings: tuple[Reading, ...]
    peak: float | None
    agreements: tuple[Agreement, ...]
    verdicts_agree: bool

    def map_of(self, reading: Reading) -> NDArray[np.float32] | None:
        """Return a reading's map on the common scale, (H, W) in [0, 1]; None if it has none."""
        if self.peak is None or reading.heat is None or not has_map(reading):
            return None
        return reading.heat * np.float32((reading.heat_peak or 0.0) / self.peak)

    def difference(self) -> NDArray[np.float32] | None:
        """Subtract the second map from the first, on the common scale.

        Returns:
            (H, W) float32 in [-1, 1], where 1 is `peak` logits; None for more than two readings
            or if a map is missing.
        """
        if len(self.readings) != 2:
            return None
        first, second = (self.map_of(reading) for reading in self.readings)
        return None if first is None or second is None else first - second


def compare_readings(readings: Sequence[Reading]) -> ModelComparison:
    """Compare readings of one film.

    Args:
        readings: Two or more, of different models, with their maps.

    Raises:
        ValueError: They are of several films, or of fewer than two models.
    """
    if len({reading.radiograph_sha256 for reading in readings}) > 1:
        raise ValueError("only readings of one film can be compared")
    if len(readings) < 2 or len({reading.model for reading in readings}) < len(readings):
        raise ValueError("a comparison needs two or more different models")
    peaks = [reading.heat_peak or 0.0 for reading in readings if has_map(reading)]
    return ModelComparison(
        readings=tuple(readings),
        peak=max(peaks, default=None),
        agreements=tuple(map_agreement(*pair) for pair in itertools.combinations(readings, 2)),
        verdicts_agree=len({reading.verdict for reading in readings}) == 1,
    )


def comparison_table(comparison: ModelComparison) -> dict[str, Any]:
    """Return a comparison as the dict of a ComparisonTable, ready for JSON."""
    return models_table(
        comparison.readings,
        comparison.agreements,
        verdicts_agree=comparison.verdicts_agree,
        peak=comparison.peak,
    )
