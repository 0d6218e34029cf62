"""Draw training.png: loss and accuracy by epoch, and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from train.fit.run_folder import EpochLog, RunFacts, read_facts, read_log
from train.plot_style import BLUE, CLASS_LABELS, GREY, ORANGE, VERMILION, save_figure, tidy_axes

TRAINING_FILE = "training.png"
MAX_MARKED_EPOCHS = 15  # with more epochs, the curves have no markers
Confusion = tuple[tuple[int, int], tuple[int, int]]


def draw_training(
    run: Path, folder: Path, *, confusion: Confusion | None = None, split: str = "test"
) -> None:
    """Draw training.png from a run's log.

    Args:
        run: Holds run.json and log.csv.
        folder: Folder of training.png.
        confusion: Counts of films, ((tn, fp), (fn, tp)) with fracture as positive; None omits
            the matrix.
        split: Split of the counted films.

    Raises:
        RecipeError: The run has no finished epoch, or the disk is full.
    """
    figure = build_training_figure(read_log(run), read_facts(run), confusion=confusion, split=split)
    save_figure(figure, folder / TRAINING_FILE)


def build_training_figure(
    lines: Sequence[EpochLog], facts: RunFacts, *, confusion: Confusion | None, split: str
) -> Figure:
    """Build the figure of draw_training: loss, accuracy and, if given, the confusion matrix."""
    widths = [1.3, 1.3, 1.0] if confusion else [1.3, 1.3]
    figure = Figure(figsize=(4.1 * sum(widths), 4.8), layout="constrained")
    panels = figure.subplots(1, len(widths), width_ratios=widths)
    figure.suptitle(_summary(lines, facts), x=0.01, ha="left", fontsize=10, color=GREY)
    _draw_curves(panels[0], lines, facts, fields=("image_loss", "val_loss"))
    panels[0].set(title="Loss (cross-entropy)", ylim=(0, None))
    _draw_curves(panels[1], lines, facts, fields=("accuracy", "val_accuracy"))
    panels[1].set(title="Accuracy", ylim=(None, 1.005))
    panels[1].yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    panels[0].legend(loc="upper right")
    if confusion:
        _draw_confusion(panels[2], confusion, split)
    return figure


def find_best_epoch(lines: Sequence[EpochLog]) -> EpochLog | None:
    """Find the epoch of the saved weights: the last one marked as best."""
    return next((line for line in reversed(lines) if line.best), None)


def find_learning_rate_cuts(lines: Sequence[EpochLog], facts: RunFacts) -> list[EpochLog]:
    """Find the first epoch after each reduction of the learning rate by the plateau schedule."""
    if facts.recipe.optimiser.name != "sgd_plateau":
        return []
    return [
        after for before, after in pairwise(lines) if after.learning_rate < before.learning_rate
    ]


def _summary(lines: Sequence[EpochLog], facts: RunFacts) -> str:
    total_s = sum(line.elapsed_s for line in lines)
    epochs = "1 epoch" if len(lines) == 1 else f"{len(lines)} epochs"
    return (
        f"{facts.recipe.id} on {facts.data.name}: {epochs} in {_duration(total_s)}, "
        f"{_duration(total_s / len(lines))} an epoch, on {facts.device}"
    )


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _draw_curves(
    axes: Axes, lines: Sequence[EpochLog], facts: RunFacts, *, fields: tuple[str, str]
) -> None:
    """Draw a value of the training and validation films by epoch, with the changes marked."""
    epochs = [line.epoch for line in lines]
    dot = "o" if len(lines) <= MAX_MARKED_EPOCHS else ""
    for field, label, colour in zip(
        fields, ("training", "validation"), (BLUE, VERMILION), strict=True
    ):
        values = [getattr(line, field) for line in lines]
        axes.plot(epochs, values, color=colour, marker=dot, markersize=4, label=label)
    _draw_changes(axes, lines, facts)
    best = find_best_epoch(lines)
    if best:
        axes.plot(
            best.epoch, getattr(best, fields[1]), "*", color=ORANGE, markersize=17,
            markeredgecolor="black", zorder=5, clip_on=False, label=f"best: epoch {best.epoch}",
        )  # fmt: skip
    axes.set(xlabel="epoch", xlim=(0.5, max(epochs) + 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    tidy_axes(axes)


def _draw_changes(axes: Axes, lines: Sequence[EpochLog], facts: RunFacts) -> None:
    """Mark reductions of the learning rate and changes of the input size."""
    for line in find_learning_rate_cuts(lines, facts):
        _draw_change(axes, line.epoch, f"learning rate {line.learning_rate:g}")
    for before, after in pairwise(lines):
        if after.size_px != before.size_px:
            _draw_change(axes, after.epoch, f"films at {after.size_px} px")


def _draw_change(axes: Axes, epoch: int, text: str) -> None:
    axes.axvline(epoch - 0.5, color=GREY, linestyle=":", linewidth=1.2)
    axes.annotate(
        text, (epoch - 0.5, 0.5), xycoords=axes.get_xaxis_transform(), xytext=(3, 0),
        textcoords="offset points", rotation=90, va="center", fontsize=8, color=GREY,
    )  # fmt: skip


def _draw_confusion(axes: Axes, confusion: Confusion, split: str) -> None:
    """Draw the counts, each with its share of the films with the same label."""
    counts = np.array(confusion)
    shares = counts / np.maximum(1, counts.sum(1, keepdims=True))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        colour = "white" if share > 0.5 else "black"
        axes.text(column, row - 0.06, f"{count}", ha="center", fontsize=20, color=colour)
        axes.text(column, row + 0.2, f"{100 * share:.1f} %", ha="center", fontsize=11, color=colour)
    axes.set(
        title=f"{split.capitalize()}: {np.trace(counts)} of {counts.sum()} correct",
        xlabel="predicted", ylabel="label",
    )  # fmt: skip
    axes.set_xticks((0, 1), CLASS_LABELS)
    axes.set_yticks((0, 1), CLASS_LABELS, rotation=90, va="center")
    axes.tick_params(length=0)
