"""Compare two evaluated models on the films that both read."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from bonefx.errors import RecipeError
from bonefx.models.evaluation import read_evaluation
from bonefx.models.manifest import read_manifest
from bonefx.models.measured_comparison import MapOverlap, MeasuredComparison, comparison_path
from bonefx.records.evaluation import EVALUATION, OUTSIDE, Evaluation
from bonefx.schema import dump_record
from train.evaluate.evaluated_model import is_model
from train.evaluate.logits import LOGITS
from train.evaluate.operating_points import BALANCED
from train.files import write_atomically
from train.metrics import auroc, estimate_paired_difference, estimate_with_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class LogitRow:
    """One model's output on one film, from logits.csv.

    Attributes:
        fractured: Ground truth.
        data_set: Name of the data set of the film.
        group: Split and number of the patient or source.
        in_training: The file is byte-identical to a training film of the model.
        logit: Raw output.
        right: The model calls the film as labelled, at its balanced point.
    """

    fractured: bool
    data_set: str
    group: str
    in_training: bool
    logit: float
    right: bool


def compare_evaluated_models(
    first: Path, second: Path, *, maps: MapOverlap | None = None
) -> MeasuredComparison:
    """Compare two evaluated runs or models on the films that neither was trained on.

    Args:
        first: Folder of the first run or model.
        second: Folder of the second.
        maps: Overlap of their heat maps; None if it was not measured.

    Raises:
        RecipeError: One was not evaluated on test, or they share no films of both classes.
    """
    evaluations = [read_evaluation(folder / EVALUATION) for folder in (first, second)]
    rows, others = _read_rows(first, evaluations[0]), _read_rows(second, evaluations[1])
    shared = sorted(rows.keys() & others.keys())
    clean = [key for key in shared if not (rows[key].in_training or others[key].in_training)]
    fractured = np.array([rows[key].fractured for key in clean])
    if not clean or fractured.all() or not fractured.any():
        raise RecipeError(
            f"{first.name} and {second.name} share {len(clean)} unseen films, which do not "
            "have both classes; evaluate one with --outside on the other's data set"
        )
    groups = np.array([rows[key].group for key in clean])
    logits = [np.array([own[key].logit for key in clean]) for own in (rows, others)]
    rights = [np.array([own[key].right for key in clean]) for own in (rows, others)]
    only_first, only_second = (int((a & ~b).sum()) for a, b in (rights, rights[::-1]))
    return MeasuredComparison(
        models=(evaluations[0].model, evaluations[1].model),
        weights_sha256=(evaluations[0].weights_sha256, evaluations[1].weights_sha256),
        films=dict(Counter(rows[key].data_set for key in clean).most_common()),
        n=len(clean),
        fractured=int(fractured.sum()),
        groups=len(np.unique(groups)),
        left_out=len(shared) - len(clean),
        aurocs=(
            estimate_with_interval(auroc, fractured, logits[0], groups),
            estimate_with_interval(auroc, fractured, logits[1], groups),
        ),
        difference=estimate_paired_difference(auroc, fractured, (logits[0], logits[1]), groups),
        only_first=only_first,
        only_second=only_second,
        mcnemar_p=mcnemar(only_first, only_second),
        maps=maps,
    )


def compare_and_write(
    first: Path, second: Path, *, weights: Path, maps: MapOverlap | None = None
) -> MeasuredComparison:
    """Compare two model folders, and write the result to the folder that the app reads.

    Args:
        first: A model folder as `export` writes it.
        second: Another.
        weights: Folder of all models; the file goes into its `comparisons`.
        maps: See compare_evaluated_models.

    Raises:
        RecipeError: See compare_evaluated_models; or one is not a model folder, or its present
            weights were not evaluated.
    """
    for folder in (first, second):
        _check_is_evaluated_model(folder)
    comparison = compare_evaluated_models(first, second, maps=maps)
    if comparison.models[0] == comparison.models[1]:
        raise RecipeError(
            f"both models have the id {comparison.models[0]}; compare two different models"
        )
    text = json.dumps(dump_record(comparison), indent=2) + "\n"
    write_atomically(
        comparison_path(weights, *comparison.models),
        lambda part: part.write_text(text, encoding="utf-8", newline="\n"),
        option="--weights",
    )
    return comparison


def _check_is_evaluated_model(folder: Path) -> None:
    if not is_model(folder):
        raise RecipeError(f"{folder.name} is not a model folder; export it before you use --write")
    if read_evaluation(folder / EVALUATION).weights_sha256 != read_manifest(folder).sha256:
        raise RecipeError(f"{folder.name} was evaluated with other weights; evaluate it again")


def mcnemar(only_first: int, only_second: int) -> float:
    """Compute the exact two-sided McNemar test of two models.

    Args:
        only_first: Films that only the first model calls correctly.
        only_second: Films that only the second model calls correctly.

    Returns:
        p value, in (0, 1]; 1 if they differ on no film.

    Source:
        McNemar (1947), Psychometrika 12; exact form by the binomial test.
    """
    if not only_first + only_second:
        return 1.0
    return float(binomtest(only_first, only_first + only_second, 0.5).pvalue)


def _read_rows(folder: Path, evaluation: Evaluation) -> dict[str, LogitRow]:
    try:
        with (folder / LOGITS).open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["split"] != "val"]
    except OSError as error:
        raise RecipeError(f"{folder.name} has no {LOGITS}; evaluate it") from error
    return {row["sha256"]: _parse_row(row, evaluation) for row in rows}


def _parse_row(row: dict[str, str], evaluation: Evaluation) -> LogitRow:
    fractured = row["fractured"] == "1"
    threshold = evaluation.splits["val"].point(BALANCED).threshold
    outside = row["split"] == OUTSIDE
    return LogitRow(
        fractured=fractured,
        data_set=(evaluation.outside or OUTSIDE) if outside else evaluation.data.name,
        group=f"{row['split']} {row['group'].zfill(9)}",
        in_training=row["in_training"] == "1",
        logit=float(row["logit"]),
        right=(float(row["probability"]) >= threshold) == fractured,
    )
