"""Figures of the evaluation protocols: published split, grouped split, another data set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bonefx.errors import RecipeError
from bonefx.models.evaluation import read_evaluation
from bonefx.records.evaluation import AS_PUBLISHED, EVALUATION, GROUPED, OUTSIDE, ProtocolFigures
from bonefx.records.split_figures import SplitFigures
from train.data import DataSet
from train.evaluate.evaluated_model import EvaluatedModel
from train.evaluate.operating_points import BALANCED


def protocol_figures(name: str, data_set: str, figures: SplitFigures) -> ProtocolFigures:
    """Return the figures of a split as those of an evaluation protocol."""
    point = figures.point(BALANCED)
    assert point.sensitivity is not None  # measured on films of both classes
    assert point.specificity is not None
    return ProtocolFigures(
        name=name,
        data_set=data_set,
        n=figures.n,
        fractured=figures.fractured,
        groups=figures.groups,
        in_training=figures.in_training,
        accuracy=figures.classification.accuracy,
        auroc=figures.auroc,
        sensitivity=point.sensitivity,
        specificity=point.specificity,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedSets:
    """The data sets of an evaluation.

    Attributes:
        own: The data set that the model was trained on.
        outside: Another data set; None if none is measured.
        trained_on: SHA-256 of the training films' files.
    """

    own: DataSet
    outside: DataSet | None
    trained_on: set[str]


def measure_protocols(
    model: EvaluatedModel,
    sets: EvaluatedSets,
    splits: dict[str, SplitFigures],
    grouped: Path | None,
) -> tuple[ProtocolFigures, ...]:
    """Return the test figures of every protocol that was measured, as published first."""
    if "test" not in splits:
        return ()
    own = AS_PUBLISHED if sets.own.split_sha256 is None else GROUPED
    found = [protocol_figures(own, sets.own.name, splits["test"])]
    if grouped is not None:
        found.append(replace(_grouped_of(model, grouped), data_set=sets.own.name))
    if sets.outside is not None:
        found.append(protocol_figures(OUTSIDE, sets.outside.name, splits[OUTSIDE]))
    return tuple(found)


def _grouped_of(model: EvaluatedModel, run: Path) -> ProtocolFigures:
    """Return the grouped figures of another run of the same recipe or of the initial model.

    Raises:
        RecipeError: The run has none, or was trained with another recipe.
    """
    other, facts = read_evaluation(run / EVALUATION), model.facts
    continued = other.weights_sha256 == facts.initial.sha256
    if other.recipe_sha256 != facts.recipe_sha256 and not continued:
        raise RecipeError(
            f"{run.name} was trained with another recipe; fit the same one with --splits CSV"
        )
    for found in other.protocols:
        if found.name == GROUPED:
            return found
    raise RecipeError(
        f"{run.name} was not fitted on a grouped split; fit it with the splits of an audit"
    )
