"""Records of a model: origin, calibration, operating points and training data."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from bonefx.errors import WeightsError
from bonefx.records.estimate import Estimate, probability_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Hugging Face model repository and commit that a model folder was fetched from."""

    repo: str
    commit: str

    def __str__(self) -> str:
        return f"hf:{self.repo}@{self.commit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Platt scaling of a logit, fitted on validation films; temperature T is the slope 1/T.

    Attributes:
        method: "platt" or "temperature".
        slope: Multiplier of the logit, > 0.
        intercept: Offset, in logits; 0 for a temperature.
        n: Number of films that it was fitted on.
        split: Name of their split.
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
    """Upper bound of missed fractures below a review band, certified on validation films.

    Attributes:
        missed_at_most: Upper bound of the share of fractures among films called no fracture, in
            [0, 1].
        confidence: Probability, over draws of independent validation films, that the bound holds.
        n: Validation films that the operating point calls no fracture.
        missed: Fractures among them.
    """

    missed_at_most: float
    confidence: float
    n: int
    missed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionFigures:
    """Sensitivity and specificity on the test films of one body region, threshold alone.

    Attributes:
        region: One of scope.statistics.REGIONS.
        sensitivity: With the number of fractured films as n; None without any.
        specificity: With the number of intact films as n; None without any.
    """

    region: str
    sensitivity: Estimate | None
    specificity: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictShares:
    """Verdicts of an operating point on test films, with its review band.

    Attributes:
        fractures_called: Share of the fractured films called fracture.
        fractures_reviewed: Share of the fractured films sent to review.
        fractures_missed: Share of the fractured films called no fracture.
        intact_called: Share of the intact films called fracture.
        intact_reviewed: Share of the intact films sent to review.
    """

    fractures_called: Estimate
    fractures_reviewed: Estimate
    fractures_missed: Estimate
    intact_called: Estimate
    intact_reviewed: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """A threshold and review band, chosen on validation films, with figures from test films.

    Attributes:
        name: screening, balanced or specific.
        threshold: Calibrated probability at and above which a film leans to fracture, in [0, 1].
        review_band: Lowest and highest probability that goes to review, both included.
        sensitivity: On test films, threshold alone (no film left out for review).
        specificity: On test films, threshold alone.
        review_rate: Share of test films in the band.
        missed_rate: Share of fractures among the test films called no fracture.
        verdicts: On test films, with the review band; None if they were not measured.
        guarantee: For the band's lower edge; None if the validation films do not support one.
        by_region: Figures by body region; empty if the films' regions are not known.
    """

    name: str
    threshold: float
    review_band: tuple[float, float]
    sensitivity: Estimate | None = None
    specificity: Estimate | None = None
    review_rate: Estimate | None = None
    missed_rate: Estimate | None = None
    verdicts: VerdictShares | None = None
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
        """Both edges of the review band, such as "0.10 to 0.43"."""
        return " to ".join(probability_text(edge) for edge in self.review_band)


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
class SourceData:
    """A hospital or collection that a part of a model's films comes from.

    Attributes:
        title: Name for people.
        licence: Licence of its films, as their publisher states it.
        address: Publication or address.
        share: Share of the films drawn in training, in [0, 1].
        labels_used: Whether the films' labels were trained on, and not their boxes alone.
        counts: Its films by split.
    """

    title: str
    licence: str
    address: str
    share: float
    labels_used: bool
    counts: dict[str, SplitCounts]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """What a model was trained and validated on.

    Attributes:
        label_meaning: What a film with the positive label shows.
        left_out: Films that the set holds and nobody used, by their publisher's own mark or because
            their label is not known.
        unsuitable_for: Patients unlike those of the films, such as "children"; empty if the set
            does not describe its patients.
        sources: Hospitals and collections of the films by name; empty if they are of one.
    """

    name: str
    licence: str
    source: str
    split_sha256: str | None
    counts: dict[str, SplitCounts]
    label_meaning: str = "fracture"
    left_out: int = 0
    unsuitable_for: str = ""
    sources: dict[str, SourceData] = field(default_factory=dict)

    def share_of(self, split: str) -> float | None:
        """Share of fractured films in a split, in [0, 1]; None where it holds none.

        Of several sources those count whose labels were used: thresholds are chosen on their films.
        """
        used = [source.counts for source in self.sources.values() if source.labels_used]
        counts = [each[split] for each in used or [self.counts] if split in each]
        films = sum(each.films for each in counts)
        return sum(each.fractured for each in counts) / films if films else None
