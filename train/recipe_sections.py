"""Sections of a training recipe: stages, optimisers, augmentation, losses and sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Tag

from bonefx.errors import RecipeError

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
        labels: Train on the films' labels; False trains on their boxes and the teacher alone, and
            leaves the films out of the validation figures of training. Evaluation uses the labels
            of all sources.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    share: float
    labels: bool = True

    def __post_init__(self) -> None:
        if not self.share > 0:
            raise RecipeError("share must be > 0; remove a source that is not to be trained on")
