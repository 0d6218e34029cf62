"""Recognise films that lie on their side, and measure how a model's answer depends on the turn.

A logistic regression on the signature tells films turned by 90 or 270 degrees from films that are
upright or upside down. Readings turn the films that it recognises; see bonefx.reading.orientation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from bonefx.models.decision import decide
from bonefx.models.networks import SplitNetwork
from bonefx.models.preprocess import PreprocessSpec
from bonefx.reading.orientation import UPRIGHT_TURNS
from bonefx.records import Calibration, OperatingPoint, Verdict
from bonefx.records.scope_figures import OrientationFigures
from bonefx.scope.statistics import Scope
from train import metrics
from train.data.cache import CachedFilms
from train.evaluate.operating_points import calibrated_probabilities
from train.evaluate.scope.measure import share_of_films
from train.evaluate.scope.regions import INVERSE_PENALTY
from train.fit.outputs import compute_film_outputs, compute_film_signatures

MAX_FILMS = 800  # training films that are turned
MAX_TURNED_SHARE = 0.005  # of validation films as they are, which are upright
ORIENTATIONS = (0, 1, 2, 3)  # clockwise quarter turns
ON_ITS_SIDE = (1, 3)
DECIDED = (Verdict.FRACTURE, Verdict.NO_FRACTURE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class TurnedOutputs:
    """Logits and signatures of N films in all ORIENTATIONS.

    Attributes:
        logits: (4, N).
        signatures: (4, N, D).
    """

    logits: NDArray[np.float64]
    signatures: NDArray[np.float32]


def turned_outputs(
    network: SplitNetwork, films: CachedFilms, spec: PreprocessSpec
) -> TurnedOutputs:
    """Run films through a network in all four orientations."""
    parts = [
        compute_film_outputs(network, films, spec, quarter_turns=turns) for turns in ORIENTATIONS
    ]
    return TurnedOutputs(
        logits=np.stack([logits for logits, _ in parts]),
        signatures=np.stack([signatures for _, signatures in parts]),
    )


def fit_sideways(
    scope: Scope,
    network: SplitNetwork,
    films: CachedFilms,
    spec: PreprocessSpec,
    *,
    val: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fit the recognition of films on their side.

    The bias is chosen so that at most MAX_TURNED_SHARE of the validation films, which nearly all
    are upright, count as lying on their side.

    Args:
        scope: Fitted on the training films; standardises their signatures.
        network: Computes the signatures.
        films: Training films; MAX_FILMS of them, evenly spread, are turned.
        spec: Preprocessing of the network.
        val: Signatures of the validation films as they are, (V, D).

    Returns:
        Weights (D,) and bias () for Scope.
    """
    step = -(-len(films.films) // MAX_FILMS)
    sample = np.arange(0, len(films.films), step)
    signatures, sideways = [], []
    for turns in ORIENTATIONS:
        part = films.select(sample[turns % 2 :: 2])  # half the films upright, half on their side
        signatures.append(compute_film_signatures(network, part, spec, quarter_turns=turns))
        sideways += [turns in ON_ITS_SIDE] * len(part.films)
    standardised = scope.standardised(np.concatenate(signatures))
    fitted = LogisticRegression(C=INVERSE_PENALTY, max_iter=2000).fit(standardised, sideways)
    weights = fitted.coef_[0].astype(np.float32)
    scores = scope.standardised(val) @ weights
    allowed = int(MAX_TURNED_SHARE * len(val))
    limit = float(np.sort(scores)[-1 - allowed])
    return weights, np.asarray(-max(limit, -float(fitted.intercept_[0])), np.float32)


def measure_orientation(
    scope: Scope,
    outputs: TurnedOutputs,
    films: CachedFilms,
    *,
    calibration: Calibration,
    point: OperatingPoint,
) -> OrientationFigures:
    """Measure answers about films in all orientations, with those on their side turned upright.

    Args:
        scope: With its recognition of films on their side.
        outputs: Of the films in all orientations.
        films: N films, nearly all upright.
        calibration: Of the model.
        point: Operating point of the verdicts.
    """
    sideways = np.stack([scope.sideways(signatures) for signatures in outputs.signatures])
    as_read = np.where(sideways, np.roll(outputs.logits, -UPRIGHT_TURNS, axis=0), outputs.logits)
    groups = films.groups
    plain, read = (_verdicts(logits, calibration, point) for logits in (outputs.logits, as_read))
    return OrientationFigures(
        point=point.name,
        turned_upright=share_of_films(sideways[0], groups),
        recognised=share_of_films(
            sideways[list(ON_ITS_SIDE)].ravel(), np.tile(groups, len(ON_ITS_SIDE))
        ),
        same_verdict=share_of_films((read == read[0]).all(axis=0), groups),
        same_verdict_unturned=share_of_films((plain == plain[0]).all(axis=0), groups),
        opposite_verdicts=share_of_films(_opposite(read), groups),
        auroc=tuple(
            metrics.estimate_with_interval(metrics.auroc, films.fractured, logits, groups)
            for logits in as_read
        ),
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
