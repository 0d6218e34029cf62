"""Fit a scope, write scope.safetensors, and measure it: a step of `evaluate` and of `scope`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bonefx.errors import RecipeError
from bonefx.models.networks import SplitNetwork, compute_signatures
from bonefx.models.preprocess import PreprocessSpec
from bonefx.records import Radiograph, turn_radiograph
from bonefx.records.evaluation import EVALUATION, Evaluation
from bonefx.records.scope_figures import OrientationFigures, ScopeFigures
from bonefx.schema import dump_record
from bonefx.scope.statistics import SCOPE_FILE, Scope, scope_bytes
from train.data.cache import CachedFilms
from train.evaluate.operating_points import BALANCED, calibrated_probabilities
from train.evaluate.scope.fit import OtherPictures, fit_scope, measures_by_rule
from train.evaluate.scope.intruders import (
    DEVELOPMENT,
    REPORTED,
    Intruder,
    draw_intruders,
    find_intruders,
    invert_films,
    read_intruders,
    spoil_films,
)
from train.evaluate.scope.measure import (
    SCOPE_BATCH,
    MeasuredFilms,
    intruder_figures,
    inverted_figures,
    measure_intruders,
    named_regions,
    points_by_region,
    refused_share,
    region_figures,
)
from train.evaluate.scope.orientation import measure_orientation
from train.evaluate.scope.turned import TurnedFilms, each_in_all_turns, each_in_one_turn
from train.evaluate.split_figures import ReadSplit
from train.files import write_atomically

MAX_FILMS = 2500  # training films whose signatures are the scope's statistics
INVERTED_FILMS = 700  # training films that teach what an inverted film looks like
MEASURED_INVERTED = 300  # most films of a split that are measured inverted


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds a network
class ScopeFilms:
    """The network and the films for fitting and measuring a scope.

    Attributes:
        train: The distinct training films.
        reads: Films of val, test, and outside if it is measured, with the network outputs.
        turned: The films of val in each orientation.
        salvage: See bonefx.films.formats.read.
        intruders: Folder of pictures that are not bone radiographs; see read_intruders.
    """

    network: SplitNetwork
    spec: PreprocessSpec
    train: CachedFilms
    reads: dict[str, ReadSplit]
    turned: TurnedFilms
    salvage: bool
    intruders: Path | None = None


def fit_measured_scope(films: ScopeFilms) -> Scope:
    """Fit a scope on the training films; its limits are chosen on val.

    A film may be put down in any of four orientations, so training films are turned, one after the
    other, and val films count in all four.
    """
    train = films.train.select(np.arange(0, len(films.train.films), _step(films.train, MAX_FILMS)))
    return fit_scope(
        each_in_one_turn(films.network, train, films.spec, salvage=films.salvage),
        each_in_all_turns(films.reads["val"], films.turned),
        others=_other_pictures(films),
    )


def _step(films: CachedFilms, most: int) -> int:
    """Return the distance of films of a set of which at most so many are taken, evenly spread."""
    return -(-len(films.films) // most)


def _other_pictures(films: ScopeFilms) -> OtherPictures:
    """Compute signatures of inverted training films and of a folder's development pictures.

    The pictures that are at hand anyway, drawn and packaged ones, are too unlike films to teach
    which pictures are nearly films: without a folder they change nothing that the distance does not
    refuse, and are left out.
    """
    step = _step(films.train, INVERTED_FILMS)
    pictures = []
    if films.intruders is not None:
        pictures = [
            *read_intruders(films.intruders, DEVELOPMENT), *find_intruders(DEVELOPMENT),
            *draw_intruders(DEVELOPMENT),
        ]  # fmt: skip
    intruders, borderline = (
        [one.film for one in pictures if one.borderline is kind] for kind in (False, True)
    )
    inverted = [
        turn_radiograph(one.film, place)
        for place, one in enumerate(invert_films(films.train.films[::step]))
    ]
    return OtherPictures(
        inverted=_signatures(films, inverted),
        intruders=_signatures(films, intruders),
        borderline=_signatures(films, borderline),
    )


def _signatures(films: ScopeFilms, shown: Sequence[Radiograph]) -> NDArray[np.float32]:
    """Compute the signatures of N pictures, (N, D); (0, D) of none."""
    batches = [shown[first : first + SCOPE_BATCH] for first in range(0, len(shown), SCOPE_BATCH)]
    found = [compute_signatures(films.network, batch, films.spec) for batch in batches]
    width = films.reads["val"].outputs.signatures.shape[1]
    return np.concatenate([np.zeros((0, width), np.float32), *found])


def add_scope(
    evaluation: Evaluation,
    scope: Scope,
    films: ScopeFilms,
    *,
    judged: dict[str, ReadSplit],
    folder: Path,
) -> Evaluation:
    """Write a scope into a folder, and return the evaluation with its figures.

    Args:
        evaluation: Of the model, measured on the films as they were read.
        scope: See fit_measured_scope.
        films: The network and the films.
        judged: The films of `films` whose answers are measured.
        folder: Of the model.
    """
    content = scope_bytes(scope)
    figures = _figures(scope, evaluation, films, judged=judged)
    write_atomically(folder / SCOPE_FILE, lambda part: part.write_bytes(content))
    return replace(evaluation, scope=replace(figures, sha256=hashlib.sha256(content).hexdigest()))


def measured_scope(folder: Path, evaluation: Evaluation) -> bytes:
    """Read the scope file of an evaluation.

    Raises:
        RecipeError: There is none, or the evaluation measured another one.
    """
    remedy = f"run `python -m train scope {folder.name} --data DIR`"
    if evaluation.scope is None or not (folder / SCOPE_FILE).is_file():
        raise RecipeError(f"{folder.name} has no scope, and so reads no film; {remedy}")
    content = (folder / SCOPE_FILE).read_bytes()
    if hashlib.sha256(content).hexdigest() != evaluation.scope.sha256:
        raise RecipeError(f"{folder.name}/{SCOPE_FILE} is not the one that was measured; {remedy}")
    return content


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write evaluation.json."""
    text = json.dumps(dump_record(evaluation), indent=2) + "\n"
    write_atomically(
        folder / EVALUATION, lambda part: part.write_text(text, encoding="utf-8", newline="\n")
    )


def measure_read(read: ReadSplit, *, salvage: bool) -> MeasuredFilms:
    """Measure the grey levels of films that the network has read."""
    measures = measures_by_rule(read.films.films, salvage=salvage)
    return MeasuredFilms(signatures=read.outputs.signatures, measures=measures)


def _orientation(
    films: ScopeFilms, scope: Scope, evaluation: Evaluation, val: ReadSplit
) -> OrientationFigures:
    points = {point.name: point for point in evaluation.splits["val"].points}
    own = np.flatnonzero(np.isin(films.reads["val"].films.sha256, val.films.sha256))
    return measure_orientation(
        scope, val, films.turned.select(own), orientations=evaluation.orientations,
        calibration=evaluation.calibration, point=points[BALANCED],
    )  # fmt: skip


def _intruders(read: ReadSplit, half: str, folder: Path | None) -> list[Intruder]:
    distinct = read.films.distinct()
    films = distinct.films
    made = [*spoil_films(films), *invert_films(films[:: _step(distinct, MEASURED_INVERTED)])]
    if half == DEVELOPMENT:
        return made
    others = [] if folder is None else read_intruders(folder, half)
    return [*find_intruders(half), *draw_intruders(half), *others, *made]


def _figures(
    scope: Scope,
    evaluation: Evaluation,
    films: ScopeFilms,
    *,
    judged: dict[str, ReadSplit],
) -> ScopeFigures:
    reads, test = films.reads, films.reads["test"]
    measured = {name: measure_read(read, salvage=films.salvage) for name, read in reads.items()}
    halves = {
        split: measure_intruders(
            films.network, films.spec, _intruders(reads[split], half, films.intruders)
        )
        for split, half in (("val", DEVELOPMENT), ("test", REPORTED))
    }
    intruders, all_intruders = intruder_figures(scope, halves["test"], measured["test"])
    shown = judged.get(evaluation.unseen_split, judged["test"])
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
        regions=region_figures(scope, test.films, measured["test"]),
        all_regions=None,
        named=named_regions(scope, test.films, measured["test"]),
        by_region=points_by_region(
            scope,
            shown.films,
            calibrated_probabilities(shown.logits, evaluation.calibration),
            evaluation.splits[evaluation.unseen_split].points,
        ),
        orientation=_orientation(films, scope, evaluation, judged["val"]),
        learned_from=0
        if films.intruders is None
        else sum(not one.borderline for one in read_intruders(films.intruders, DEVELOPMENT)),
    )
