"""Training recipes: all settings of one model's training, read from TOML into frozen records."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict

from bonefx.errors import RecipeError, WeightsError
from bonefx.models.architectures import architecture_of
from bonefx.models.preprocess import PreprocessSpec
from bonefx.schema import parse_record
from train.recipe_sections import (
    Augmentation,
    Distillation,
    EvidenceLoss,
    Optimiser,
    SourceRole,
    Stage,
)


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
        grey_levels: Rule for the grey levels of the network's input; see
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
    augmentation: Augmentation = field(default_factory=Augmentation)
    evidence: EvidenceLoss = field(default_factory=EvidenceLoss)
    distillation: Distillation | None = None
    grey_levels: Literal["as_shown", "percentiles"] = "as_shown"
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
        return PreprocessSpec(
            size_px=size_px, mean=self.mean, std=self.std, grey_levels=self.grey_levels
        )

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
