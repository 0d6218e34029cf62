"""A recipe: everything that decides how one model is trained, read from TOML and frozen."""

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

TRAINING_ONLY_PARTS = (
    "probe",
    "sharpness",
    "distiller",
)  # beside a network; a recipe may need none


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A run of epochs at one input size.

    Attributes:
        size_px: Side of the square input, a multiple of 32.
        epochs: Passes over as many films as the training split has.
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
    """AdamW under a one-cycle learning rate.

    Attributes:
        learning_rate: The cycle's highest value.
        weight_decay: Decoupled decay of each weight.
        warm_up: Share of all steps over which the learning rate rises, in (0, 1).
        rates: Multiplier of the learning rate by a part: "classifier", or one of TRAINING_PARTS.
            Adam moves each weight alike, so that a sum over VGG16's 25,088 inputs moves far at
            each step, and one over a few new weights hardly.
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
    """SGD with momentum, its learning rate cut when the validation loss no longer falls.

    Attributes:
        learning_rate: Of the first epoch.
        momentum: Share of the last step that is kept.
        weight_decay: L2 penalty of each weight.
        factor: The learning rate is multiplied by it at a plateau.
        patience: Epochs without a lower validation loss that are waited for.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    learning_rate: float
    momentum: float
    weight_decay: float
    factor: float
    patience: int
    name: Literal["sgd_plateau"] = "sgd_plateau"


def _optimiser_name(table: Any) -> str:
    """Name the kind of an [optimiser] table; AdamW where it does not say."""
    if isinstance(table, dict):
        return str(table.get("name", "adamw_one_cycle"))
    return str(table.name)


Optimiser = Annotated[
    Annotated[OneCycleAdamW, Tag("adamw_one_cycle")] | Annotated[PlateauSgd, Tag("sgd_plateau")],
    Discriminator(_optimiser_name),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How far a training film may be changed; validation and use never change it.

    Attributes:
        rotation_deg: Largest rotation to either side.
        translate: Largest shift, as a share of the side.
        scale: Lowest and highest magnification.
        flip: Mirror at random, each axis with probability 0.5.
        contrast: Largest relative change of contrast and brightness.
        gamma: Largest exponent of a random gamma curve (and its inverse the lowest), >= 1.
    """

    rotation_deg: float = 0.0
    translate: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    flip: bool = False
    contrast: float = 0.0
    gamma: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceLoss:
    """A second loss that asks each cell whether it looks at an annotated fracture.

    Of a linear head it asks the head's own ratings; else a probe, the Grad-CAM map, or both, each
    with its own multiplier. See objective.Objective.

    Attributes:
        weight: Multiplier of this loss beside the image loss; 0 leaves it out.
        grad_cam: Multiplier of the same loss on the Grad-CAM map of a head that is not linear (the
            map of one that is, is its ratings).
    """

    weight: float = 0.0
    grad_cam: float = 0.0

    def __post_init__(self) -> None:
        if min(self.weight, self.grad_cam) < 0:
            raise RecipeError("weight and grad_cam must be >= 0; 0 leaves a loss out")

    @property
    def uses_boxes(self) -> bool:
        """Tell whether boxes are learned from at all."""
        return self.weight > 0 or self.grad_cam > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Distillation:
    """A third loss: how far a network is from what a trained one makes of the same films.

    Attributes:
        teacher: Id of a model under weights/ that was held out from the same films.
        logits: Multiplier of the cross-entropy with the sigmoid of the teacher's logits.
        activations: Multiplier of the distance between the activations that the heat maps weigh.
    """

    teacher: str
    logits: float = 1.0
    activations: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one model is trained.

    Attributes:
        id: Name of the model, and of its folder under weights/.
        architecture: A key of bonefx.architectures.ARCHITECTURES.
        data: Layout of the data folder.
        seed: Of every random choice.
        batch_size: Films a step of the optimiser, over all processes.
        accumulate: Parts that the films of a step are passed in, where memory is short.
        frozen_layers: How many layers of `features`, from the input on, keep their initial
            weights and batch-norm statistics.
        class_balanced: Draw films so that both classes come equally often.
        average_decay: Decay of the moving average of the weights that is validated and exported;
            0 keeps the last weights.
        label_smoothing: Share of each label that is spread over both classes.
        clip_norm: Largest norm of a step's gradient; 0 leaves it as it is.
        best_by: Validation figure by which the epoch that is kept is chosen.
        early_stopping: Epochs without a lower validation loss after which training ends; 0 never.
        head_ranks: Directions of a VGG's fc6 and fc7 that are shipped; see train.compress. None
            ships them whole.
        damaged_films: Leave truncated films out, or read what is left of them (to repeat
            published figures that counted them).
        mean: Per channel, of the network's input.
        std: Per channel, of the network's input.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    id: str
    architecture: str
    data: Literal["fracatlas", "image_folder", "csv", "mura", "grazpedwri"]
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
    damaged_films: Literal["leave_out", "salvage"] = "leave_out"
    augmentation: Augmentation = Augmentation()
    evidence: EvidenceLoss = EvidenceLoss()
    distillation: Distillation | None = None
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
                f"batch_size {self.batch_size} cannot be passed in {self.accumulate} parts; choose "
                "a multiple"
            )

    @property
    def salvage(self) -> bool:
        """Read what is left of truncated films."""
        return self.damaged_films == "salvage"

    @property
    def size_px(self) -> int:
        """Side of the input in the last stage, which the model is validated at."""
        return self.stages[-1].size_px

    def spec(self, size_px: int) -> PreprocessSpec:
        """The preprocessing at one of the recipe's sizes."""
        return PreprocessSpec(size_px=size_px, mean=self.mean, std=self.std)

    @property
    def epochs(self) -> int:
        """Epochs of all stages."""
        return sum(stage.epochs for stage in self.stages)

    def stage_at(self, epoch: int) -> Stage:
        """Tell which stage an epoch (counted from 0) belongs to."""
        for stage in self.stages:
            if epoch < stage.epochs:
                return stage
            epoch -= stage.epochs
        raise RecipeError(f"the recipe ends {epoch + 1} epochs earlier; ask for fewer epochs")


def read_recipe(path: Path) -> tuple[Recipe, str]:
    """Read a recipe; returns it with the SHA-256 of its file.

    Raises:
        RecipeError: The file is missing, is not TOML, or has unknown, missing or wrong keys.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise RecipeError(f"no recipe at {path}; see train/recipes for the shipped ones") from error
    try:
        table = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not TOML: {error}; correct it") from error
    recipe = parse_record(
        Recipe, table, source=path.name, error=RecipeError, remedy="correct the recipe"
    )
    return recipe, hashlib.sha256(text).hexdigest()
