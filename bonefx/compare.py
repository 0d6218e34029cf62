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

from bonefx.explain import HOT
from bonefx.records import Agreement, Reading, Verdict
from bonefx.report import AgreementTable, ReadingTable, agreement_table, reading_table

FIRST_RGB = (230, 159, 0)  # orange and sky blue, which colour-blind eyes tell apart
SECOND_RGB = (86, 180, 233)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class Comparison:
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


def compare(readings: Sequence[Reading]) -> Comparison:
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
    return Comparison(
        readings=tuple(readings),
        peak=max(peaks, default=None),
        agreements=tuple(agreement_of(*pair) for pair in itertools.combinations(readings, 2)),
        verdicts_agree=len({reading.verdict for reading in readings}) == 1,
    )


def has_map(reading: Reading) -> bool:
    """Tell whether a reading shows any evidence on its film."""
    return reading.heat is not None and (reading.heat_peak or 0.0) > 0


def hot_region(heat: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Mark where a map is at or above HOT of its own peak, (H, W)."""
    return np.greater_equal(heat, HOT)


def overlap(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
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


def difference_layer(difference: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colour a signed difference as a layer to be laid over its film.

    Args:
        difference: (H, W) in [-1, 1].

    Returns:
        (H, W, 4) RGBA uint8: orange where the first map is stronger, blue where the second is;
        alpha is the size of the difference, so that a film keeps its grey levels where the maps
        say the same.

    Source:
        Okabe and Ito (2008), "Color universal design", for the two colours.
    """
    alpha = np.rint(np.abs(difference) * 255.0).astype(np.uint8)
    colour = np.where((difference > 0)[..., None], FIRST_RGB, SECOND_RGB).astype(np.uint8)
    return np.dstack([colour, alpha])


class ComparisonTable(TypedDict):
    """A comparison in plain values; the maps themselves are left out."""

    readings: list[ReadingTable]
    verdicts_agree: bool
    peak: float | None
    agreements: list[AgreementTable]


def comparison_table(comparison: Comparison) -> ComparisonTable:
    """Turn a comparison into plain values for JSON."""
    return ComparisonTable(
        readings=[reading_table(reading) for reading in comparison.readings],
        verdicts_agree=comparison.verdicts_agree,
        peak=comparison.peak,
        agreements=[agreement_table(pair) for pair in comparison.agreements],
    )


def agreement_of(first: Reading, second: Reading) -> Agreement:
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
        models=names, overlap=overlap(first.heat, second.heat), reason=None, kin=_kin(first, second)
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
