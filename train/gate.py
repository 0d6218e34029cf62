"""Train, val and test films with a network -> scope.safetensors and what it is worth.

A step of `evaluate`, and a command of its own for a model that was evaluated before.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

from bonefx.networks import SplitNetwork
from bonefx.preprocess import PreprocessSpec
from bonefx.schema import table_of
from bonefx.scope import SCOPE_FILE, Scope, scope_bytes
from train.cache import CachedFilms
from train.choose import probabilities
from train.figures import EVALUATION, Evaluation
from train.files import write_atomically
from train.fit_scope import fit_scope, measures_by_rule
from train.forward import signatures_of
from train.intruders import DEVELOPMENT, REPORTED, Intruder, drawn, found, inverted, spoiled
from train.measure import Read
from train.measure_scope import (
    Gauged,
    gauge_intruders,
    intruder_figures,
    inverted_figures,
    points_by_region,
    refused_share,
    region_figures,
)
from train.scope_figures import ScopeFigures


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds a network
class GateFilms:
    """All that a scope is fitted and measured on.

    Attributes:
        train: The distinct training films.
        reads: Val, test, and outside where another set is measured, as the network read them.
        salvage: See images.read_bytes.
    """

    network: SplitNetwork
    spec: PreprocessSpec
    train: CachedFilms
    reads: dict[str, Read]
    salvage: bool


def with_scope(evaluation: Evaluation, films: GateFilms, folder: Path) -> Evaluation:
    """Fit a scope, write it into a folder, and put what it is worth into an evaluation."""
    gauged = {name: _gauged(read, salvage=films.salvage) for name, read in films.reads.items()}
    val = gauged["val"]
    scope = fit_scope(
        signatures_of(films.network, films.train, films.spec),
        films.train.films,
        measures_by_rule(films.train.films, salvage=films.salvage),
        val=val.signatures,
        val_measures=val.measures,
    )
    content = scope_bytes(scope)
    figures = _figures(scope, evaluation, films, gauged)
    write_atomically(folder / SCOPE_FILE, lambda part: part.write_bytes(content))
    return replace(evaluation, scope=replace(figures, sha256=hashlib.sha256(content).hexdigest()))


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write evaluation.json."""
    text = json.dumps(table_of(evaluation), indent=2) + "\n"
    write_atomically(
        folder / EVALUATION, lambda part: part.write_text(text, encoding="utf-8", newline="\n")
    )


def _gauged(read: Read, *, salvage: bool) -> Gauged:
    measures = measures_by_rule(read.films.films, salvage=salvage)
    return Gauged(signatures=read.outputs.signatures, measures=measures)


def _intruders(read: Read, half: str) -> list[Intruder]:
    films = read.films.distinct().films
    made = [*spoiled(films), *inverted(films)]
    return made if half == DEVELOPMENT else [*found(half), *drawn(half), *made]


def _figures(
    scope: Scope, evaluation: Evaluation, films: GateFilms, gauged: dict[str, Gauged]
) -> ScopeFigures:
    reads, test = films.reads, films.reads["test"]
    halves = {
        split: gauge_intruders(films.network, films.spec, _intruders(reads[split], half))
        for split, half in (("val", DEVELOPMENT), ("test", REPORTED))
    }
    intruders, all_intruders = intruder_figures(scope, halves["test"], gauged["test"])
    regions, all_regions = region_figures(scope, test.films, gauged["test"])
    shown = reads.get(evaluation.unseen, test)
    return ScopeFigures(
        sha256="",
        limit=float(scope.limit),
        refused={
            name: refused_share(scope, read.films, gauged[name]) for name, read in reads.items()
        },
        by_rules={name: int(scope.breaks_a_rule(gauged[name].measures).sum()) for name in reads},
        intruders=intruders,
        all_intruders=all_intruders,
        inverted={name: inverted_figures(scope, half) for name, half in halves.items()},
        regions=regions,
        all_regions=all_regions,
        by_region=points_by_region(
            scope,
            shown.films,
            probabilities(shown.logits, evaluation.calibration),
            evaluation.splits[evaluation.unseen].points,
        ),
    )
