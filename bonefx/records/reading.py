"""What a model says about a radiograph, and how far its map can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from bonefx.records.model import OperatingPoint, TrustLimits


class Verdict(StrEnum):
    """What a reading says about a radiograph."""

    FRACTURE = "fracture"
    NO_FRACTURE = "no_fracture"
    REVIEW = "review"
    OUT_OF_SCOPE = "out_of_scope"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far two models point at the same place of a film.

    Attributes:
        models: Names of the two.
        overlap: Intersection over union of their hot regions, in [0, 1]; None without two maps.
        reason: Why there is no overlap, as a sentence; None where there is one.
        kin: One of the two learned from the other, so they agree sooner than two that did not.
    """

    models: tuple[str, str]
    overlap: float | None
    reason: str | None
    kin: bool = False

    def __post_init__(self) -> None:
        if (self.overlap is None) == (self.reason is None):
            raise ValueError("an agreement has either an overlap or the reason why it has none")


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
        agreement: With another model's map of the film; None where no other was asked.
    """

    peak_rank: float
    border_share: float
    marker_share: float
    drop: float
    failures: tuple[str, ...]
    limits: TrustLimits
    agreement: Agreement | None = None


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
        taught_by: Id of the model that this one learned from; None where none is known.
        heat_peak: The map's largest value on the film before it was scaled to [0, 1], in logits.
        device: Where the network ran, such as "cpu" or "cuda:0".
        elapsed_s: Seconds for preprocessing, network and map (not for decoding the file); of a
            batch, this film's even share.
        inverted: The film was read with black and white swapped, as its user asked.
        looks_inverted: Out of scope as it is, and in scope with black and white swapped.
        regions: Recognised on the film; empty where none is, None where the film is out of scope
            or the model was not taught them.
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
    taught_by: str | None = None
    inverted: bool = False
    looks_inverted: bool = False
    regions: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        refused = self.verdict is Verdict.OUT_OF_SCOPE
        if refused != (self.probability is None):
            raise ValueError("a reading has a probability exactly when it is in scope")
        evidence = (self.logit, self.heat, self.heat_peak, self.trust, self.regions)
        if refused and any(part is not None for part in evidence):
            raise ValueError("a reading of a film out of scope has no logit, map and region")
