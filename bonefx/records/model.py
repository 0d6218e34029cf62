"""What a model carries: where it came from, what was chosen on val, what was measured on test."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bonefx.errors import WeightsError
from bonefx.records.estimate import Estimate, probability_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The commit of a Hugging Face model repository that a model folder is a copy of."""

    repo: str
    commit: str

    def __str__(self) -> str:
        return f"hf:{self.repo}@{self.commit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Platt scaling of a logit, fitted on validation films; a temperature T is slope 1/T.

    Attributes:
        method: "platt" or "temperature".
        slope: Multiplier of the logit, > 0.
        intercept: Offset, in logits; 0 for a temperature.
        n: Films that it was fitted on.
        split: Name of the split that it was fitted on.
    """

    method: str
    slope: float
    intercept: float
    n: int
    split: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.slope) and self.slope > 0 and math.isfinite(self.intercept)):
            raise WeightsError(
                f"calibration needs a finite slope > 0 and a finite intercept, got {self.slope} "
                f"and {self.intercept}; export the model again"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantee:
    """What a review band was certified to hold on validation films.

    Attributes:
        missed_at_most: Largest share of fractures among films called no fracture.
        confidence: Probability, over draws of independent validation films, that it holds.
        n: Validation films that the point calls no fracture.
        missed: Fractures among them.
    """

    missed_at_most: float
    confidence: float
    n: int
    missed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionFigures:
    """What an operating point did on the test films of one body region, threshold alone.

    Attributes:
        region: As in scope.REGIONS.
        sensitivity: n is the fractured films; None without any.
        specificity: n is the intact films; None without any.
    """

    region: str
    sensitivity: Estimate | None
    specificity: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """A threshold with its review band, chosen on validation films, and what it did on test films.

    Attributes:
        name: How a user selects it: screening, balanced or specific.
        threshold: Calibrated probability at and above which a film leans to fracture, in [0, 1].
        review_band: Lowest and highest probability that goes to review, both included.
        sensitivity: On test films, threshold alone (no film left out for review).
        specificity: On test films, threshold alone.
        review_rate: Share of test films in the band.
        missed_rate: Share of fractures among the test films that the point calls no fracture.
        guarantee: Of the band's lower edge; None where validation films could not give one.
        by_region: The same figures by body region; empty where the films do not tell it.
    """

    name: str
    threshold: float
    review_band: tuple[float, float]
    sensitivity: Estimate | None = None
    specificity: Estimate | None = None
    review_rate: Estimate | None = None
    missed_rate: Estimate | None = None
    guarantee: Guarantee | None = None
    by_region: tuple[RegionFigures, ...] = ()

    def __post_init__(self) -> None:
        low, high = self.review_band
        if not 0.0 <= low <= self.threshold <= high <= 1.0:
            raise WeightsError(
                f"operating point {self.name!r}: threshold {self.threshold} must lie in its review "
                f"band [{low}, {high}] within [0, 1]; export the model again"
            )

    @property
    def band_text(self) -> str:
        """Both edges of the review band in words."""
        return " to ".join(probability_text(edge) for edge in self.review_band)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustLimits:
    """What maps of found fractures do on validation films; beyond it a map is not believed.

    Attributes:
        peaks: Raw peaks in logits, at even quantiles from the lowest to the highest.
        border_share: Largest share of a map's sum on the film's border.
        marker_share: Largest share of a map's sum on side markers and burnt-in text.
        drop: Least fall of the log-odds when the hot region is blurred out, in logits.
        n: Maps that these were taken from.
    """

    peaks: tuple[float, ...]
    border_share: float
    marker_share: float
    drop: float
    n: int

    def __post_init__(self) -> None:
        if not self.peaks or list(self.peaks) != sorted(self.peaks):
            raise WeightsError("trust needs rising peaks; export the model again")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCounts:
    """Films of one split that were read, and how many of them are fractured or carry boxes.

    Attributes:
        unreadable: Films of the split that were left out because they cannot be read.
    """

    films: int
    fractured: int
    with_boxes: int
    unreadable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """What a model was trained and validated on.

    Attributes:
        label_meaning: What a film with the positive label shows.
        left_out: Films that the set holds and nobody used, by their publisher's own mark.
    """

    name: str
    licence: str
    source: str
    split_sha256: str | None
    counts: dict[str, SplitCounts]
    label_meaning: str = "fracture"
    left_out: int = 0

    def share_of(self, split: str) -> float | None:
        """Share of fractured films in a split, in [0, 1]; None where it holds none."""
        counts = self.counts.get(split)
        return counts.fractured / counts.films if counts and counts.films else None
