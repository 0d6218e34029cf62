"""Limits that heat maps are checked and graded by, and how often maps of a grade are right."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from bonefx.errors import WeightsError
from bonefx.records.estimate import Estimate
from bonefx.records.model import Calibration


class MapGrade(StrEnum):
    """How far a heat map of a film called fracture can be trusted."""

    STRONG = "strong"
    """Passes its checks, and without its hot region the odds of fracture fall a lot."""
    WEAK = "weak"
    """Passes its checks, but without its hot region the odds of fracture hardly fall."""
    NONE = "none"
    """Not shown: it fails a check, or its peak is below the model's floor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeFigures:
    """Figures of one grade, from boxed fractures that the model called fracture.

    Attributes:
        share: Share of these films whose map has the grade, in [0, 1].
        pointing: Share of the grade's maps whose maximum lies at a box, in [0, 1]; None without
            such maps.
    """

    share: Estimate
    pointing: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustLimits:
    """Limits for heat maps, from the maps of validation true positives.

    Attributes:
        peaks: Peaks of the maps in logits, at even quantiles from the lowest to the highest.
        border_share: Largest accepted share of a map's sum on the film's border, in [0, 1].
        marker_share: Largest accepted share on side markers and burnt-in text, in [0, 1].
        drop: Smallest accepted fall of the log-odds when the hot region is blurred, in logits.
        n: Number of maps that the limits come from.
        strong_drop: Smallest such fall of a strong map, in logits; None if no limit makes strong
            maps point at the fracture often enough.
        findings: From a finding's evidence to the share of such findings that lie at a fracture, by
            validation films; None if it was not measured.
        grades: Figures of each grade on films that nothing was chosen on; empty if not measured.
    """

    peaks: tuple[float, ...]
    border_share: float
    marker_share: float
    drop: float
    n: int
    strong_drop: float | None = None
    findings: Calibration | None = None
    grades: dict[MapGrade, GradeFigures] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.peaks or list(self.peaks) != sorted(self.peaks):
            raise WeightsError("trust limits need rising peaks; export the model again")

    def grade(self, *, drop: float, fails: bool) -> MapGrade:
        """Return the grade of a map.

        Args:
            drop: Fall of the log-odds when the hot region is blurred, in logits.
            fails: Whether the map fails a check, or its peak is below the model's floor.
        """
        if fails:
            return MapGrade.NONE
        strong = self.strong_drop is not None and drop >= self.strong_drop
        return MapGrade.STRONG if strong else MapGrade.WEAK
