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
from sklearn.metrics import RocCurveDisplay

from train.choose import probabilities
from train.evaluate import LOGITS, Evaluation
from train.metrics import BINS

FIGURES = "figures.png"


def draw_plots(run: Path, evaluation: Evaluation, folder: Path) -> None:
    """Draw figures.png from a run's logits.

    Args:
        run: Holds logits.csv.
        evaluation: Of that run.
        folder: Where figures.png is written.
    """
    mpl.use("Agg")
    fractured, logits = _test_logits(run / LOGITS)
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    reliability, roc = figure.subplots(1, 2)
    _draw_reliability(reliability, fractured, logits, evaluation)
    _draw_roc(roc, fractured, logits, evaluation)
    figure.savefig(folder / FIGURES, dpi=110)


def _test_logits(path: Path) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
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
        title=f"Reliability, {len(logits)} test films",
    )
    axes.legend()


def _draw_roc(
    axes: Axes, fractured: NDArray[np.bool_], logits: NDArray[np.float64], evaluation: Evaluation
) -> None:
    test = evaluation.splits["test"]
    area = test.auroc
    label = f"AUROC {area.value:.3f} ({area.low:.3f} to {area.high:.3f})"
    RocCurveDisplay.from_predictions(fractured, logits, ax=axes, name=label, plot_chance_level=True)
    for point in test.points:
        if point.sensitivity and point.specificity:
            axes.plot(1 - point.specificity.value, point.sensitivity.value, "o", label=point.name)
    axes.set(xlabel="1 - specificity", ylabel="sensitivity", title="ROC with operating points")
    axes.legend(loc="lower right")
