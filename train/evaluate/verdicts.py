"""Measure the verdicts of an evaluated model's operating points, without running its network."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from bonefx.errors import RecipeError
from bonefx.models.evaluation import read_evaluation
from bonefx.records import Calibration, OperatingPoint
from bonefx.records.evaluation import EVALUATION, Evaluation
from train.evaluate.logits import LOGITS, WrittenSplit, read_logits
from train.evaluate.operating_points import calibrated_probabilities
from train.evaluate.scope.pipeline import write_evaluation
from train.evaluate.split_figures import point_on

ROUNDING = 1e-9


def evaluate_verdicts(folder: Path) -> Evaluation:
    """Measure the shares of all verdicts on unseen films, from the logits of the evaluation.

    Thresholds, bands and all other figures are kept. Validation films are left out: the edges of
    the bands are probabilities of such films, which rounded logits may miss.

    Args:
        folder: Of an evaluated run or a model.

    Raises:
        RecipeError: The model was not evaluated on test, or its logits are missing, damaged or of
            another evaluation.
    """
    evaluation = read_evaluation(folder / EVALUATION)
    written = read_logits(folder / LOGITS)
    name = evaluation.unseen_split
    own = evaluation.splits[name]
    films = _films(written, name, own.n)
    points = tuple(_with_verdicts(point, films, evaluation.calibration) for point in own.points)
    splits = evaluation.splits | {name: replace(own, points=points)}
    evaluation = replace(evaluation, splits=splits)
    write_evaluation(evaluation, folder)
    return evaluation


def _films(written: dict[str, WrittenSplit], name: str, n: int) -> WrittenSplit:
    if name not in written or len(written[name].logits) != n:
        raise RecipeError(
            f"{LOGITS} does not hold the {n} films of {name}; evaluate the model again"
        )
    return written[name]


def _with_verdicts(
    point: OperatingPoint, films: WrittenSplit, calibration: Calibration
) -> OperatingPoint:
    probability = calibrated_probabilities(films.logits, calibration)
    measured = point_on(probability, films.fractured, point, groups=films.groups)
    for name in ("sensitivity", "specificity", "review_rate"):
        former, now = getattr(point, name), getattr(measured, name)
        if not math.isclose(former.value, now.value, abs_tol=ROUNDING):
            raise RecipeError(
                f"{LOGITS} gives a {name} of {now.value:.4f} at {point.name}, and {EVALUATION} "
                f"{former.value:.4f}; evaluate the model again"
            )
    return replace(point, verdicts=measured.verdicts)
