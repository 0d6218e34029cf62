"""Choose the operating points of an evaluated model again, without running its network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bonefx.errors import RecipeError
from bonefx.models.evaluation import read_evaluation
from bonefx.records import Calibration, OperatingPoint
from bonefx.records.evaluation import EVALUATION, Evaluation
from bonefx.records.split_figures import SplitFigures
from train.evaluate.logits import LOGITS, WrittenSplit, read_logits
from train.evaluate.operating_points import calibrated_probabilities, choose_points
from train.evaluate.scope.pipeline import write_evaluation
from train.evaluate.split_figures import point_on

ROUNDING = 1e-4  # logits.csv has six decimals


def evaluate_points(folder: Path) -> Evaluation:
    """Choose thresholds and review bands again on validation films, and measure them.

    The logits are those of the evaluation, rounded to six decimals, so thresholds may move by less
    than that. Figures that depend on the bands and need the network are removed: the verdicts about
    turned films, which `scope` measures, and the films of other sets, which `outside` measures.

    Args:
        folder: Of an evaluated run or a model.

    Raises:
        RecipeError: The logits are missing, damaged or of another evaluation, or the rule for the
            thresholds has changed since.
    """
    evaluation = read_evaluation(folder / EVALUATION)
    written = read_logits(folder / LOGITS)
    films = {name: _films(written, name, own.n) for name, own in evaluation.splits.items()}
    val = films["val"]
    chosen = choose_points(
        calibrated_probabilities(val.logits, evaluation.calibration), val.fractured,
        held_out=not evaluation.splits["val"].in_training,
    )  # fmt: skip
    splits = {
        name: _with_points(own, films[name], chosen, evaluation.calibration)
        for name, own in evaluation.splits.items()
    }
    scope = evaluation.scope and replace(evaluation.scope, orientation=None)
    evaluation = replace(evaluation, splits=splits, scope=scope, sets=())
    write_evaluation(evaluation, folder)
    return evaluation


def _films(written: dict[str, WrittenSplit], name: str, n: int) -> WrittenSplit:
    if name not in written or len(written[name].logits) != n:
        raise RecipeError(
            f"{LOGITS} does not hold the {n} films of {name}; evaluate the model again"
        )
    return written[name]


def _with_points(
    figures: SplitFigures,
    films: WrittenSplit,
    chosen: Sequence[OperatingPoint],
    calibration: Calibration,
) -> SplitFigures:
    """Measure the points on the films of a split."""
    probability = calibrated_probabilities(films.logits, calibration)
    former = {point.name: point for point in figures.points}
    points = []
    for point in chosen:
        measured = point_on(probability, films.fractured, point, groups=films.groups)
        _check_unchanged(former[point.name], measured)
        points.append(measured)
    return replace(figures, points=tuple(points))


def _check_unchanged(former: OperatingPoint, now: OperatingPoint) -> None:
    """Check that the logits are those of the evaluation: the figures of the thresholds agree.

    Raises:
        RecipeError: They differ.
    """
    for name in ("sensitivity", "specificity"):
        before, after = getattr(former, name), getattr(now, name)
        if (before is None) != (after is None) or (
            before is not None and not math.isclose(before.value, after.value, abs_tol=ROUNDING)
        ):
            raise RecipeError(
                f"{LOGITS} gives another {name} at {former.name} than {EVALUATION}; "
                "evaluate the model again"
            )
