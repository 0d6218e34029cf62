"""The content of evaluation.json: all that was measured of one model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import ConfigDict

from bonefx.records.estimate import Estimate
from bonefx.records.model import Calibration, TrainingData
from bonefx.records.scope_figures import ScopeFigures
from bonefx.records.set_figures import SetFigures, SetSummary
from bonefx.records.split_figures import SplitFigures
from bonefx.records.trust_limits import TrustLimits

EVALUATION = "evaluation.json"
AS_PUBLISHED, GROUPED, OUTSIDE = "as_published", "grouped", "outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolFigures:
    """Test figures by one evaluation protocol; a card shows several side by side.

    Attributes:
        name: AS_PUBLISHED: the split of the publisher. GROUPED: a split that keeps films of one
            patient or source on one side; if the published split does not, the figures are those
            of the same recipe trained again on such a split. OUTSIDE: all films of another data
            set, without those that are also in the model's own set.
        data_set: Name of the data set of the films.
        n: Number of films.
        fractured: Number of films with a fracture.
        groups: Number of patients or sources.
        in_training: Films that are byte-identical to a training film.
        accuracy: At the larger of the network's two outputs, in [0, 1].
        auroc: Area under the ROC curve, in [0, 1].
        sensitivity: At the balanced point, threshold alone, in [0, 1].
        specificity: At the balanced point, threshold alone, in [0, 1].
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
    """Epochs, time and parameters of the training run.

    Attributes:
        epochs: Number of epochs run, at most epochs_of_recipe.
        epochs_of_recipe: Number of epochs that the recipe allows.
        kept_epoch: Epoch whose weights were kept, counted from 1.
        total_s: Wall-clock time of all epochs with their validation, in seconds.
        epoch_s: Mean wall-clock time of an epoch, in seconds.
        parameters: Parameters of the network during training.
        trained_parameters: Parameters that the optimiser changed.
        device: Where the network was trained, such as "cpu".
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
    """Effect of storing a network head in low rank, measured on test films.

    Attributes:
        n: Number of films.
        probability: Largest absolute difference of a probability, in [0, 1].
        auroc: AUROC of the whole network minus that of the compressed one.
        map_difference: Mean absolute difference of the maps' cells, divided by the mean cell of
            the whole network's maps.
    """

    n: int
    probability: float
    auroc: float
    map_difference: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All that a card states, and all that an export needs beside the weights.

    Attributes:
        model: Id of the model.
        recipe_sha256: Checksum of the recipe file.
        weights_sha256: Checksum of the evaluated weights file.
        size_px: Side of the network input at which films are read; that of the last training
            stage, or one chosen on validation films.
        trained_size_px: Side of the network input in the last stage of training.
        orientations: In how many orientations the network reads a film, 1 or 4.
        supervised: The map was supervised by annotated boxes during training.
        data: The data set that the model was trained on.
        outside: Name of another data set; None if none was measured.
        calibration: Fitted on validation films.
        heat_floor: Raw map peak, in logits, below which no map is shown.
        float16_drift: Largest change of a validation film's probability by storing float16.
        splits: Figures by split: "val", and "test" and "outside" once they were measured.
        protocols: Test figures by protocol, as published first.
        training: None for a model that was exported before this was recorded.
        taught_by: Id of the model that it learned from; None if it learned from labels and boxes
            alone.
        teacher_sha256: Checksum of that model's weights; None if not recorded.
        trust: Limits of the map checks, chosen on validation films; None if no map is shown.
        scope: Figures of the scope; None until test films were measured.
        head_ranks: Ranks of a VGG's fc6 and fc7 as evaluated; None if they are whole.
        compression: Effect of these ranks on test films; None without compression.
        sets: Figures on films of other hospitals and of the sources of the own data set.
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
    protocols: tuple[ProtocolFigures, ...]
    training: TrainingCost | None
    taught_by: str | None = None
    teacher_sha256: str | None = None
    trust: TrustLimits | None = None
    scope: ScopeFigures | None = None
    head_ranks: tuple[int, int] | None = None
    compression: Compression | None = None
    sets: tuple[SetFigures, ...] = ()
    orientations: Literal[1, 4] = 1

    @property
    def test(self) -> SplitFigures:
        """Figures on the test split; only of an evaluation with test figures."""
        return self.splits["test"]

    @property
    def trained_on_test(self) -> bool:
        """Whether some test films are byte-identical to training films."""
        return self.test.in_training > 0

    @property
    def outside_figures(self) -> tuple[str, SplitFigures] | None:
        """Name of the outside data set and figures on it; None if none was measured."""
        if self.outside is None or OUTSIDE not in self.splits:
            return None
        return self.outside, self.splits[OUTSIDE]

    @property
    def other_sets(self) -> tuple[SetSummary, ...]:
        """Results on sets of which no film was trained on, the largest set first."""
        found = {
            one.name: SetSummary(name=one.name, auroc=one.auroc, refused=one.refused)
            for one in self.sets
            if one.auroc is not None and not one.trained_on
        }
        if self.outside_figures is not None:
            name, figures = self.outside_figures
            refused = self.scope.refused.get(OUTSIDE) if self.scope else None
            found[name] = SetSummary(name=name, auroc=figures.auroc, refused=refused)
        return tuple(sorted(found.values(), key=lambda one: -one.auroc.n))

    @property
    def unseen_split(self) -> str:
        """The split whose figures accompany the operating points.

        "test", unless the model was trained on some of its films and an outside set was measured.
        """
        return OUTSIDE if self.trained_on_test and self.outside_figures is not None else "test"

    @property
    def unseen_set(self) -> str:
        """Name of the data set of unseen_split."""
        return (self.outside or "") if self.unseen_split == OUTSIDE else self.data.name
