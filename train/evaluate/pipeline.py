"""Evaluate a run or a model folder, and write evaluation.json and logits.csv.

Calibration, operating points and limits are chosen on validation films; test films and an outside
set are only measured. The weights are evaluated as they are exported: kernels and matrices in
float16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from bonefx.errors import RecipeError
from bonefx.models.evaluation import read_evaluation
from bonefx.records import Calibration
from bonefx.records.evaluation import EVALUATION, OUTSIDE, Evaluation
from bonefx.records.model import SplitCounts, TrainingData
from train.data import DataSet, load_data
from train.data.cache import CachedFilms, compute_file_checksums, load_cached
from train.evaluate.compression import load_for_evaluation, measure_compression
from train.evaluate.evaluated_model import EvaluatedModel, is_model
from train.evaluate.logits import LOGITS, write_logits
from train.evaluate.operating_points import (
    BALANCED,
    calibrated_probabilities,
    choose_heat_floor,
    choose_points,
    fit_calibration,
)
from train.evaluate.options import EvaluateOptions
from train.evaluate.protocols import EvaluatedSets, measure_protocols
from train.evaluate.scope.intruders.sample_pictures import check_samples
from train.evaluate.scope.pipeline import (
    ScopeFilms,
    add_scope,
    fit_upright_scope,
    turn_upright,
    write_evaluation,
)
from train.evaluate.split_figures import ReadSplit, as_given, split_figures
from train.evaluate.trust_limits import trust_limits
from train.fit.outputs import compute_network_outputs
from train.fit.run_folder import count_split

MISSES = "misses.png"


def evaluate(folder: Path, options: EvaluateOptions) -> Evaluation:
    """Evaluate a model; write evaluation.json and logits.csv into its folder.

    Args:
        folder: Folder of a fitted run, or a model folder.
        options: What is measured, and on which films.

    Raises:
        RecipeError: There are no weights yet, the data do not fit, or the sample pictures for the
            scope are not installed; checked before anything is computed.
    """
    if options.with_test:
        check_samples()
    outside = _outside_set(options)
    model = load_for_evaluation(folder, options)
    data_set = _own_set(model, options)
    names = ("val", "test") if options.with_test else ("val",)
    reads = _read_splits(model, data_set, outside, names=names, options=options)
    sets = EvaluatedSets(own=data_set, outside=outside, trained_on=_trained_on(data_set))
    if options.with_test:
        films = _scope_films(model, data_set, reads, options)
        scope = fit_upright_scope(films)
        films = turn_upright(scope, films)
        reads = films.reads
        evaluation = _measured(model, sets, reads, grouped=options.grouped)
        evaluation = add_scope(evaluation, scope, films, folder)
    else:
        evaluation = _measured(model, sets, reads, grouped=options.grouped)
    write_evaluation(evaluation, folder)
    write_logits(folder / LOGITS, reads, evaluation.calibration, sets.trained_on)
    if "test" in reads and not is_model(folder):
        _draw_misses(reads["test"], evaluation, folder / MISSES)
    return evaluation


def evaluate_scope(folder: Path, options: EvaluateOptions) -> Evaluation:
    """Fit and measure the scope of an evaluated model again; its other figures are kept.

    Raises:
        RecipeError: The model was not evaluated on test, the data do not fit, or the sample
            pictures for the scope are not installed.
    """
    check_samples()
    options = replace(options, with_test=True)
    outside = _outside_set(options)
    model = load_for_evaluation(folder, options)
    evaluation = read_evaluation(folder / EVALUATION)
    if evaluation.weights_sha256 != model.weights_sha256:
        raise RecipeError(f"{folder.name} was trained on after its evaluation; evaluate it again")
    options = replace(options, size_px=evaluation.size_px)
    data_set = _own_set(model, options)
    reads = _read_splits(model, data_set, outside, names=("val", "test"), options=options)
    films = _scope_films(model, data_set, reads, options)
    scope = fit_upright_scope(films)
    evaluation = add_scope(evaluation, scope, turn_upright(scope, films), folder)
    write_evaluation(evaluation, folder)
    return evaluation


def _read_splits(
    model: EvaluatedModel,
    own: DataSet,
    outside: DataSet | None,
    *,
    names: Sequence[str],
    options: EvaluateOptions,
) -> dict[str, ReadSplit]:
    """Read the films of the named splits, and of the outside set if there is one."""
    reads = {name: _read_split(model, own, name, options) for name in names}
    if outside is not None:
        reads[OUTSIDE] = _read_outside(model, outside, options)
    return reads


def _scope_films(
    model: EvaluatedModel,
    data_set: DataSet,
    reads: dict[str, ReadSplit],
    options: EvaluateOptions,
) -> ScopeFilms:
    recipe = model.facts.recipe
    return ScopeFilms(
        network=model.network, spec=recipe.spec(reads["val"].films.size_px),
        train=_load_split(model, data_set, "train", options).distinct(),
        reads=reads, salvage=recipe.salvage, intruders=options.intruders,
    )  # fmt: skip


def _draw_misses(read: ReadSplit, evaluation: Evaluation, path: Path) -> None:
    """Draw the worst misses at the balanced point into the folder of the run, never exported."""
    from train.evaluate.plots.worst_misses import draw_misses

    probability = calibrated_probabilities(read.logits, evaluation.calibration)
    threshold = evaluation.splits["test"].point(BALANCED).threshold
    draw_misses(read.films, probability, probability >= threshold, path)


def _read_split(
    model: EvaluatedModel, data_set: DataSet, name: str, options: EvaluateOptions
) -> ReadSplit:
    films = _load_split(model, data_set, name, options)
    return as_given(model.network, films, model.facts.recipe.spec(films.size_px))


def _load_split(
    model: EvaluatedModel, data_set: DataSet, name: str, options: EvaluateOptions
) -> CachedFilms:
    recipe = model.facts.recipe
    return load_cached(
        data_set.split(name), size_px=options.size_px or model.size_px, folder=options.cache,
        salvage=recipe.salvage, grey_levels=recipe.grey_levels,
    )  # fmt: skip


def _trained_on(data_set: DataSet) -> set[str]:
    return set(compute_file_checksums(data_set.split("train")))


def _own_set(model: EvaluatedModel, options: EvaluateOptions) -> DataSet:
    recipe = model.facts.recipe
    found = load_data(recipe.data, options.data, options.splits, sources=recipe.sources)
    description = options.description
    if description is None:
        return found
    return replace(
        found, name=description.name, licence=description.licence, source=description.source
    )


def _outside_set(options: EvaluateOptions) -> DataSet | None:
    if options.outside is None:
        return None
    if not options.with_test:
        raise RecipeError("an outside set is measured with test, once; add --test")
    found = load_data(options.outside_layout, options.outside, options.outside_splits)
    return replace(found, name=options.outside_name or found.name)


def _read_outside(model: EvaluatedModel, outside: DataSet, options: EvaluateOptions) -> ReadSplit:
    """Read the distinct films of another set, without those that are also in the own set."""
    size_px = options.size_px or model.size_px
    kept = [film for film in outside.films if not film.in_other_set]
    films = load_cached(
        kept, size_px=size_px, folder=options.cache, grey_levels=model.facts.recipe.grey_levels
    ).distinct()
    spec = model.facts.recipe.spec(size_px)
    return as_given(model.network, films, spec)


def _measured(
    model: EvaluatedModel,
    sets: EvaluatedSets,
    reads: dict[str, ReadSplit],
    *,
    grouped: Path | None,
) -> Evaluation:
    """Choose calibration, points and limits on val, then measure each split."""
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
    shown = (probability >= balanced.threshold) & (val.outputs.peaks >= floor)
    return Evaluation(
        model=recipe.id,
        recipe_sha256=model.facts.recipe_sha256,
        weights_sha256=model.weights_sha256,
        size_px=val.films.size_px,
        trained_size_px=recipe.size_px,
        supervised=recipe.evidence.uses_boxes,
        taught_by=None if recipe.distillation is None else recipe.distillation.teacher,
        teacher_sha256=model.teacher_sha256,
        data=_data(model, sets.own, reads),
        outside=None if sets.outside is None else sets.outside.name,
        calibration=calibration,
        heat_floor=floor,
        trust=trust_limits(
            model.network, val, shown & val.films.fractured, recipe.spec(val.films.size_px)
        ),
        float16_drift=_drift(model, val, calibration),
        head_ranks=model.head_ranks,
        compression=(
            measure_compression(model, reads["test"], calibration) if "test" in reads else None
        ),
        splits=splits,
        protocols=measure_protocols(model, sets, splits, grouped),
        training=model.training,
    )


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
