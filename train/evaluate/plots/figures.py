"""Draw figures.png: reliability, ROC, precision-recall and histogram of one split."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.calibration import calibration_curve
from sklearn.metrics import PrecisionRecallDisplay, RocCurveDisplay, average_precision_score

from bonefx.records import Estimate, OperatingPoint
from bonefx.records.evaluation import Evaluation
from train import metrics
from train.evaluate.logits import LOGITS
from train.evaluate.operating_points import calibrated_probabilities
from train.plot_style import (
    BLUE,
    CLASS_COLOURS,
    CLASS_LABELS,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    save_figure,
    tidy_axes,
)

FIGURES = "figures.png"
POINT_MARKS = (("s", GREEN), ("o", PURPLE), ("^", ORANGE))
HISTOGRAM_BINS = 25


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class PlottedSplit:
    """Outputs of a model on the films of one split, with the ground truth.

    Attributes:
        split: Name of the split, for the titles.
        fractured: Ground truth, (N,), with both classes.
        logits: (N,).
        probability: Calibrated, (N,).
        groups: Patient or block of each film, (N,).
    """

    split: str
    fractured: NDArray[np.bool_]
    logits: NDArray[np.float64]
    probability: NDArray[np.float64]
    groups: NDArray[np.str_]


def draw_plots(run: Path, evaluation: Evaluation, folder: Path, *, split: str = "test") -> None:
    """Draw figures.png from a run's logits.

    Args:
        run: Folder with logits.csv.
        evaluation: Evaluation of that run.
        folder: Folder to write figures.png to.
        split: Name of the split to draw.

    Raises:
        RecipeError: The disk is full or the folder may not be written.
    """
    rows = _rows(run / LOGITS, split)
    logits = np.array([float(row["logit"]) for row in rows])
    films = PlottedSplit(
        split=split,
        fractured=np.array([row["fractured"] == "1" for row in rows]),
        logits=logits,
        probability=calibrated_probabilities(logits, evaluation.calibration),
        groups=np.array([row["group"].zfill(9) for row in rows]),  # in the order of their numbers
    )
    save_figure(draw_figures(films, evaluation.splits[split].points), folder / FIGURES)


def _rows(path: Path, split: str) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["split"] == split]


def draw_figures(films: PlottedSplit, points: tuple[OperatingPoint, ...]) -> Figure:
    """Draw the four panels; operating points are measured on these films."""
    figure = Figure(figsize=(11, 9.6), layout="constrained")
    (reliability, roc), (precision_recall, histogram) = figure.subplots(2, 2)
    counted = f"{len(films.fractured)} films, {films.fractured.sum()} of them fractured"
    figure.suptitle(f"{films.split.capitalize()}: {counted}; 95 % intervals", color=GREY)
    _draw_reliability(reliability, films)
    _draw_roc(roc, films, points)
    _draw_precision_recall(precision_recall, films, points)
    _draw_histogram(histogram, films, points)
    for axes in (reliability, roc, precision_recall, histogram):
        axes.set_aspect(
            "auto"
        )  # scikit-learn makes its panels square, so they would differ in size
        tidy_axes(axes)
    return figure


def _draw_reliability(axes: Axes, films: PlottedSplit) -> None:
    """Draw the share of fractures in each bin of probability, with its interval."""
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="perfect")
    share, mean = calibration_curve(
        films.fractured, expit(films.logits), n_bins=metrics.CALIBRATION_BINS
    )
    axes.plot(mean, share, color=ORANGE, marker="s", markersize=4, label="before calibration")
    bins = np.minimum(
        (films.probability * metrics.CALIBRATION_BINS).astype(int), metrics.CALIBRATION_BINS - 1
    )
    own = [bins == number for number in np.unique(bins)]
    shares = [_share(films, members) for members in own]
    means = [films.probability[members].mean() for members in own]
    values = np.array([estimate.value for estimate in shares])
    below = values - [estimate.low for estimate in shares]
    above = [estimate.high for estimate in shares] - values
    axes.errorbar(
        means, values, yerr=[below, above], color=BLUE, marker="o", capsize=3, elinewidth=1,
        label="after calibration",
    )  # fmt: skip
    axes.set(
        xlabel="probability of fracture", ylabel="share of fractured films",
        title="Reliability", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02),
    )  # fmt: skip
    axes.legend(loc="upper left")


def _share(films: PlottedSplit, members: NDArray[np.bool_]) -> Estimate:
    share = metrics.estimate_proportion(films.fractured[members], films.groups[members])
    assert share is not None  # a bin has at least one film
    return share


def _draw_roc(axes: Axes, films: PlottedSplit, points: tuple[OperatingPoint, ...]) -> None:
    area = metrics.estimate_with_interval(
        metrics.auroc, films.fractured, films.logits, films.groups
    )
    RocCurveDisplay.from_predictions(films.fractured, films.logits, ax=axes)
    _name_curve(axes, f"AUROC {_with_interval(area)}")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="chance")
    for point, (marker, colour) in zip(points, POINT_MARKS, strict=False):
        called = films.probability >= point.threshold
        specificity = float((~called[~films.fractured]).mean())
        sensitivity = float(called[films.fractured].mean())
        axes.plot(
            1 - specificity, sensitivity, marker, color=colour, markersize=9, zorder=5,
            markeredgecolor="black", linestyle="",
            label=f"{point.name}: sensitivity {sensitivity:.2f}, specificity {specificity:.2f}",
        )  # fmt: skip
    axes.set(
        xlabel="1 - specificity", ylabel="sensitivity", title="ROC with operating points",
        xlim=(-0.02, 1.02), ylim=(-0.02, 1.02),
    )  # fmt: skip
    axes.legend(loc="lower right", fontsize=9)


def _draw_precision_recall(
    axes: Axes, films: PlottedSplit, points: tuple[OperatingPoint, ...]
) -> None:
    area = metrics.estimate_with_interval(
        average_precision, films.fractured, films.logits, films.groups
    )
    PrecisionRecallDisplay.from_predictions(films.fractured, films.logits, ax=axes)
    _name_curve(axes, f"average precision {_with_interval(area)}")
    prevalence = float(films.fractured.mean())
    axes.axhline(
        prevalence, color=GREY, linewidth=1, linestyle="--", label=f"chance, {prevalence:.2f}"
    )
    for point, (marker, colour) in zip(points, POINT_MARKS, strict=False):
        called = films.probability >= point.threshold
        if called.any():
            precision = float(films.fractured[called].mean())
            axes.plot(
                called[films.fractured].mean(), precision, marker, color=colour, markersize=9,
                markeredgecolor="black", zorder=5, label=f"{point.name}: precision {precision:.2f}",
            )  # fmt: skip
    axes.set(
        xlabel="recall (sensitivity)", ylabel="precision (share of calls that are fractures)",
        title="Precision-recall", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02),
    )  # fmt: skip
    axes.legend(loc="lower left", fontsize=9)


def average_precision(fractured: NDArray[np.bool_], values: NDArray[np.float64]) -> float:
    """Measure the area under the precision-recall curve as a sum of steps; values may be logits."""
    return float(average_precision_score(fractured, values))


def _name_curve(axes: Axes, label: str) -> None:
    """Replace the label of the last curve by one with an interval."""
    axes.lines[-1].set(label=label, color=BLUE)


def _with_interval(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _draw_histogram(axes: Axes, films: PlottedSplit, points: tuple[OperatingPoint, ...]) -> None:
    """Draw each class as shares of its own films, so that a rare class is visible."""
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    for label, (name, colour) in enumerate(zip(CLASS_LABELS, CLASS_COLOURS, strict=True)):
        own = films.probability[films.fractured == bool(label)]
        axes.hist(
            own, bins=list(edges), weights=np.full(len(own), 1 / len(own)), color=colour,
            alpha=0.45, edgecolor=colour, histtype="stepfilled", label=f"labelled {name}",
        )  # fmt: skip
    _draw_bands(axes, points)
    axes.set(
        xlabel="calibrated probability of fracture", ylabel="share of the films of a class",
        title="Probabilities by class, with thresholds and review bands", xlim=(-0.02, 1.02),
    )  # fmt: skip
    axes.legend(loc="center", fontsize=9)


def _draw_bands(axes: Axes, points: tuple[OperatingPoint, ...]) -> None:
    """Draw the review band of each point above the histogram, and its threshold as a line."""
    top = axes.get_ylim()[1]
    lane = 0.09 * top
    for number, (point, (marker, colour)) in enumerate(zip(points, POINT_MARKS, strict=False)):
        height = top + (number + 0.5) * lane
        low, high = point.review_band
        axes.plot([low, high], [height] * 2, color=colour, linewidth=6, solid_capstyle="butt")
        axes.plot([point.threshold] * 2, [0, height], color=colour, linestyle="--", linewidth=1)
        axes.plot(
            point.threshold, height, marker, color=colour, markeredgecolor="black", markersize=7,
            linestyle="",
            label=f"{point.name}: threshold {point.threshold:.2f}, review {low:.2f} to {high:.2f}",
        )  # fmt: skip
    axes.set_ylim(0, top + len(points) * lane + 0.5 * lane)
