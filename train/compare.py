"""Two evaluated models on the films that both read: is one better?"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from bonefx.errors import RecipeError
from bonefx.records import Estimate
from train.choose import BALANCED
from train.figures import EVALUATION, read_evaluation
from train.logits import LOGITS
from train.metrics import auroc, paired_difference, with_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two models on the same films, each at its own balanced threshold.

    Attributes:
        models: Their ids, first and second.
        n: Films that both read in test or outside, by checksum of the file.
        left_out: Such films that one of the two was trained on.
        aurocs: Of each model on these films.
        difference: First minus second AUROC, with the interval of a paired bootstrap over groups.
        only_first: Films that only the first calls right.
        only_second: Films that only the second calls right.
        mcnemar_p: Exact two-sided McNemar test of these two counts.
    """

    models: tuple[str, str]
    n: int
    fractured: int
    groups: int
    left_out: int
    aurocs: tuple[Estimate, Estimate]
    difference: Estimate
    only_first: int
    only_second: int
    mcnemar_p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one model said about one film, from logits.csv."""

    fractured: bool
    group: str
    in_training: bool
    logit: float
    right: bool


def compare(first: Path, second: Path) -> Comparison:
    """Compare two evaluated folders, of runs or models.

    Raises:
        RecipeError: One was not evaluated on test, or they share no film.
    """
    mine, other = _lines(first), _lines(second)
    shared = sorted(mine.keys() & other.keys())
    clean = [key for key in shared if not (mine[key].in_training or other[key].in_training)]
    fractured = np.array([mine[key].fractured for key in clean])
    if not clean or fractured.all() or not fractured.any():
        raise RecipeError(
            f"{first.name} and {second.name} share {len(clean)} unseen films of fewer than two "
            "classes; evaluate one with --outside on the other's data set"
        )
    groups = np.array([mine[key].group for key in clean])
    logits = [np.array([lines[key].logit for key in clean]) for lines in (mine, other)]
    rights = [np.array([lines[key].right for key in clean]) for lines in (mine, other)]
    only_first, only_second = (int((a & ~b).sum()) for a, b in (rights, rights[::-1]))
    return Comparison(
        models=(_model(first), _model(second)),
        n=len(clean),
        fractured=int(fractured.sum()),
        groups=len(np.unique(groups)),
        left_out=len(shared) - len(clean),
        aurocs=(
            with_interval(auroc, fractured, logits[0], groups),
            with_interval(auroc, fractured, logits[1], groups),
        ),
        difference=paired_difference(auroc, fractured, (logits[0], logits[1]), groups),
        only_first=only_first,
        only_second=only_second,
        mcnemar_p=mcnemar(only_first, only_second),
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """Test whether two readers differ, by the films that only one of them calls right.

    Returns:
        Exact two-sided p; 1 where they differ on no film.

    Source:
        McNemar (1947), Psychometrika 12; exact form by the binomial test.
    """
    if not only_first + only_second:
        return 1.0
    return float(binomtest(only_first, only_first + only_second, 0.5).pvalue)


def _model(folder: Path) -> str:
    return read_evaluation(folder / EVALUATION).model


def _lines(folder: Path) -> dict[str, Line]:
    evaluation = read_evaluation(folder / EVALUATION)
    threshold = evaluation.splits["val"].point(BALANCED).threshold
    try:
        with (folder / LOGITS).open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["split"] != "val"]
    except OSError as error:
        raise RecipeError(f"{folder.name} has no {LOGITS}; evaluate it") from error
    return {row["sha256"]: _line(row, threshold) for row in rows}


def _line(row: dict[str, str], threshold: float) -> Line:
    fractured = row["fractured"] == "1"
    called = float(row["probability"]) >= threshold
    return Line(
        fractured=fractured,
        group=f"{row['split']} {row['group'].zfill(9)}",
        in_training=row["in_training"] == "1",
        logit=float(row["logit"]),
        right=called == fractured,
    )
