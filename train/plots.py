"""figures.png of a model folder: reliability diagram and ROC curve of the test films."""

from __future__ import annotations

import csv
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.calibration import calibration_curve
from sklearn.metrics import PrecisionRecallDisplay, RocCurveDisplay

from train.choose import probabilities
from train.figures import Evaluation
from train.metrics import BINS

FIGURES = "figures.png"


def draw_plots(logits_file: Path, evaluation: Evaluation, folder: Path) -> None:
    """Draw figures.png from the logits of the films whose figures are shown.

    Args:
        logits_file: logits.csv of the evaluation.
        evaluation: With test figures.
        folder: Where figures.png is written.
    """
    mpl.use("Agg")
    fractured, logits = _logits_of(logits_file, evaluation.unseen)
    figure = Figure(figsize=(10, 9.2), layout="constrained")
    (reliability, roc), (precision, histogram) = figure.subplots(2, 2)
    _draw_reliability(reliability, fractured, logits, evaluation)
    _draw_roc(roc, fractured, logits, evaluation)
    _draw_precision(precision, fractured, logits)
    _draw_histogram(histogram, fractured, logits, evaluation)
    figure.savefig(folder / FIGURES, dpi=110)


def _logits_of(path: Path, split: str) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    return (
        np.array([row["fractured"] == "1" for row in rows]),
        np.array([float(row["logit"]) for row in rows]),
    )


def _draw_reliability(
    axes: Axes, fractured: NDArray[np.bool_], logits: NDArray[np.float64], evaluation: Evaluation
) -> None:
    curves = {
        "before": expit(logits),
        "after": probabilities(logits, evaluation.calibration),
    }
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, label="perfect")
    for name, probability in curves.items():
        share, mean = calibration_curve(fractured, probability, n_bins=BINS)
        axes.plot(mean, share, marker="o", label=f"{name} calibration")
    axes.set(
        xlabel="probability of fracture",
        ylabel="share of fractured films",
        title=f"Reliability, {len(logits)} {evaluation.unseen} films",
    )
    axes.legend()


def _draw_roc(
    axes: Axes, fractured: NDArray[np.bool_], logits: NDArray[np.float64], evaluation: Evaluation
) -> None:
    shown = evaluation.splits[evaluation.unseen]
    area = shown.auroc
    label = f"AUROC {area.value:.3f} ({area.low:.3f} to {area.high:.3f})"
    RocCurveDisplay.from_predictions(fractured, logits, ax=axes, name=label, plot_chance_level=True)
    for point in shown.points:
        if point.sensitivity and point.specificity:
            axes.plot(1 - point.specificity.value, point.sensitivity.value, "o", label=point.name)
    axes.set(xlabel="1 - specificity", ylabel="sensitivity", title="ROC with operating points")
    axes.legend(loc="lower right")


def _draw_precision(axes: Axes, fractured: NDArray[np.bool_], logits: NDArray[np.float64]) -> None:
    PrecisionRecallDisplay.from_predictions(
        fractured, logits, ax=axes, name="model", plot_chance_level=True
    )
    axes.set(xlabel="sensitivity (recall)", ylabel="precision", title="Precision and recall")
    axes.legend(loc="lower left")


def _draw_histogram(
    axes: Axes, fractured: NDArray[np.bool_], logits: NDArray[np.float64], evaluation: Evaluation
) -> None:
    probability = probabilities(logits, evaluation.calibration)
    axes.hist(
        [probability[~fractured], probability[fractured]],
        bins=20, range=(0, 1), log=True, label=["no fracture", "fracture"],
    )  # fmt: skip
    for point, style in zip(
        evaluation.splits["val"].points, ("dotted", "dashed", "dashdot"), strict=False
    ):
        axes.axvline(point.threshold, color="black", linestyle=style, label=point.name)
        axes.axvspan(*point.review_band, color="grey", alpha=0.15)
    axes.set(xlabel="probability of fracture", ylabel="films", title="Probabilities, bands shaded")
    axes.legend()
