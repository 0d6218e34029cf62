"""Build the record of an evaluation: choose on validation films, then measure each split."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from bonefx.records import Calibration
from bonefx.records.evaluation import OUTSIDE, Evaluation
from bonefx.records.model import SplitCounts, TrainingData
from train.data import DataSet
from train.evaluate.compression import measure_compression
from train.evaluate.evaluated_model import EvaluatedModel
from train.evaluate.maps.grading import grade_maps
from train.evaluate.operating_points import (
    BALANCED,
    calibrated_probabilities,
    choose_heat_floor,
    choose_points,
    fit_calibration,
)
from train.evaluate.protocols import EvaluatedSets, measure_protocols
from train.evaluate.split_figures import ReadSplit, split_figures
from train.fit.outputs import compute_network_outputs
from train.fit.run_folder import count_split


def build_evaluation(
    model: EvaluatedModel,
    sets: EvaluatedSets,
    reads: dict[str, ReadSplit],
    *,
    given: dict[str, ReadSplit],
    grouped: Path | None,
) -> Evaluation:
    """Choose calibration, points and limits on val, then measure each split.

    Args:
        model: The evaluated model.
        sets: The data sets.
        reads: Films of each split, read as readings do.
        given: The same, and films without a label of their own, in the orientation of their files.
        grouped: See EvaluateOptions.
    """
    val = reads["val"]
    calibration = fit_calibration(val.logits, val.films.fractured, split="val")
    probability = calibrated_probabilities(val.logits, calibration)
    held_out = sets.trained_on.isdisjoint(val.films.sha256.tolist())
    points = choose_points(probability, val.films.fractured, held_out=held_out)
    balanced = next(point for point in points if point.name == BALANCED)
    measure = partial(
        split_figures,
        calibration=calibration,
        points=points,
        grid=model.network.grid(),
        trained_on=sets.trained_on,
    )
    splits = {name: measure(read) for name, read in reads.items()}
    recipe = model.facts.recipe
    floor = choose_heat_floor(
        val.outputs.peaks, probability, val.films.fractured, balanced.threshold
    )
    evaluation = Evaluation(
        model=recipe.id,
        recipe_sha256=model.facts.recipe_sha256,
        weights_sha256=model.weights_sha256,
        size_px=val.films.size_px,
        trained_size_px=recipe.size_px,
        orientations=model.orientations,
        supervised=recipe.evidence.uses_boxes,
        taught_by=None if recipe.distillation is None else recipe.distillation.teacher,
        teacher_sha256=model.teacher_sha256,
        data=_data(model, sets.own, given),
        outside=None if sets.outside is None else sets.outside.name,
        calibration=calibration,
        heat_floor=floor,
        float16_drift=_drift(model, given["val"], calibration),
        head_ranks=model.head_ranks,
        compression=(
            measure_compression(model, given["test"], calibration) if "test" in reads else None
        ),
        splits=splits,
        protocols=measure_protocols(model, sets, splits, grouped),
        training=model.training,
    )
    spec = recipe.spec(val.films.size_px)
    return grade_maps(evaluation, model.network, spec, reads=reads, boxed_val=given["val"])


def _drift(model: EvaluatedModel, val: ReadSplit, calibration: Calibration) -> float:
    """Return the largest change of a val probability by storing float16.

    Measured for a run; for a model folder, which has no exact weights, as its manifest states.
    """
    if model.exact is None:
        assert model.float16_drift is not None  # a model folder states it
        return model.float16_drift
    spec = model.facts.recipe.spec(val.films.size_px)
    exact = compute_network_outputs(model.exact, val.films, spec)
    return float(
        np.abs(
            calibrated_probabilities(val.logits, calibration)
            - calibrated_probabilities(exact.logits, calibration)
        ).max()
    )


def _data(model: EvaluatedModel, own: DataSet, reads: dict[str, ReadSplit]) -> TrainingData:
    measured = {
        name: count_split(read.films.films) for name, read in reads.items() if name != OUTSIDE
    }
    before = model.facts.data
    return replace(
        before,
        name=own.name,
        licence=own.licence,
        source=own.source,
        label_meaning=own.label_meaning,
        left_out=own.left_out,
        unsuitable_for=own.unsuitable_for,
        counts=before.counts | measured,
        sources={
            name: replace(source, counts=source.counts | _counts_of(name, reads))
            for name, source in before.sources.items()
        },
    )


def _counts_of(source: str, reads: dict[str, ReadSplit]) -> dict[str, SplitCounts]:
    """Count the films of one source in each split of the own data set."""
    own = {split: read.films.films for split, read in reads.items() if split != OUTSIDE}
    return {
        split: count_split([film for film in films if film.source == source])
        for split, films in own.items()
    }
