"""A model's reading of a radiograph, the checks of its heat map, and the reasons for both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from bonefx.records.finding import Finding
from bonefx.records.model import OperatingPoint
from bonefx.records.radiograph import NOT_EDITED, Corners, FilmEdit, FilmNote, PixelBox
from bonefx.records.set_figures import SetSummary
from bonefx.records.trust_limits import MapGrade, TrustLimits


class Verdict(StrEnum):
    """Result of a reading."""

    FRACTURE = "fracture"
    NO_FRACTURE = "no_fracture"
    REVIEW = "review"
    OUT_OF_SCOPE = "out_of_scope"


class RegionSource(StrEnum):
    """Who named the body regions of a film."""

    MODEL = "model"
    HEADER = "header"
    USER = "user"


class ReasonCode(StrEnum):
    """Why a film is out of scope, goes to review, or has no heat map or no overlap of maps.

    The comment behind each code is the quantity of Reason.value and Reason.limit.
    """

    # The film is out of scope.
    NO_SCOPE_DATA = "no_scope_data"
    SCOPE_CHECK_FAILED = "scope_check_failed"
    BODY_PART = "body_part"
    UNLIKE_TRAINING_FILMS = "unlike_training_films"  # Mahalanobis distance, about 1 in training
    RESEMBLES_OTHER_PICTURES = "resembles_other_pictures"  # log-odds
    RESEMBLES_INVERTED_FILMS = "resembles_inverted_films"  # log-odds
    LOOKS_INVERTED = "looks_inverted"
    INVERTED_BY_USER = "inverted_by_user"
    FEW_GREY_LEVELS = "few_grey_levels"  # levels of 256
    NARROW_RANGE = "narrow_range"  # 99th less 1st percentile, in [0, 1]
    TOO_MUCH_WHITE = "too_much_white"  # share of the area
    TOO_MUCH_OF_ONE_LEVEL = "too_much_of_one_level"  # share of the area
    TOO_DARK = "too_dark"  # mean grey, in [0, 1]
    TOO_BRIGHT = "too_bright"  # mean grey, in [0, 1]
    NOISE_ACROSS = "noise_across"  # correlation of neighbours in a row
    NOISE_DOWN = "noise_down"  # correlation of neighbours in a column
    ROWS_OUT_OF_ORDER = "rows_out_of_order"  # log of change down over change across
    EMPTY_ROWS = "empty_rows"  # share of the rows
    # The film goes to review.
    IN_REVIEW_BAND = "in_review_band"  # calibrated probability; the limit is the band
    # The heat map is not drawn.
    MAP_OUT_OF_SCOPE = "map_out_of_scope"
    MAP_NOT_COMPUTED = "map_not_computed"
    PEAK_BELOW_FLOOR = "peak_below_floor"  # logits
    MAP_ON_BORDER = "map_on_border"  # share of the map's sum
    MAP_ON_MARKERS = "map_on_markers"  # share of the map's sum
    SMALL_LOGIT_DROP = "small_logit_drop"  # logits
    OTHER_MODEL_DISAGREES = "other_model_disagrees"  # intersection over union
    # Two models' maps have no overlap.
    MODEL_OUT_OF_SCOPE = "model_out_of_scope"
    MODEL_MAP_UNRELIABLE = "model_map_unreliable"
    MODEL_MAP_WEAK = "model_map_weak"


# A rule, the body part or the polarity says what to correct first; the statistics do not.
OVERRIDABLE_REASONS = frozenset({
    ReasonCode.UNLIKE_TRAINING_FILMS, ReasonCode.RESEMBLES_OTHER_PICTURES,
    ReasonCode.RESEMBLES_INVERTED_FILMS,
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a film is refused, goes to review or has no map; report.reason_texts has the sentences.

    Attributes:
        code: Which check led to it.
        value: What the check measured, in the unit of the code; None where it measures nothing or
            the result was not finite.
        limit: Limit that the value is beyond, or the review band that it lies in, in the same
            unit; None without one.
        name: Body part, operating point or model that the sentence names; None without one.
        regions: Body regions that the model was trained for; only for BODY_PART,
            UNLIKE_TRAINING_FILMS, RESEMBLES_OTHER_PICTURES and RESEMBLES_INVERTED_FILMS.
    """

    code: ReasonCode
    value: float | None = None
    limit: float | tuple[float, float] | None = None
    name: str | None = None
    regions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            object.__setattr__(self, "value", None)

    @property
    def can_be_overridden(self) -> bool:
        """Whether the user may have a film read that is refused for this reason.

        Not without a value: a signature that is not finite gives no finite logit either.
        """
        return self.code in OVERRIDABLE_REASONS and self.value is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Overlap of two models' heat maps of one film.

    Attributes:
        models: Names of the two.
        overlap: Intersection over union of their hot regions, in [0, 1]; None without two maps.
        reasons: Why there is no overlap, one for each missing map; empty where there is one.
        teacher_and_student: One of the two learned from the other, so their agreement is weaker
            evidence.
    """

    models: tuple[str, str]
    overlap: float | None
    reasons: tuple[Reason, ...] = ()
    teacher_and_student: bool = False

    def __post_init__(self) -> None:
        if (self.overlap is None) != bool(self.reasons):
            raise ValueError("an agreement has either an overlap or the reasons why it has none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Checks of one heat map against the model's limits.

    Attributes:
        peak_rank: Share of the maps of validation true positives with a lower peak, in [0, 1].
        border_share: Share of the map's sum on the film's border, in [0, 1].
        marker_share: Share of the map's sum on side markers and burnt-in text, in [0, 1].
        drop: Fall of the log-odds when the hot region is blurred, in logits.
        failures: Checks that the map fails; empty where it passes them all.
        limits: Limits that the map was checked against.
        agreement: With another model's map of the film; None without another model.
    """

    peak_rank: float
    border_share: float
    marker_share: float
    drop: float
    failures: tuple[Reason, ...]
    limits: TrustLimits
    agreement: Agreement | None = None

    @property
    def grade(self) -> MapGrade | None:
        """How far the map can be trusted; None if the model's maps were not graded."""
        if not self.failures and not self.limits.grades:
            return None
        return self.limits.grade(drop=self.drop, fails=bool(self.failures))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds an array
class Reading:
    """One model's answer about one radiograph: everything that a screen or a report shows.

    Attributes:
        radiograph_sha256: Checksum of the film's file.
        model: Name of the model: its id, with the commit where it was fetched from a repository.
        weights_sha256: Checksum of the weights file that produced this reading.
        verdict: At the operating point.
        reason: Why the film goes to review or is out of scope; else None.
        logit: Raw model output, > 0 leans to fracture; None when out of scope.
        probability: Calibrated P(fracture), in [0, 1]; None when out of scope; not calibrated for
            a film with outside_scope.
        point: Operating point of the verdict.
        heat: Map on the radiograph's own grid, (H, W) float32 in [0, 1]; None when not requested,
            when heat_peak is below the model's floor, or when the map fails a check.
        trust: Checks of the map; None without a map or without limits of the model.
        caution: Why films should not be read with the model; empty where nothing is known.
        taught_by: Id of the model that this one was distilled from; None where none is known.
        unsuitable_for: Patients for whom the model was not made, such as "children"; empty where
            nothing is known.
        other_sets: What the model was measured to do on films of other hospitals; empty where
            nothing is known.
        heat_peak: The map's largest value on the film before it was scaled to [0, 1], in logits.
        findings: Hot regions of the map; empty without a map whose values are in logits.
        device: Where the network ran, such as "cpu" or "cuda:0".
        elapsed_s: Seconds for preprocessing, network and map, without decoding the file; in a
            batch, the batch's time divided by its films.
        edit: What the user changed on the film before it was read.
        notes: What a user must know about how the film's file was read.
        outside_scope: Why the film is out of scope, where the user had it read anyway; None
            for a film in scope and for a refused one, whose refusal is the reason.
        looks_inverted: Out of scope as it is, and in scope with black and white swapped.
        field: Bounds of the exposed field, which the model read; None for the whole film.
        field_corners: Corners (x, y) of a convex field that does not fill its bounds, beside which
            the model read black; empty otherwise.
        gpu_failed: The GPU failed, and the film was read on the CPU.
        regions: Body regions named or recognised on the film; empty where none is, None where the
            film is out of scope, also if the user had it read, or nobody named any and the model
            was not trained to recognise them.
        region_source: Who named the regions: the user, else the film's header, else the model.
        second: A second model's reading of the same film, without its map and without a second
            reading of its own; None where no second model read it.
    """

    radiograph_sha256: str
    model: str
    weights_sha256: str
    verdict: Verdict
    point: OperatingPoint
    device: str
    elapsed_s: float
    reason: Reason | None = None
    logit: float | None = None
    probability: float | None = None
    heat: NDArray[np.float32] | None = None
    heat_peak: float | None = None
    findings: tuple[Finding, ...] = ()
    trust: Trust | None = None
    caution: str = ""
    taught_by: str | None = None
    unsuitable_for: str = ""
    other_sets: tuple[SetSummary, ...] = ()
    edit: FilmEdit = NOT_EDITED
    notes: tuple[FilmNote, ...] = ()
    outside_scope: Reason | None = None
    looks_inverted: bool = False
    field: PixelBox | None = None
    field_corners: Corners = ()
    gpu_failed: bool = False
    regions: tuple[str, ...] | None = None
    region_source: RegionSource = RegionSource.MODEL
    second: Reading | None = None

    def __post_init__(self) -> None:
        refused = self.verdict is Verdict.OUT_OF_SCOPE
        if refused != (self.probability is None):
            raise ValueError("a reading has a probability exactly when it is in scope")
        evidence = (self.logit, self.heat, self.heat_peak, self.trust, self.regions)
        if refused and any(part is not None for part in evidence):
            raise ValueError("a reading of a film out of scope has neither logit, map nor region")
        if refused and self.outside_scope is not None:
            raise ValueError("a film read outside the scope of the model is not refused")
        if self.second is not None and self.second.radiograph_sha256 != self.radiograph_sha256:
            raise ValueError("a second reading must be of the same film")

    @property
    def models_disagree(self) -> bool:
        """Whether a second model read the film, too, and came to another verdict."""
        if self.second is None or None in {self.probability, self.second.probability}:
            return False
        return self.second.verdict is not self.verdict

    @property
    def can_be_overridden(self) -> bool:
        """Whether the user may have the film read although it is out of scope."""
        return (
            self.verdict is Verdict.OUT_OF_SCOPE
            and self.reason is not None
            and self.reason.can_be_overridden
        )

    @property
    def inverted(self) -> bool:
        """Whether the user had black and white swapped before the film was read."""
        return self.edit.inverted
