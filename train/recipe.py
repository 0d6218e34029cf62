"""Training recipes: all settings of one model's training, read from TOML into frozen records."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Tag

from bonefx.errors import RecipeError, WeightsError
from bonefx.models.architectures import architecture_of
from bonefx.models.preprocess import PreprocessSpec
from bonefx.schema import parse_record

# Modules and parameters that exist during training only; which ones depends on the recipe
TRAINING_ONLY_PARTS = ("probe", "sharpness", "distiller")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Consecutive epochs at one input size.

    Attributes:
        size_px: Side of the square input, a multiple of 32.
        epochs: Number of epochs, >= 1; each draws as many films as the training split has.
    """

    size_px: int
    epochs: int

    def __post_init__(self) -> None:
        if self.size_px < 32 or self.size_px % 32 or self.epochs < 1:
            raise RecipeError(
                f"a stage needs size_px in multiples of 32 and epochs >= 1, got {self.size_px} and "
                f"{self.epochs}; correct [[stages]]"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class OneCycleAdamW:
    """AdamW with a one-cycle learning rate schedule.

    Attributes:
        learning_rate: Highest learning rate of the cycle.
        weight_decay: Decoupled weight decay.
        warm_up: Share of all steps over which the learning rate rises, in (0, 1).
        rates: Multiplier of the learning rate by module name, > 0: "classifier", or one of
            TRAINING_ONLY_PARTS. Adam updates every weight by a similar amount, so that the output
            of VGG16's fc6, a sum over 25,088 inputs, changes much more in one step than the output
            of a small new layer.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    learning_rate: float
    weight_decay: float
    warm_up: float = 0.2
    rates: Mapping[str, float] = field(default_factory=dict)
    name: Literal["adamw_one_cycle"] = "adamw_one_cycle"

    def __post_init__(self) -> None:
        if min(self.rates.values(), default=1.0) <= 0:
            raise RecipeError("rates must be > 0; freeze layers with frozen_layers instead")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateauSgd:
    """SGD with momentum; the learning rate is reduced when the validation loss stops falling.

    Attributes:
        learning_rate: Initial learning rate.
        momentum: Momentum factor, in [0, 1).
        weight_decay: L2 penalty of the weights.
        factor: Multiplier of the learning rate at a plateau, in (0, 1).
        patience: Epochs without a lower validation loss before the learning rate is reduced.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    learning_rate: float
    momentum: float
    weight_decay: float
    factor: float
    patience: int
    name: Literal["sgd_plateau"] = "sgd_plateau"


def _optimiser_name(table: Any) -> str:
    """Return the optimiser's name; AdamW if the [optimiser] table states none."""
    if isinstance(table, dict):
        return str(table.get("name", "adamw_one_cycle"))
    return str(table.name)


Optimiser = Annotated[
    Annotated[OneCycleAdamW, Tag("adamw_one_cycle")] | Annotated[PlateauSgd, Tag("sgd_plateau")],
    Discriminator(_optimiser_name),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """Limits of random augmentation; it is applied to training films only.

    Attributes:
        rotation_deg: Largest rotation in either direction.
        translate: Largest shift, as a share of the side.
        scale: Lowest and highest magnification.
        flip: Mirror at random, each axis with probability 0.5.
        contrast: Largest relative change of contrast and of brightness.
        gamma: Largest exponent of a random gamma curve, >= 1; the smallest is its inverse.
        looks: Probability of each change of the film's look; see train.data.looks.
        quarter_turns: Probability of a turn by 90, 180 or 270 degrees.
    """

    rotation_deg: float = 0.0
    translate: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    flip: bool = False
    contrast: float = 0.0
    gamma: float = 1.0
    looks: float = 0.0
    quarter_turns: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.looks <= 1 and 0 <= self.quarter_turns <= 1):
            raise RecipeError("looks and quarter_turns are probabilities; give numbers from 0 to 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceLoss:
    """Localisation loss: supervise each cell of the feature map with the annotated fractures.

    With a linear head the head's own cell logits are supervised. With any other head a linear
    probe, the Grad-CAM map, or both are supervised. See train.fit.objective.Objective.

    Attributes:
        weight: Multiplier of the loss on the cell logits of the head or the probe, >= 0; 0
            disables it.
        grad_cam: Multiplier of the loss on the Grad-CAM map, >= 0; only for a head that is not
            linear, since the map of a linear head equals its cell logits.
    """

    weight: float = 0.0
    grad_cam: float = 0.0

    def __post_init__(self) -> None:
        if min(self.weight, self.grad_cam) < 0:
            raise RecipeError("weight and grad_cam must be >= 0; 0 disables a loss")

    @property
    def uses_boxes(self) -> bool:
        """Whether training uses the annotated boxes."""
        return self.weight > 0 or self.grad_cam > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Distillation:
    """Distillation loss: distance to the outputs of a trained teacher on the same films.

    Attributes:
        teacher: Id of a model under weights/ that was trained on the same split.
        logits: Multiplier of the cross-entropy with the sigmoid of the teacher's logits.
        activations: Multiplier of the distance between the activations at the heat-map layer.
    """

    teacher: str
    logits: float = 1.0
    activations: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRole:
    """Part of one source of films in training.

    A source whose films all have one label can be recognised by its look. Its labels then teach
    the network the look of the source instead of fractures, and its boxes do not.

    Attributes:
        share: Share of the films drawn in training, > 0; the shares are divided by their sum.
        labels: Train on the films' labels; False trains on their boxes and the teacher alone.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    share: float
    labels: bool = True

    def __post_init__(self) -> None:
        if not self.share > 0:
            raise RecipeError("share must be > 0; remove a source that is not to be trained on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All settings of one model's training.

    Attributes:
        id: Name of the model and of its folder under weights/.
        architecture: A key of bonefx.models.architectures.ARCHITECTURES.
        data: Layout of the data folder; a key of train.data.ADAPTERS.
        stages: Epochs and input sizes, in order.
        optimiser: Optimiser and learning rate schedule.
        seed: Seed of all random choices.
        batch_size: Films per optimiser step, over all processes.
        accumulate: Micro-batches per optimiser step (gradient accumulation), to save memory.
        frozen_layers: Number of layers of `features`, counted from the input, whose weights and
            batch-norm statistics are not trained.
        class_balanced: Draw films so that both classes are equally frequent.
        average_decay: Decay of the exponential moving average of the weights that is validated
            and exported, in [0, 1); 0 uses the current weights.
        label_smoothing: Share of each label that is spread over both classes, in [0, 1].
        clip_norm: Largest gradient norm of a step; 0 disables clipping.
        best_by: Validation figure that selects the best epoch. val_auroc is the mean over the
            sources whose labels are trained on.
        early_stopping: Epochs without a lower validation loss after which training ends; 0
            disables early stopping.
        head_ranks: Ranks of the exported low-rank factors of a VGG's fc6 and fc7; see
            train.evaluate.compression. None exports both layers in full.
        sources: Part of each source of a combined data set; the films of other sources are not
            used. Empty for a data set of one source.
        damaged_films: "leave_out" excludes truncated films; "salvage" reads their decodable part
            (to reproduce published figures that included them).
        augmentation: Random changes of training films.
        evidence: Localisation loss.
        distillation: Distillation loss; None for training without a teacher.
        look: Rule for the grey levels of the network's input; see
            bonefx.models.preprocess.PreprocessSpec.
        mean: Per-channel mean of the network's input.
        std: Per-channel standard deviation of the network's input.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    id: str
    architecture: str
    data: Literal["fracatlas", "image_folder", "csv", "mura", "grazpedwri", "combined"]
    stages: tuple[Stage, ...]
    optimiser: Optimiser
    seed: int = 0
    batch_size: int = 16
    accumulate: int = 1
    frozen_layers: int = 0
    class_balanced: bool = True
    average_decay: float = 0.0
    label_smoothing: float = 0.0
    clip_norm: float = 5.0
    best_by: Literal["val_auroc", "val_loss"] = "val_auroc"
    early_stopping: int = 0
    head_ranks: tuple[int, int] | None = None
    sources: Mapping[str, SourceRole] = field(default_factory=dict)
    damaged_films: Literal["leave_out", "salvage"] = "leave_out"
    augmentation: Augmentation = Augmentation()
    evidence: EvidenceLoss = EvidenceLoss()
    distillation: Distillation | None = None
    look: Literal["as_shown", "percentiles"] = "as_shown"
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)

    def __post_init__(self) -> None:
        if not self.stages:
            raise RecipeError("a recipe needs at least one [[stages]] with size_px and epochs")
        try:
            architecture_of(self.architecture)
        except WeightsError as error:
            raise RecipeError(str(error)) from error
        if self.batch_size < 1 or self.accumulate < 1 or self.batch_size % self.accumulate:
            raise RecipeError(
                f"batch_size {self.batch_size} cannot be split into {self.accumulate} parts; "
                "choose a multiple of accumulate"
            )
        if (self.data == "combined") != bool(self.sources):
            raise RecipeError(
                "a combined data set needs [sources] with the share of each, and no other has it"
            )
        if self.sources and not any(role.labels for role in self.sources.values()):
            raise RecipeError("no source trains on labels; remove `labels = false` from one")

    @property
    def shares(self) -> dict[str, float]:
        """Share of each source in the films drawn; their sum is 1."""
        total = sum(role.share for role in self.sources.values())
        return {name: role.share / total for name, role in self.sources.items()}

    def uses_label_of(self, source: str) -> bool:
        """Whether the labels of a source's films are trained on."""
        return not self.sources or self.sources[source].labels

    @property
    def salvage(self) -> bool:
        """Whether the decodable part of truncated films is used."""
        return self.damaged_films == "salvage"

    @property
    def size_px(self) -> int:
        """Input side of the last stage; the model is evaluated at this size."""
        return self.stages[-1].size_px

    def spec(self, size_px: int) -> PreprocessSpec:
        """Return the preprocessing at one of the recipe's input sizes."""
        return PreprocessSpec(size_px=size_px, mean=self.mean, std=self.std, look=self.look)

    @property
    def epochs(self) -> int:
        """Number of epochs of all stages."""
        return sum(stage.epochs for stage in self.stages)

    def stage_at(self, epoch: int) -> Stage:
        """Return the stage of an epoch, counted from 0.

        Raises:
            RecipeError: The recipe has fewer epochs.
        """
        for stage in self.stages:
            if epoch < stage.epochs:
                return stage
            epoch -= stage.epochs
        raise RecipeError(f"the recipe has {self.epochs} epochs; choose an epoch below that")


def read_recipe(path: Path) -> tuple[Recipe, str]:
    """Read a recipe file.

    Returns:
        The recipe and the SHA-256 of its file.

    Raises:
        RecipeError: The file is missing, is not TOML, or has unknown, missing or invalid keys.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise RecipeError(
            f"no recipe at {path}; see train/recipes for the included ones"
        ) from error
    try:
        table = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not TOML: {error}; correct the syntax") from error
    recipe = parse_record(
        Recipe, table, source=path.name, error=RecipeError, remedy="correct the recipe"
    )
    return recipe, hashlib.sha256(text).hexdigest()
