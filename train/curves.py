"""training.png of a model folder: loss and accuracy by epoch, and the confusion matrix."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from train.figures import Evaluation
from train.run import EpochLog, read_log

TRAINING = "training.png"
CLASSES = ("no fracture", "fracture")


def draw_training(run: Path, evaluation: Evaluation, folder: Path) -> None:
    """Draw training.png.

    Args:
        run: Holds log.csv.
        evaluation: Of that run, with test figures.
        folder: Where training.png is written.
    """
    mpl.use("Agg")
    lines = read_log(run)
    figure = Figure(figsize=(12, 3.8), layout="constrained")
    loss, accuracy, confusion = figure.subplots(1, 3, width_ratios=(4, 4, 3))
    _draw_curves(loss, lines, ("image_loss", "val_loss"), "cross-entropy loss")
    _draw_curves(accuracy, lines, ("accuracy", "val_accuracy"), "accuracy")
    test = evaluation.splits["test"]
    draw_confusion(confusion, test.classification.confusion, f"{test.n} test films")
    figure.savefig(folder / TRAINING, dpi=110)


def _draw_curves(
    axes: Axes, lines: Sequence[EpochLog], figures: tuple[str, str], label: str
) -> None:
    epochs = [line.epoch for line in lines]
    for name, figure, style in zip(("train", "val"), figures, ("o-", "s--"), strict=True):
        axes.plot(
            epochs, [getattr(line, figure) for line in lines], style, markersize=4, label=name
        )
    kept = max(line.epoch for line in lines if line.best)
    axes.axvline(kept, color="grey", linestyle=":", label=f"epoch {kept} kept")
    for before, after in itertools.pairwise(lines):
        if after.size_px != before.size_px:
            axes.axvline(after.epoch - 0.5, color="black", linewidth=0.8)
            axes.text(after.epoch - 0.4, axes.get_ylim()[1], f"{after.size_px} px", va="top")
    axes.set(xlabel="epoch", ylabel=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()


def draw_confusion(
    axes: Axes, confusion: tuple[tuple[int, int], tuple[int, int]], title: str
) -> None:
    """Draw a confusion matrix with counts and shares of each row.

    Args:
        axes: Where to draw.
        confusion: ((true negatives, false positives), (false negatives, true positives)).
        title: Of the panel.
    """
    counts = np.array(confusion)
    shares = counts / counts.sum(1, keepdims=True).clip(min=1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        axes.text(
            column, row, f"{counts[row, column]}\n{100 * share:.1f} %", ha="center", va="center",
            color="white" if share > 0.5 else "black",
        )  # fmt: skip
    axes.set(
        xticks=(0, 1), yticks=(0, 1), xticklabels=CLASSES, xlabel="called", ylabel="truth",
        title=title,
    )  # fmt: skip
    axes.set_yticklabels(CLASSES, rotation=90, va="center")
