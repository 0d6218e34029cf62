"""Fit the recognition of body regions, and choose from which probability each is named."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from bonefx.scope.statistics import NEVER_SURE, REGIONS, Scope
from train.data import Film

MAX_NAMED_WRONGLY = 0.01  # of the validation films on which a region is named
ALIASES = {"fingers": "finger"}
MAY_SHOW = {  # regions that a film of each region may show as well, although nobody says so
    "hand": {"finger", "wrist", "forearm", "elbow"}, "finger": {"hand"},
    "wrist": {"hand", "finger", "forearm"}, "forearm": {"hand", "wrist", "elbow"},
    "elbow": {"hand", "forearm", "humerus"}, "humerus": {"elbow", "shoulder"},
    "shoulder": {"humerus"}, "leg": set(), "hip": set(),
}  # fmt: skip
INVERSE_PENALTY = 1e-3  # of the logistic regressions: strong, because films are few


def region_labels(films: Sequence[Film]) -> NDArray[np.bool_]:
    """Return which of REGIONS each film is said to show, (N, R)."""
    return np.array([[region in _named(film) for region in REGIONS] for film in films])


def known_region_labels(films: Sequence[Film]) -> NDArray[np.bool_]:
    """Return for which of REGIONS it is known whether each film shows them, (N, R).

    A film that is said to show a forearm shows the forearm, and no hip; whether it shows the elbow
    too is not said. See MAY_SHOW.
    """
    return np.array([
        [
            bool(named) and (region in named or not any(region in MAY_SHOW[one] for one in named))
            for region in REGIONS
        ]
        for named in map(_named, films)
    ])  # fmt: skip


def _named(film: Film) -> set[str]:
    names = {ALIASES.get(name, name) for name in film.region.split("+")}
    return names & set(REGIONS)


def fit_regions(
    standardised: NDArray[np.float64], films: Sequence[Film]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit a logistic regression for each region that some films show and others do not."""
    weights = np.zeros((len(REGIONS), standardised.shape[1]))
    biases = np.full(len(REGIONS), -20.0)
    for place, (shown, known) in enumerate(
        zip(region_labels(films).T, known_region_labels(films).T, strict=True)
    ):
        if 0 < shown.sum() < known.sum():
            fitted = LogisticRegression(C=INVERSE_PENALTY, max_iter=2000)
            fitted.fit(standardised[known], shown[known])
            weights[place], biases[place] = fitted.coef_[0], fitted.intercept_[0]
    return weights, biases


def choose_region_limits(
    scope: Scope, signatures: NDArray[np.float32], films: Sequence[Film]
) -> list[float]:
    """Choose for each region the lowest probability from which it is hardly ever named wrongly."""
    probabilities, learned = scope.regions(signatures), scope.learned_regions
    shown, known = region_labels(films), known_region_labels(films)
    return [
        _sure_from(probabilities[known[:, place], place], shown[known[:, place], place])
        if learned[place] and known[:, place].any()
        else NEVER_SURE
        for place in range(len(REGIONS))
    ]


def _sure_from(probabilities: NDArray[np.float64], shown: NDArray[np.bool_]) -> float:
    """Return the lowest limit from which on at most MAX_NAMED_WRONGLY of the films are wrong."""
    order = np.argsort(-probabilities, kind="stable")
    highest_first = probabilities[order]
    wrong = np.cumsum(~shown[order]) / np.arange(1, len(order) + 1)
    ends = np.append(highest_first[1:] < highest_first[:-1], True)  # not between equal ones
    sure = np.flatnonzero((wrong <= MAX_NAMED_WRONGLY) & ends)
    return float(highest_first[sure[-1]]) if len(sure) else NEVER_SURE
