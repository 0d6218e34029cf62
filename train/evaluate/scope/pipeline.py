"""Fit a scope, write scope.safetensors, and measure it: a step of `evaluate` and of `scope`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bonefx.models.networks import SplitNetwork
from bonefx.models.preprocess import PreprocessSpec
from bonefx.reading.orientation import UPRIGHT_TURNS
from bonefx.records.evaluation import EVALUATION, Evaluation
from bonefx.records.scope_figures import OrientationFigures, ScopeFigures
from bonefx.schema import dump_record
from bonefx.scope.statistics import SCOPE_FILE, Scope, scope_bytes
from train.data.cache import CachedFilms
from train.evaluate.operating_points import BALANCED, calibrated_probabilities
from train.evaluate.scope.fit import fit_scope, measures_by_rule
from train.evaluate.scope.intruders import (
    DEVELOPMENT,
    REPORTED,
    Intruder,
    draw_intruders,
    find_intruders,
    invert_films,
    spoil_films,
)
from train.evaluate.scope.measure import (
    MeasuredFilms,
    intruder_figures,
    inverted_figures,
    measure_intruders,
    points_by_region,
    refused_share,
    region_figures,
)
from train.evaluate.scope.orientation import (
    TurnedOutputs,
    fit_sideways,
    measure_orientation,
    turned_outputs,
)
from train.evaluate.split_figures import ReadSplit
from train.files import write_atomically
from train.fit.outputs import compute_film_signatures, compute_network_outputs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds a network
class ScopeFilms:
    """The network and the films for fitting and measuring a scope.

    Attributes:
        train: The distinct training films.
        reads: Films of val, test, and outside if it is measured, with the network outputs.
        salvage: See bonefx.films.formats.read.
    """

    network: SplitNetwork
    spec: PreprocessSpec
    train: CachedFilms
    reads: dict[str, ReadSplit]
    salvage: bool


def fit_upright_scope(films: ScopeFilms) -> Scope:
    """Fit a scope with its recognition of films on their side; val is read as it was given."""
    val = films.reads["val"]
    scope = fit_scope(
        compute_film_signatures(films.network, films.train, films.spec),
        films.train.films,
        measures_by_rule(films.train.films, salvage=films.salvage),
        val=val.outputs.signatures,
        val_measures=measures_by_rule(val.films.films, salvage=films.salvage),
    )
    weights, bias = fit_sideways(
        scope, films.network, films.train, films.spec, val=val.outputs.signatures
    )
    return replace(scope, sideways_weights=weights, sideways_bias=bias)


def turn_upright(scope: Scope, films: ScopeFilms) -> ScopeFilms:
    """Read the films of all splits as readings do; see turn_read."""
    reads = {
        name: turn_read(read, scope, films.network, films.spec)
        for name, read in films.reads.items()
    }
    return replace(films, reads=reads)


def turn_read(
    read: ReadSplit, scope: Scope, network: SplitNetwork, spec: PreprocessSpec
) -> ReadSplit:
    """Run the films that lie on their side through the network again, turned upright."""
    turned = scope.sideways(read.outputs.signatures)
    if not turned.any():
        return read
    lying = read.films.select(np.flatnonzero(turned))
    again = compute_network_outputs(network, lying, spec, quarter_turns=UPRIGHT_TURNS)
    return replace(read, outputs=read.outputs.replaced(turned, again), turned=turned)


def add_scope(evaluation: Evaluation, scope: Scope, films: ScopeFilms, folder: Path) -> Evaluation:
    """Write a scope into a folder, and return the evaluation with its figures.

    Args:
        evaluation: Of the model, measured on the films as they were read.
        scope: See fit_upright_scope.
        films: See turn_upright.
        folder: Of the model.
    """
    measured = {
        name: measure_read(read, salvage=films.salvage) for name, read in films.reads.items()
    }
    content = scope_bytes(scope)
    figures = _figures(scope, evaluation, films, measured)
    write_atomically(folder / SCOPE_FILE, lambda part: part.write_bytes(content))
    return replace(evaluation, scope=replace(figures, sha256=hashlib.sha256(content).hexdigest()))


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write evaluation.json."""
    text = json.dumps(dump_record(evaluation), indent=2) + "\n"
    write_atomically(
        folder / EVALUATION, lambda part: part.write_text(text, encoding="utf-8", newline="\n")
    )


def measure_read(read: ReadSplit, *, salvage: bool) -> MeasuredFilms:
    """Measure the grey levels of films that the network has read; see turn_read."""
    measures = measures_by_rule(read.films.films, salvage=salvage, turned=read.turned)
    return MeasuredFilms(signatures=read.outputs.signatures, measures=measures, turned=read.turned)


def _orientation(
    scope: Scope, evaluation: Evaluation, outputs: TurnedOutputs, val: CachedFilms
) -> OrientationFigures:
    points = {point.name: point for point in evaluation.splits["val"].points}
    return measure_orientation(
        scope,
        outputs,
        val,
        calibration=evaluation.calibration,
        point=points[BALANCED],
    )


def _intruders(read: ReadSplit, half: str) -> list[Intruder]:
    films = read.films.distinct().films
    made = [*spoil_films(films), *invert_films(films)]
    return made if half == DEVELOPMENT else [*find_intruders(half), *draw_intruders(half), *made]


def _figures(
    scope: Scope, evaluation: Evaluation, films: ScopeFilms, measured: dict[str, MeasuredFilms]
) -> ScopeFigures:
    reads, test, val = films.reads, films.reads["test"], films.reads["val"].films
    halves = {
        split: measure_intruders(scope, films.network, films.spec, _intruders(reads[split], half))
        for split, half in (("val", DEVELOPMENT), ("test", REPORTED))
    }
    intruders, all_intruders = intruder_figures(scope, halves["test"], measured["test"])
    regions, all_regions = region_figures(scope, test.films, measured["test"])
    shown = reads.get(evaluation.unseen_split, test)
    return ScopeFigures(
        sha256="",
        limit=float(scope.limit),
        refused={
            name: refused_share(scope, read.films, measured[name]) for name, read in reads.items()
        },
        by_rules={name: int(scope.breaks_a_rule(measured[name].measures).sum()) for name in reads},
        intruders=intruders,
        all_intruders=all_intruders,
        inverted={name: inverted_figures(scope, half) for name, half in halves.items()},
        regions=regions,
        all_regions=all_regions,
        by_region=points_by_region(
            scope,
            shown.films,
            calibrated_probabilities(shown.logits, evaluation.calibration),
            evaluation.splits[evaluation.unseen_split].points,
        ),
        orientation=_orientation(
            scope, evaluation, turned_outputs(films.network, val, films.spec), val
        ),
    )
