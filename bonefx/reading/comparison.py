"""Readings of one film by several models -> where they agree. Pure functions of the readings.

A reading's map lies in [0, 1] by its own peak, so two of them cannot be compared as they are. Here
all maps of a film stand on one scale: 0 is no evidence, 1 is the largest peak among them, in
logits. A model that gives smaller logits for the same certainty therefore shows a fainter map; the
hot regions, taken from each map by its own peak, do not depend on the scale.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from bonefx.heatmaps.agreement import has_map, map_agreement
from bonefx.records import Agreement, Reading
from bonefx.report import AgreementTable, ReadingTable, agreement_table, reading_table


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class ModelComparison:
    """What several models say about one film.

    Attributes:
        readings: Two or more, of different models.
        peak: The common scale's end: the largest peak of a shown map, in logits; None without map.
        agreements: Of every two models, in the order of the readings.
        verdicts_agree: All verdicts are the same.
    """

    readings: tuple[Reading, ...]
    peak: float | None
    agreements: tuple[Agreement, ...]
    verdicts_agree: bool

    def map_of(self, reading: Reading) -> NDArray[np.float32] | None:
        """Give a reading's map on the common scale, (H, W) in [0, 1]; None where it has none."""
        if self.peak is None or reading.heat is None or not has_map(reading):
            return None
        return reading.heat * np.float32((reading.heat_peak or 0.0) / self.peak)

    def difference(self) -> NDArray[np.float32] | None:
        """Subtract the second map of a pair from the first, on the common scale.

        Returns:
            (H, W) float32 in [-1, 1], where 1 is `peak` logits; None for more than two readings
            and where a map is missing.
        """
        if len(self.readings) != 2:
            return None
        first, second = (self.map_of(reading) for reading in self.readings)
        return None if first is None or second is None else first - second


def compare_readings(readings: Sequence[Reading]) -> ModelComparison:
    """Set readings of one film side by side.

    Args:
        readings: Two or more, of different models; with maps where the models give one.

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


class ComparisonTable(TypedDict):
    """A comparison in plain values; the maps themselves are left out."""

    readings: list[ReadingTable]
    verdicts_agree: bool
    peak: float | None
    agreements: list[AgreementTable]


def comparison_table(comparison: ModelComparison) -> ComparisonTable:
    """Turn a comparison into plain values for JSON."""
    return ComparisonTable(
        readings=[reading_table(reading) for reading in comparison.readings],
        verdicts_agree=comparison.verdicts_agree,
        peak=comparison.peak,
        agreements=[agreement_table(pair) for pair in comparison.agreements],
    )
