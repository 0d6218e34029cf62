"""A run or a model folder -> evaluation.json: chosen on val, measured once on test and outside.

The weights are evaluated as they are shipped, kernels and matrices rounded to float16.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from bonefx.errors import RecipeError
from bonefx.models.manifest import TrainingData
from bonefx.records import Calibration
from train.data import DataSet, load_data
from train.data.cache import compute_file_checksums, load_cached
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
from train.evaluate.records import (
    AS_PUBLISHED,
    EVALUATION,
    GROUPED,
    OUTSIDE,
    Evaluation,
    Protocol,
    SplitFigures,
    read_evaluation,
)
from train.evaluate.scope.pipeline import ScopeFilms, with_scope, write_evaluation
from train.evaluate.shipped import load_for_evaluation, measure_compression
from train.evaluate.split_figures import ReadSplit, protocol_figures, split_figures
from train.evaluate.trust_limits import trust_limits
from train.fit.outputs import compute_network_outputs
from train.fit.run_folder import count_split

MISSES = "misses.png"


def evaluate(folder: Path, options: EvaluateOptions) -> Evaluation:
    """Evaluate, and write evaluation.json and logits.csv into the folder.

    Args:
        folder: Of a fitted run, or a model folder.
        options: What is measured.

    Raises:
        RecipeError: There are no weights yet, or the data do not fit.
    """
    subject = load_for_evaluation(folder, options)
    data_set = _own_set(subject, options)
    names = ("val", "test") if options.with_test else ("val",)
    reads = {name: _read_split(subject, data_set, name, options) for name in names}
    outside = _outside_set(options)
    if outside is not None:
        reads[OUTSIDE] = _read_outside(subject, outside, options)
    sets = Sets(own=data_set, outside=outside, trained_on=_trained_on(data_set))
    evaluation = _measured(subject, sets, reads, grouped=options.grouped)
    if options.with_test:
        films = _gate_films(subject, data_set, reads, options)
        evaluation = with_scope(evaluation, films, folder)
    write_evaluation(evaluation, folder)
    write_logits(folder / LOGITS, reads, evaluation.calibration, sets.trained_on)
    if "test" in reads and not is_model(folder):
        _draw_misses(reads["test"], evaluation, folder / MISSES)
    return evaluation


def evaluate_scope(folder: Path, options: EvaluateOptions) -> Evaluation:
    """Fit and measure the scope of what was evaluated before; its other figures stay.

    Raises:
        RecipeError: It was not evaluated on test, or the data do not fit.
    """
    subject = load_for_evaluation(folder, options)
    evaluation = read_evaluation(folder / EVALUATION)
    if evaluation.weights_sha256 != subject.weights_sha256:
        raise RecipeError(f"{folder.name} was trained on after its evaluation; evaluate it again")
    options = replace(options, with_test=True, size_px=evaluation.size_px)
    data_set, outside = _own_set(subject, options), _outside_set(options)
    reads = {name: _read_split(subject, data_set, name, options) for name in ("val", "test")}
    if outside is not None:
        reads[OUTSIDE] = _read_outside(subject, outside, options)
    evaluation = with_scope(evaluation, _gate_films(subject, data_set, reads, options), folder)
    write_evaluation(evaluation, folder)
    return evaluation


def _gate_films(
    subject: EvaluatedModel,
    data_set: DataSet,
    reads: dict[str, ReadSplit],
    options: EvaluateOptions,
) -> ScopeFilms:
    recipe, size_px = subject.facts.recipe, reads["val"].films.size_px
    films = load_cached(
        data_set.split("train"), size_px=size_px, folder=options.cache, salvage=recipe.salvage
    )
    return ScopeFilms(
        network=subject.network, spec=recipe.spec(size_px), train=films.distinct(),
        reads=reads, salvage=recipe.salvage,
    )  # fmt: skip


def _draw_misses(read: ReadSplit, evaluation: Evaluation, path: Path) -> None:
    """Draw the worst misses at the balanced point, for the folder of the run alone."""
    from train.evaluate.worst_misses import draw_misses

    probability = calibrated_probabilities(read.logits, evaluation.calibration)
    threshold = evaluation.splits["test"].point(BALANCED).threshold
    draw_misses(read.films, probability, probability >= threshold, path)


def _read_split(
    subject: EvaluatedModel, data_set: DataSet, name: str, options: EvaluateOptions
) -> ReadSplit:
    size_px = options.size_px or subject.size_px
    recipe = subject.facts.recipe
    films = load_cached(
        data_set.split(name), size_px=size_px, folder=options.cache, salvage=recipe.salvage
    )
    return ReadSplit(
        films=films, outputs=compute_network_outputs(subject.network, films, recipe.spec(size_px))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sets:
    """The data sets of an evaluation, and the checksums of the films that were trained on."""

    own: DataSet
    outside: DataSet | None
    trained_on: set[str]


def _trained_on(data_set: DataSet) -> set[str]:
    return set(compute_file_checksums(data_set.split("train")))


def _own_set(subject: EvaluatedModel, options: EvaluateOptions) -> DataSet:
    found = load_data(subject.facts.recipe.data, options.data, options.splits)
    about = options.about
    if about is None:
        return found
    return replace(found, name=about.name, licence=about.licence, source=about.source)


def _outside_set(options: EvaluateOptions) -> DataSet | None:
    if options.outside is None:
        return None
    if not options.with_test:
        raise RecipeError("an outside set is measured with test, once; add --test")
    found = load_data(options.outside_layout, options.outside, options.outside_splits)
    return replace(found, name=options.outside_name or found.name)


def _read_outside(subject: EvaluatedModel, outside: DataSet, options: EvaluateOptions) -> ReadSplit:
    """Read all distinct films of another set but those that lie in both sets."""
    size_px = options.size_px or subject.size_px
    kept = [film for film in outside.films if not film.in_other_set]
    films = load_cached(kept, size_px=size_px, folder=options.cache).distinct()
    spec = subject.facts.recipe.spec(size_px)
    return ReadSplit(films=films, outputs=compute_network_outputs(subject.network, films, spec))


def _measured(
    subject: EvaluatedModel, sets: Sets, reads: dict[str, ReadSplit], *, grouped: Path | None
) -> Evaluation:
    """Choose on val, then measure on each split."""
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
        grid=subject.network.grid(),
        trained_on=sets.trained_on,
    )
    splits = {name: measure(read) for name, read in reads.items()}
    recipe = subject.facts.recipe
    floor = choose_heat_floor(
        val.outputs.peaks, probability, val.films.fractured, balanced.threshold
    )
    shown = (probability >= balanced.threshold) & (val.outputs.peaks >= floor)
    return Evaluation(
        model=recipe.id,
        recipe_sha256=subject.facts.recipe_sha256,
        weights_sha256=subject.weights_sha256,
        size_px=val.films.size_px,
        trained_size_px=recipe.size_px,
        supervised=recipe.evidence.uses_boxes,
        taught_by=None if recipe.distillation is None else recipe.distillation.teacher,
        teacher_sha256=subject.teacher_sha256,
        data=_data(subject, sets.own, reads),
        outside=None if sets.outside is None else sets.outside.name,
        calibration=calibration,
        heat_floor=floor,
        trust=trust_limits(
            subject.network, val, shown & val.films.fractured, recipe.spec(val.films.size_px)
        ),
        float16_drift=_drift(subject, val, calibration),
        head_ranks=subject.head_ranks,
        compression=(
            measure_compression(subject, reads["test"], calibration) if "test" in reads else None
        ),
        splits=splits,
        protocols=_protocols(subject, sets, splits, grouped),
        training=subject.training,
    )


def _drift(subject: EvaluatedModel, val: ReadSplit, calibration: Calibration) -> float:
    """Measure by how much storing float16 moves a probability, where both are at hand."""
    if subject.exact is None:
        assert subject.float16_drift is not None  # a model folder states it
        return subject.float16_drift
    spec = subject.facts.recipe.spec(val.films.size_px)
    exact = compute_network_outputs(subject.exact, val.films, spec)
    return float(
        np.abs(
            calibrated_probabilities(val.logits, calibration)
            - calibrated_probabilities(exact.logits, calibration)
        ).max()
    )


def _data(subject: EvaluatedModel, own: DataSet, reads: dict[str, ReadSplit]) -> TrainingData:
    measured = {
        name: count_split(read.films.films) for name, read in reads.items() if name != OUTSIDE
    }
    before = subject.facts.data
    return replace(
        before,
        name=own.name,
        licence=own.licence,
        source=own.source,
        label_meaning=own.label_meaning,
        left_out=own.left_out,
        counts=before.counts | measured,
    )


def _protocols(
    subject: EvaluatedModel, sets: Sets, splits: dict[str, SplitFigures], grouped: Path | None
) -> tuple[Protocol, ...]:
    """Set the figures of all protocols side by side that there are."""
    if "test" not in splits:
        return ()
    own = AS_PUBLISHED if sets.own.split_sha256 is None else GROUPED
    found = [protocol_figures(own, sets.own.name, splits["test"])]
    if grouped is not None:
        found.append(replace(_grouped_of(subject, grouped), data_set=sets.own.name))
    if sets.outside is not None:
        found.append(protocol_figures(OUTSIDE, sets.outside.name, splits[OUTSIDE]))
    return tuple(found)


def _grouped_of(subject: EvaluatedModel, run: Path) -> Protocol:
    """Take the grouped figures of another run of the same recipe, or of the model gone on from.

    Raises:
        RecipeError: It has none, or was trained by another recipe.
    """
    other, facts = read_evaluation(run / EVALUATION), subject.facts
    gone_on = other.weights_sha256 == facts.initial.sha256
    if other.recipe_sha256 != facts.recipe_sha256 and not gone_on:
        raise RecipeError(
            f"{run.name} was trained by another recipe; fit the same one with --splits CSV"
        )
    for found in other.protocols:
        if found.name == GROUPED:
            return found
    raise RecipeError(
        f"{run.name} was not fitted on a grouped split; fit it with the splits of an audit"
    )
