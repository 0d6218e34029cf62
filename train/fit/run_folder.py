"""Files of a run's folder: run.json and log.csv, and rules for resuming and early stopping."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict

from bonefx.errors import RecipeError
from bonefx.models.architectures import BatchNormSpec
from bonefx.models.manifest import InitialWeights
from bonefx.records.model import SourceData, SplitCounts, TrainingData
from bonefx.schema import dump_record, parse_record
from train.data import DataSet, Film
from train.data.cache import CachedFilms
from train.files import write_atomically
from train.metrics import auroc
from train.recipe import Recipe

LOG_FILE = "log.csv"
FACTS_FILE = "run.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """Facts about a run for evaluation and export (run.json)."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    recipe: Recipe
    recipe_sha256: str
    batch_norm: BatchNormSpec
    initial: InitialWeights
    device: str
    data: TrainingData
    teacher_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochLog:
    """One line of log.csv; losses and accuracies are means over the films.

    See train.fit.objective.TrainingLosses for the losses.

    Attributes:
        val_auroc: See mean_auroc.
        val_loss: Mean over the films whose labels are trained on, as for val_accuracy.
        accuracy: Accuracy on the augmented training films, with dropout.
        val_accuracy: Accuracy at a softmax output of 0.5, uncalibrated, as in the course report.
        best: The epoch is the best so far.
        elapsed_s: Duration of training and validation.
    """

    epoch: int
    size_px: int
    learning_rate: float
    image_loss: float
    evidence_loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    val_auroc: float
    best: bool
    elapsed_s: float
    distilled_loss: float = 0.0


def write_facts(run: Path, facts: RunFacts) -> None:
    """Write run.json."""
    text = json.dumps(dump_record(facts), indent=2)
    write_atomically(run / FACTS_FILE, lambda part: part.write_text(text, encoding="utf-8"))


def read_facts(run: Path) -> RunFacts:
    """Read run.json.

    Raises:
        RecipeError: The folder holds no run, or one of another version.
    """
    try:
        table = json.loads((run / FACTS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(
            f"{run.name} has no readable {FACTS_FILE}; fit the recipe first"
        ) from error
    return parse_record(
        RunFacts, table, source=FACTS_FILE, error=RecipeError, remedy="fit the recipe again"
    )


def write_log(run: Path, lines: Sequence[EpochLog]) -> None:
    """Write log.csv, one line per epoch."""
    rows: list[dict[str, Any]] = [dump_record(line) for line in lines]

    def write(part: Path) -> None:
        with part.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    write_atomically(run / LOG_FILE, write)


def read_log(run: Path) -> list[EpochLog]:
    """Read log.csv.

    Raises:
        RecipeError: The file is missing or was written by another version.
    """
    try:
        with (run / LOG_FILE).open(newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise RecipeError(
            f"{run.name} has no {LOG_FILE} yet; wait until fit has finished an epoch"
        ) from error
    remedy = "fit the recipe again"
    return [
        parse_record(EpochLog, row, source=LOG_FILE, error=RecipeError, remedy=remedy)
        for row in rows
    ]


def mean_auroc(films: CachedFilms, logits: NDArray[np.float64], recipe: Recipe) -> float:
    """Compute the AUROC of each source whose labels are trained on, and return their mean.

    Films of sources without both classes in this split do not count.

    Raises:
        RecipeError: No source whose labels are trained on has both classes.
    """
    if not recipe.sources:
        return auroc(films.fractured, logits)
    source = np.array([film.source for film in films.films])
    parts = [source == name for name in recipe.sources if recipe.uses_label_of(name)]
    values = [
        auroc(films.fractured[part], logits[part])
        for part in parts
        if 0 < films.fractured[part].sum() < part.sum()
    ]
    if not values:
        raise RecipeError(
            "no source whose labels are trained on has films of both classes in val; choose the "
            "best epoch on another source"
        )
    return float(np.mean(values))


def labelled(films: CachedFilms, recipe: Recipe) -> NDArray[np.bool_]:
    """Return the films whose labels are trained on, (N,)."""
    return np.array([recipe.uses_label_of(film.source) for film in films.films])


def check_sources_teach(films: CachedFilms, recipe: Recipe) -> None:
    """Check that the training films of each source take part in a loss.

    Raises:
        RecipeError: The labels of a source are not used, and neither are its boxes nor a teacher.
    """
    if recipe.distillation is not None:
        return
    for name in recipe.sources:
        own = [film for film in films.films if film.source == name]
        placed = recipe.evidence.uses_boxes and any(
            film.annotated or not film.fractured for film in own
        )
        if not recipe.uses_label_of(name) and not placed:
            raise RecipeError(
                f"the films of {name!r} would teach nothing: its labels are not used, it has no "
                f"boxes or [evidence] has no weight; set labels = true or remove [sources.{name}]"
            )


def is_best_epoch(line: EpochLog, earlier: Sequence[EpochLog], recipe: Recipe) -> bool:
    """Whether an epoch is the best so far; only epochs of the last stage qualify."""
    if recipe.stage_at(line.epoch - 1) != recipe.stages[-1]:
        return False
    earlier_best = [before for before in earlier if before.best]
    if recipe.best_by == "val_loss":
        return all(line.val_loss < before.val_loss for before in earlier_best)
    return all(line.val_auroc > before.val_auroc for before in earlier_best)


def should_stop_early(history: Sequence[EpochLog], recipe: Recipe) -> bool:
    """Whether the validation loss has not fallen for the recipe's early_stopping epochs."""
    if not (recipe.early_stopping and history):
        return False
    lowest = min(history, key=lambda line: line.val_loss)
    return history[-1].epoch - lowest.epoch >= recipe.early_stopping


def check_same_run(
    run: Path, *, recipe: str, initial: str | None, split: str | None, teacher: str | None = None
) -> None:
    """Check that a folder's run was started with the same settings, so that it can be resumed.

    Args:
        run: Folder of the run; a folder without a run passes.
        recipe: SHA-256 of the recipe's file.
        initial: SHA-256 of the initial weights; None for torchvision's.
        split: SHA-256 of the assignment of films to splits; None if folders define it.
        teacher: SHA-256 of the teacher's weights.

    Raises:
        RecipeError: The run has another recipe, initial weights, split or teacher.
    """
    if not (run / FACTS_FILE).is_file():
        return
    before = read_facts(run)
    for name, was, now in (
        ("recipe", before.recipe_sha256, recipe),
        ("initial weights", before.initial.sha256, initial),
        ("split", before.data.split_sha256, split),
        ("teacher", before.teacher_sha256, teacher),
    ):
        if was != now:
            raise RecipeError(f"{run.name} was started with another {name}; choose another --out")


def describe_training_data(
    data_set: DataSet, splits: Mapping[str, CachedFilms], recipe: Recipe
) -> TrainingData:
    """Describe a data set for run.json: its sources, and the film counts of the given splits."""
    return TrainingData(
        name=data_set.name,
        licence=data_set.licence,
        source=data_set.source,
        split_sha256=data_set.split_sha256,
        counts={
            name: count_split(cache.films, unreadable=cache.skipped)
            for name, cache in splits.items()
        },
        label_meaning=data_set.label_meaning,
        left_out=data_set.left_out,
        unsuitable_for=data_set.unsuitable_for,
        sources={
            name: SourceData(
                title=data_set.sources[name].title,
                licence=data_set.sources[name].licence,
                address=data_set.sources[name].address,
                share=share,
                labels_used=recipe.uses_label_of(name),
                counts={
                    split: count_split([film for film in cache.films if film.source == name])
                    for split, cache in splits.items()
                },
            )
            for name, share in recipe.shares.items()
        },
    )


def count_split(films: list[Film], *, unreadable: int = 0) -> SplitCounts:
    """Count the films of a split.

    Args:
        films: Films that could be read.
        unreadable: Number of further films of the split that could not be read.
    """
    return SplitCounts(
        films=len(films),
        fractured=sum(film.fractured for film in films),
        with_boxes=sum(bool(film.boxes) for film in films),
        unreadable=unreadable,
    )
