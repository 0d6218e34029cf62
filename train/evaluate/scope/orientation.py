"""Measure how a network's answer depends on the turn of a film."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bonefx.models.decision import decide
from bonefx.models.networks import SplitNetwork, single_orientation
from bonefx.models.preprocess import PreprocessSpec
from bonefx.records import Calibration, OperatingPoint, Verdict
from bonefx.records.scope_figures import OrientationFigures
from train import metrics
from train.evaluate.operating_points import calibrated_probabilities
from train.evaluate.scope.measure import share_of_films
from train.evaluate.split_figures import ReadSplit
from train.fit.outputs import compute_film_logits

ORIENTATIONS = (0, 1, 2, 3)  # clockwise quarter turns
DECIDED = (Verdict.FRACTURE, Verdict.NO_FRACTURE)


def measure_orientation(
    network: SplitNetwork,
    read: ReadSplit,
    spec: PreprocessSpec,
    *,
    calibration: Calibration,
    point: OperatingPoint,
) -> OrientationFigures:
    """Measure the answers about films in each orientation alone, and as they are read.

    Args:
        network: Reads one orientation or all of them.
        read: N films, nearly all upright, with the outputs of the network.
        spec: Preprocessing of the network.
        calibration: Of the model.
        point: Operating point of the verdicts.
    """
    films, groups = read.films, read.films.groups
    single = single_orientation(network)
    alone = np.stack([
        compute_film_logits(single, films, spec, quarter_turns=turns) for turns in ORIENTATIONS
    ])  # fmt: skip
    verdicts = _verdicts(alone, calibration, point)
    auroc, *each = (
        metrics.estimate_with_interval(metrics.auroc, films.fractured, logits, groups)
        for logits in (read.logits, *alone)
    )
    return OrientationFigures(
        point=point.name,
        orientations=1 if single is network else len(ORIENTATIONS),
        same_verdict_alone=share_of_films((verdicts == verdicts[0]).all(axis=0), groups),
        opposite_verdicts_alone=share_of_films(_opposite(verdicts), groups),
        auroc=auroc,
        auroc_alone=tuple(each),
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
