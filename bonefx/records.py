"""The nouns that every room of bonefx speaks: plain, frozen records without torch.

LoadedModel is the one noun that lives elsewhere (registry.py), because it holds a network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from bonefx.errors import WeightsError


class Verdict(StrEnum):
    """What a reading says about a radiograph."""

    FRACTURE = "fracture"
    NO_FRACTURE = "no_fracture"
    REVIEW = "review"
    OUT_OF_SCOPE = "out_of_scope"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The part of a film's values that is shown between black and white.

    Attributes:
        name: What the film's file calls it; empty where it does not say.
        low: Value that is shown black, in the scale of Radiograph.values; may lie outside [0, 1].
        high: Value that is shown white, > low.
    """

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"a window needs low < high, got {self.low} and {self.high}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds an array
class Radiograph:
    """One film as read from its file, without any patient data.

    Attributes:
        pixels: (H, W) float32 in [0, 1]; white is dense, whatever the file's polarity was.
        sha256: Checksum of the file's bytes, 64 hexadecimal digits.
        file_format: What the content was found to be: PNG, JPEG, TIFF, WEBP, BMP or DICOM.
        bits: Bits per sample that the file stores.
        photometric: DICOM photometric interpretation, or what answers to it for other formats.
        modality: DICOM modality (CR, DX or RG); None for other formats.
        body_part: DICOM body part examined; None where not given.
        view: DICOM view position; None where not given.
        laterality: L or R; None where not given.
        spacing_mm: Row and column distance of pixel centres; None where not given.
        full: (H, W) float32 in [0, 1], all values that the file holds, where the file says to show
            a part of them as pixels; None where pixels hold them all.
        windows: That the file gives; the first is the one of pixels. Empty without full.
    """

    pixels: NDArray[np.float32]
    sha256: str
    file_format: str
    bits: int
    photometric: str
    modality: str | None = None
    body_part: str | None = None
    view: str | None = None
    laterality: str | None = None
    spacing_mm: tuple[float, float] | None = None
    full: NDArray[np.float32] | None = None
    windows: tuple[Window, ...] = ()

    @property
    def values(self) -> NDArray[np.float32]:
        """All values that the file holds, (H, W) in [0, 1], white = dense."""
        return self.pixels if self.full is None else self.full

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or self.pixels.dtype != np.float32:
            raise ValueError(
                f"pixels must be (H, W) float32, got {self.pixels.shape} {self.pixels.dtype}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The commit of a Hugging Face model repository that a model folder is a copy of."""

    repo: str
    commit: str

    def __str__(self) -> str:
        return f"hf:{self.repo}@{self.commit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A measured figure with its 95 % interval and the number of films behind it."""

    value: float
    low: float
    high: float
    n: int

    def __post_init__(self) -> None:
        if self.n <= 0 or not self.low <= self.value <= self.high:
            raise WeightsError(
                f"an estimate must lie in its interval with n > 0, got {self.value} in "
                f"[{self.low}, {self.high}], n = {self.n}; evaluate and export the model again"
            )


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


def probability_text(probability: float) -> str:
    """Two digits, never rounded to certainty."""
    if probability < 0.005:
        return "<0.01"
    return ">0.99" if probability >= 0.995 else f"{probability:.2f}"


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
    """

    name: str
    threshold: float
    review_band: tuple[float, float]
    sensitivity: Estimate | None = None
    specificity: Estimate | None = None
    review_rate: Estimate | None = None
    missed_rate: Estimate | None = None
    guarantee: Guarantee | None = None

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
class Trust:
    """What was measured of one map.

    Attributes:
        peak_rank: Share of val's maps of found fractures with a lower peak, in [0, 1].
        border_share: Of the map's sum, on the film's border, in [0, 1].
        marker_share: Of the map's sum, on side markers and burnt-in text, in [0, 1].
        drop: Fall of the log-odds when the hot region is blurred out, in logits.
        failures: Why the map is not believed, one sentence each; empty where it is.
        limits: That it was held against.
    """

    peak_rank: float
    border_share: float
    marker_share: float
    drop: float
    failures: tuple[str, ...]
    limits: TrustLimits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds an array
class Reading:
    """One model's answer about one radiograph: all that a screen or a report may show.

    Attributes:
        radiograph_sha256: Checksum of the film's file.
        model: Name of the model: its id, with the commit where it was fetched from a repository.
        weights_sha256: Checksum of the weights file that produced this reading.
        verdict: The answer at the operating point.
        reason: Why the film is sent to review or is out of scope, as a sentence; else None.
        logit: Raw model output, > 0 leans to fracture; None when out of scope.
        probability: Calibrated P(fracture), in [0, 1]; None when out of scope.
        point: The operating point that the verdict was taken at.
        heat: Map on the radiograph's own grid, (H, W) float32 in [0, 1]; None when not asked for,
            when heat_peak is below the model's floor, or when it is not to be believed.
        trust: How far the map can be believed; None without a map or a model's limits.
        caution: Why films should not be read with the model; empty where nothing is known.
        heat_peak: The map's largest value on the film before it was scaled to [0, 1], in logits.
        device: Where the network ran, such as "cpu" or "cuda:0".
        elapsed_s: Seconds for preprocessing, network and map (not for decoding the file); of a
            batch, this film's even share.
    """

    radiograph_sha256: str
    model: str
    weights_sha256: str
    verdict: Verdict
    point: OperatingPoint
    device: str
    elapsed_s: float
    reason: str | None = None
    logit: float | None = None
    probability: float | None = None
    heat: NDArray[np.float32] | None = None
    heat_peak: float | None = None
    trust: Trust | None = None
    caution: str = ""

    def __post_init__(self) -> None:
        if (self.verdict is Verdict.OUT_OF_SCOPE) != (self.probability is None):
            raise ValueError("a reading has a probability exactly when it is in scope")
