"""What is measured of a model: the records of evaluation.json."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ConfigDict

from bonefx.errors import RecipeError
from bonefx.models.manifest import TrainingData
from bonefx.records import Calibration, Estimate, OperatingPoint, TrustLimits
from bonefx.schema import parse_record
from train.evaluate.localisation import Localisation
from train.evaluate.scope.records import ScopeFigures

EVALUATION = "evaluation.json"
AS_PUBLISHED, GROUPED, OUTSIDE = "as_published", "grouped", "outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFigures:
    """Figures of a subgroup; None where it has too few films of a class to measure."""

    n: int
    fractured: int
    auroc: Estimate | None
    sensitivity: Estimate | None
    specificity: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFigures:
    """Of the films of one class, or an average over both."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What a report of a two-class network states, at the larger of its two outputs.

    Attributes:
        confusion: ((true negatives, false positives), (false negatives, true positives)).
        macro: Mean over both classes.
        weighted: Mean over both classes, weighted by their films.
    """

    accuracy: Estimate
    confusion: tuple[tuple[int, int], tuple[int, int]]
    no_fracture: ClassFigures
    fracture: ClassFigures
    macro: ClassFigures
    weighted: ClassFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitFigures:
    """What the model does on one split.

    Attributes:
        groups: Patients or sources; as many as films where the set does not tell.
        skipped: Films of the split that could not be read.
        in_training: Films whose file is, byte for byte, one that the model was trained on.
        before: Expected calibration error and Brier score of the plain sigmoid of the logit.
        after: The same of the calibrated probability.
        points: At each operating point, with what it did on this split.
        classification: Without calibration and operating points.
        subgroups: By trait (region, view, hardware) and its value, at the balanced point; a film
            that shows two regions or views counts in both.
        localisation: What the heat map does on annotated fractured films.
    """

    n: int
    fractured: int
    groups: int
    skipped: int
    in_training: int
    auroc: Estimate
    sensitivity_at_90_specificity: Estimate
    before: dict[str, Estimate]
    after: dict[str, Estimate]
    points: tuple[OperatingPoint, ...]
    classification: Classification
    subgroups: dict[str, dict[str, GroupFigures]] = field(default_factory=dict)
    localisation: dict[str, Localisation] = field(default_factory=dict)

    def point(self, name: str) -> OperatingPoint:
        """Look an operating point up by name."""
        return next(point for point in self.points if point.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """One way to measure the same recipe; several stand side by side.

    Attributes:
        name: AS_PUBLISHED: the split as its publisher made it. GROUPED: films of one patient or
            source on one side of the split; where the published split is not so, by the same
            recipe trained again. OUTSIDE: all films of another set, but those that lie in both.
        data_set: Name of the set that the films are from.
        in_training: Films that are, byte for byte, films that the model was trained on.
        accuracy: At the larger of the network's two outputs.
        sensitivity: At the balanced point, threshold alone.
        specificity: At the balanced point, threshold alone.
    """

    name: str
    data_set: str
    n: int
    fractured: int
    groups: int
    in_training: int
    accuracy: Estimate
    auroc: Estimate
    sensitivity: Estimate
    specificity: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCost:
    """What training took.

    Attributes:
        epochs: As many as were run, of at most those of the recipe.
        kept_epoch: The one whose weights are kept, counted from 1.
        total_s: Wall clock of all epochs with their validation.
        epoch_s: Its mean.
        parameters: Of the network while it was trained.
        trained_parameters: Those that the optimiser changed.
    """

    epochs: int
    epochs_of_recipe: int
    kept_epoch: int
    total_s: float
    epoch_s: float
    parameters: int
    trained_parameters: int
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compression:
    """What storing a head in few directions changes on test films.

    Attributes:
        n: Films.
        probability: Largest difference of a probability.
        auroc: AUROC of the whole network less that of the stored one.
        map_difference: Mean difference of the maps' cells, over the mean of the whole one's.
    """

    n: int
    probability: float
    auroc: float
    map_difference: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All that a card states, and all that an export needs beside the weights.

    Attributes:
        weights_sha256: Checksum of the weights file that was evaluated.
        size_px: Side of the input that films are read at; the last stage's, or one chosen on val.
        trained_size_px: Side of the input in the last stage of training.
        supervised: Annotated boxes supervised the evidence map.
        taught_by: Id of the model that it learned from; None where labels and boxes were all.
        teacher_sha256: Checksum of that model's weights as they were; None where not recorded.
        splits: Figures of val; of test and outside once they were asked for.
        protocols: Test figures side by side, as published first.
        trust: What a map must hold to be believed, chosen on val; None where no map is shown.
        float16_drift: Largest change of the probability on val by storing float16.
        training: None for a model that was exported before this was kept.
        head_ranks: Directions of a VGG's fc6 and fc7 that were evaluated; None where whole.
        compression: What that changes on test films; None where it changes nothing.
        scope: What the scope lets in and refuses; None until test films were measured.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    model: str
    recipe_sha256: str
    weights_sha256: str
    size_px: int
    trained_size_px: int
    supervised: bool
    data: TrainingData
    outside: str | None
    calibration: Calibration
    heat_floor: float
    float16_drift: float
    splits: dict[str, SplitFigures]
    protocols: tuple[Protocol, ...]
    training: TrainingCost | None
    taught_by: str | None = None
    teacher_sha256: str | None = None
    trust: TrustLimits | None = None
    scope: ScopeFigures | None = None
    head_ranks: tuple[int, int] | None = None
    compression: Compression | None = None

    @property
    def unseen(self) -> str:
        """The split whose figures are shown with the operating points.

        Test, unless films of it were trained on, byte for byte, and an outside set was measured.
        """
        leaky = self.splits["test"].in_training > 0
        return "outside" if leaky and "outside" in self.splits else "test"


def read_evaluation(path: Path) -> Evaluation:
    """Read an evaluation that holds test figures.

    Raises:
        RecipeError: It is missing, does not fit, or was made without test films.
    """
    remedy = "run `python -m train evaluate RUN --data DIR --test`"
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path.name} is missing or no JSON; {remedy}") from error
    evaluation = parse_record(Evaluation, table, source=path.name, error=RecipeError, remedy=remedy)
    if "test" not in evaluation.splits:
        raise RecipeError(f"{path.name} has no test figures; {remedy}")
    return evaluation
