"""Evaluate a run or a model folder, and write evaluation.json and logits.csv.

Calibration, operating points and limits are chosen on validation films; test films and an outside
set are only measured. The weights are evaluated as they are exported: kernels and matrices in
float16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bonefx.errors import RecipeError
from bonefx.models.evaluation import read_evaluation
from bonefx.records.evaluation import EVALUATION, OUTSIDE, Evaluation
from train.data import DataSet, load_data
from train.data.cache import CachedFilms, compute_file_checksums, load_cached
from train.evaluate.compression import load_for_evaluation
from train.evaluate.evaluated_model import EvaluatedModel, is_model
from train.evaluate.evaluation_record import build_evaluation
from train.evaluate.logits import LOGITS, write_logits
from train.evaluate.maps.grading import grade_maps
from train.evaluate.operating_points import BALANCED, calibrated_probabilities
from train.evaluate.options import EvaluateOptions
from train.evaluate.protocols import EvaluatedSets
from train.evaluate.scope.intruders.sample_pictures import check_samples
from train.evaluate.scope.pipeline import (
    ScopeFilms,
    add_scope,
    fit_measured_scope,
    write_evaluation,
)
from train.evaluate.scope.turned import read_turned
from train.evaluate.split_figures import ReadSplit, read_films
from train.fit.run_folder import labelled

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
        scope = fit_measured_scope(films)
        given, reads = reads, _with_own_labels(model, reads)
        evaluation = build_evaluation(model, sets, reads, given=given, grouped=options.grouped)
        evaluation = add_scope(evaluation, scope, films, judged=reads, folder=folder)
    else:
        given, reads = reads, _with_own_labels(model, reads)
        evaluation = build_evaluation(model, sets, reads, given=given, grouped=options.grouped)
    write_evaluation(evaluation, folder)
    write_logits(folder / LOGITS, reads, evaluation.calibration, sets.trained_on)
    if "test" in reads and not is_model(folder):
        _draw_misses(reads["test"], evaluation, folder / MISSES)
    return evaluation


def evaluate_scope(folder: Path, options: EvaluateOptions) -> Evaluation:
    """Fit and measure the scope of an evaluated model again; its other figures are kept.

    Figures of other sets, which `outside` measured with the former scope, are removed.

    Raises:
        RecipeError: The model was not evaluated on test, the data do not fit, or the sample
            pictures for the scope are not installed.
    """
    check_samples()
    options = replace(options, with_test=True)
    outside = _outside_set(options)
    model = load_for_evaluation(folder, options)
    evaluation = _evaluation_of(folder, model)
    model = model.reading(evaluation.orientations)
    options = replace(options, size_px=evaluation.size_px)
    data_set = _own_set(model, options)
    reads = _read_splits(model, data_set, outside, names=("val", "test"), options=options)
    films = _scope_films(model, data_set, reads, options)
    scope = fit_measured_scope(films)
    judged = _with_own_labels(model, reads)
    evaluation = add_scope(evaluation, scope, films, judged=judged, folder=folder)
    evaluation = replace(evaluation, sets=())  # they were measured with the former scope
    write_evaluation(evaluation, folder)
    return evaluation


def evaluate_maps(folder: Path, options: EvaluateOptions) -> Evaluation:
    """Choose the trust limits of an evaluated model again, and measure its maps and findings.

    Only films of val and test are read. All other figures are kept, but for those of the maps of
    an outside set, which held for the former limits.

    Raises:
        RecipeError: The model was not evaluated on test, or the data do not fit.
    """
    model = load_for_evaluation(folder, options)
    evaluation = _evaluation_of(folder, model)
    model = model.reading(evaluation.orientations)
    options = replace(options, size_px=evaluation.size_px)
    data_set, spec = _own_set(model, options), model.facts.recipe.spec(evaluation.size_px)
    given = _read_splits(model, data_set, None, names=("val", "test"), options=options)
    evaluation = grade_maps(
        evaluation, model.network, spec,
        reads=_with_own_labels(model, given), boxed_val=given["val"],
    )  # fmt: skip
    write_evaluation(evaluation, folder)
    return evaluation


def _evaluation_of(folder: Path, model: EvaluatedModel) -> Evaluation:
    evaluation = read_evaluation(folder / EVALUATION)
    if evaluation.weights_sha256 != model.weights_sha256:
        raise RecipeError(f"{folder.name} was trained on after its evaluation; evaluate it again")
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
    recipe, val = model.facts.recipe, reads["val"]
    spec = recipe.spec(val.films.size_px)
    return ScopeFilms(
        network=model.network, spec=spec,
        train=_load_split(model, data_set, "train", options).distinct(), reads=reads,
        turned=read_turned(model.network, val, spec, salvage=recipe.salvage),
        salvage=recipe.salvage, intruders=options.intruders,
    )  # fmt: skip


def _with_own_labels(model: EvaluatedModel, reads: dict[str, ReadSplit]) -> dict[str, ReadSplit]:
    """Leave out films of sources whose labels are not trained on; the outside set stays whole.

    Where a source has one class, a network that recognises the source knows the label. Thresholds
    and figures of films of all sources together would be those of the mixture; `outside` measures
    such sources one by one.
    """
    recipe = model.facts.recipe
    return {
        name: read
        if name == OUTSIDE or not recipe.sources
        else read.select(np.flatnonzero(labelled(read.films, recipe)))
        for name, read in reads.items()
    }


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
    return read_films(model.network, films, model.facts.recipe.spec(films.size_px))


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
    return read_films(model.network, films, spec)
