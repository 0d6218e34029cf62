"""Read evaluation.json of a model folder, and summarise it for screens and reports."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from bonefx.errors import BonefxError, RecipeError, WeightsError
from bonefx.models.registry import LoadedModel
from bonefx.records.evaluation import EVALUATION, Evaluation
from bonefx.records.set_figures import SetSummary
from bonefx.schema import parse_record

EVALUATE_REMEDY = "run `python -m train evaluate RUN --data DIR --test`"
EVALUATION_REMEDY = "fetch the model again, or evaluate and export it again"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSummary:
    """The facts of a model's evaluation that accompany each of its readings.

    Attributes:
        caution: Why the model should not be used for reading; empty without a known reason.
        tested_on: Name of the data set on which its operating points were measured: one that the
            model was not trained on, if there is one. Empty if unknown.
        taught_by: Id of the model that it learned from; None if unknown or none.
        other_sets: See Evaluation.other_sets.
    """

    caution: str = ""
    tested_on: str = ""
    taught_by: str | None = None
    other_sets: tuple[SetSummary, ...] = ()


def read_evaluation(
    path: Path,
    *,
    source: str = EVALUATION,
    error: type[BonefxError] = RecipeError,
    remedy: str = EVALUATE_REMEDY,
    allow_unknown_keys: bool = False,
) -> Evaluation:
    """Read an evaluation that has figures of the test split.

    Args:
        path: The file.
        source: Name of the file, for error messages.
        error: Class of the error that is raised.
        remedy: What the user can do, as the end of a sentence.
        allow_unknown_keys: Ignore keys at the top of the file that this version does not know.

    Raises:
        BonefxError: Of the given class; the file is missing, is not JSON, does not fit the
            record, or has no test figures.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as invalid:
        raise error(f"{source} is missing or not JSON; {remedy}") from invalid
    if allow_unknown_keys:
        table = _known_entries(table)
    evaluation = parse_record(Evaluation, table, source=source, error=error, remedy=remedy)
    if "test" not in evaluation.splits:
        raise error(f"{source} has no test figures; {remedy}")
    return evaluation


def _known_entries(table: Any) -> Any:
    """Drop the keys that Evaluation does not have; anything but a table is returned unchanged."""
    if not isinstance(table, dict):
        return table
    known = {field.name for field in fields(Evaluation)}
    return {key: value for key, value in table.items() if key in known}


def read_model_evaluation(model: LoadedModel) -> Evaluation | None:
    """Read the evaluation of a loaded model; None if its folder has none.

    Raises:
        WeightsError: The file is damaged, or belongs to weights other than the loaded ones.
    """
    path = model.folder / EVALUATION
    if not path.is_file():
        return None
    source = f"{EVALUATION} of {model.name}"
    evaluation = read_evaluation(
        path, source=source, error=WeightsError, remedy=EVALUATION_REMEDY, allow_unknown_keys=True
    )
    if evaluation.weights_sha256 != model.manifest.sha256:
        raise WeightsError(f"{source} was measured with other weights; {EVALUATION_REMEDY}")
    return evaluation


def summarise_evaluation(model: LoadedModel) -> EvaluationSummary:
    """Summarise a model's evaluation; one that cannot be read gives a caution, not an error."""
    try:
        evaluation = read_model_evaluation(model)
    except WeightsError as error:
        return EvaluationSummary(caution=f"The performance of {model.name} is not known: {error}.")
    if evaluation is None:
        return EvaluationSummary()
    test, caution = evaluation.test, ""
    if evaluation.trained_on_test:
        caution = (
            f"Not for reading films: {model.name} was trained on {test.in_training} of its own "
            f"{test.n} test films. It is included for comparison with other models only."
        )
    return EvaluationSummary(
        caution=caution, tested_on=evaluation.unseen_set, taught_by=evaluation.taught_by,
        other_sets=evaluation.other_sets,
    )  # fmt: skip
