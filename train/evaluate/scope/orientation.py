"""Measure how a network's answer depends on the turn of a film."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bonefx.models.decision import decide
from bonefx.records import Calibration, OperatingPoint, Verdict
from bonefx.records.scope_figures import OrientationFigures
from bonefx.scope.statistics import Scope
from train import metrics
from train.evaluate.operating_points import calibrated_probabilities
from train.evaluate.scope.measure import share_of_films
from train.evaluate.scope.turned import TurnedFilms
from train.evaluate.split_figures import ReadSplit

DECIDED = (Verdict.FRACTURE, Verdict.NO_FRACTURE)


def measure_orientation(
    scope: Scope,
    read: ReadSplit,
    turned: TurnedFilms,
    *,
    orientations: int,
    calibration: Calibration,
    point: OperatingPoint,
) -> OrientationFigures:
    """Measure the answers about films in each orientation alone, and as they are read.

    Args:
        scope: Of the model.
        read: N films, nearly all upright, with the outputs of the network.
        turned: The same films in each orientation.
        orientations: In how many of them the network reads a film, 1 or 4.
        calibration: Of the model.
        point: Operating point of the verdicts.
    """
    films, groups = read.films, read.films.groups
    verdicts = _verdicts(turned.logits, calibration, point)
    auroc, *each = (
        metrics.estimate_with_interval(metrics.auroc, films.fractured, logits, groups)
        for logits in (read.logits, *turned.logits)
    )
    refused = np.stack([
        scope.refuses(signatures, measures)
        for signatures, measures in zip(turned.signatures, turned.measures, strict=True)
    ])  # fmt: skip
    return OrientationFigures(
        point=point.name,
        orientations=orientations,
        same_verdict_alone=share_of_films((verdicts == verdicts[0]).all(axis=0), groups),
        opposite_verdicts_alone=share_of_films(_opposite(verdicts), groups),
        auroc=auroc,
        auroc_alone=tuple(each),
        refused=tuple(share_of_films(own, groups) for own in refused),
    )


def _verdicts(
    logits: NDArray[np.float64], calibration: Calibration, point: OperatingPoint
) -> NDArray[np.str_]:
    return np.array([
        [decide(float(one), point).value for one in calibrated_probabilities(row, calibration)]
        for row in logits
    ])  # fmt: skip


def _opposite(verdicts: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Return which films are called fracture in one orientation and no fracture in another."""
    called = [(verdicts == verdict.value).any(axis=0) for verdict in DECIDED]
    return np.asarray(called[0] & called[1], np.bool_)
