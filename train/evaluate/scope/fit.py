"""Fit a scope on the signatures and grey levels of training films.

These alternatives were compared for efficientnet_b0, on val and the development half of the
intruders: means of single stages and of several, with and without standard deviations; 8 to 256
components; the whole likelihood, its part inside and its part outside the principal components, and
the distance to the fifth nearest training film; training films as they are and augmented; a
logistic regression against the development intruders. All of them refuse drawn pages, screens and
charts. Fine stages refuse every intruder, but also nine in ten bone films of another data set,
because they recognise the scanner. The last stage alone accepts a third of the photographs, and so
do nearest neighbours and augmented films. The last three stages with few components and the whole
likelihood refuse nearly every intruder and the fewest films of another data set.

The same for VGG16, with 300 films of another data set: the last stage refuses 89 % of the intruders
and 15 % of the films; with the last layer of block 4 it is 95 % and 18 %; the last layer of block 4
and the first of block 5 refuse 98 % and 24 %; block 3 and the start of block 4 refuse all intruders
and nine in ten films.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from bonefx.films import formats
from bonefx.reading.orientation import UPRIGHT_TURNS
from bonefx.records import turn_radiograph
from bonefx.scope.rules import GREY_LEVEL_RULES, measure_grey_levels
from bonefx.scope.statistics import EVEN, NEVER_SURE, REGIONS, Scope
from train.data import Film

MAX_COMPONENTS = 16
MAX_REFUSED_SHARE = 0.02  # of validation films, by rules and distance together
MAX_REFUSED_SHARE_TURNED = 0.1  # of those that were turned upright, which are few
MAX_TAKEN_FOR_INTRUDERS = 0.005  # of validation films
LEAST_FILMS = 50  # validation films of a source for which limits are chosen by themselves
RULE_QUANTILE = 0.0005  # share of training and val films outside each limit of a rule
MAX_NAMED_WRONGLY = 0.01  # of the validation films on which a region is named
ALIASES = {"fingers": "finger"}
MAY_SHOW = {  # regions that a film of each region may show as well, although nobody says so
    "hand": {"finger", "wrist", "forearm", "elbow"}, "finger": {"hand"},
    "wrist": {"hand", "finger", "forearm"}, "forearm": {"hand", "wrist", "elbow"},
    "elbow": {"hand", "forearm", "humerus"}, "humerus": {"elbow", "shoulder"},
    "shoulder": {"humerus"}, "leg": set(), "hip": set(),
}  # fmt: skip
NO_LIMIT = 1e9  # larger than any measure
INVERSE_PENALTY = 1e-3  # of logistic regressions: strong, because films are few


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class MeasuredSplit:
    """Signatures and grey-level measures of films as they are.

    Attributes:
        films: N films.
        signatures: (N, D).
        measures: By GREY_LEVEL_RULES, (N, M).
    """

    films: Sequence[Film]
    signatures: NDArray[np.float32]
    measures: NDArray[np.float64]

    @property
    def sources(self) -> NDArray[np.str_]:
        """Collection of each film, (N,)."""
        return np.array([film.source for film in self.films])


def fit_scope(
    train: MeasuredSplit, val: MeasuredSplit, *, intruders: NDArray[np.float32] | None = None
) -> Scope:
    """Fit principal components and recognitions on training films, and the limits with val.

    Args:
        train: Training films.
        val: Validation films.
        intruders: Signatures of pictures that are not bone radiographs, (I, D); without them no
            such picture is recognised by its likeness to others.
    """
    signatures = train.signatures
    mean, scale = signatures.mean(0), np.maximum(signatures.std(0), 1e-6)
    standardised = ((signatures - mean) / scale).astype(np.float64)
    found = PCA(
        n_components=min(MAX_COMPONENTS, *(side - 1 for side in signatures.shape)), random_state=0
    )
    found.fit(standardised)
    low, high = rule_limits(np.concatenate([train.measures, val.measures]))
    weights, biases = _regions(standardised, train.films)
    values = {
        "mean": mean, "scale": scale, "axes": found.components_,
        "variances": np.maximum(found.explained_variance_, 1e-9),
        "noise": np.array(max(found.noise_variance_, 1e-9)), "limit": np.array(np.inf),
        "region_weights": weights, "region_biases": biases,
        "region_limits": np.full(len(REGIONS), EVEN), "rule_low": low, "rule_high": high,
        "sideways_weights": np.zeros(mean.size), "sideways_bias": np.array(0.0),
        "turned_limit": np.array(np.inf),
        "intruder_weights": np.zeros(mean.size), "intruder_bias": np.array(-1.0),
    }  # fmt: skip
    fitted = Scope(**{name: np.asarray(value, np.float32) for name, value in values.items()})
    limits = _region_limits(fitted, val)
    fitted = replace(fitted, region_limits=np.asarray(limits, np.float32))
    if intruders is not None:
        fitted = _with_intruders(fitted, train, val, intruders)
    refused = fitted.breaks_a_rule(val.measures) | (fitted.intruder_logits(val.signatures) > 0)
    distances = fitted.distances(val.signatures)
    limit, turned_limit = (
        np.float32((1 + 1e-5) * _limit(distances, val.sources, share, refused=refused))
        for share in (MAX_REFUSED_SHARE, MAX_REFUSED_SHARE_TURNED)
    )
    return replace(fitted, limit=np.asarray(limit), turned_limit=np.asarray(turned_limit))


def _with_intruders(
    scope: Scope, train: MeasuredSplit, val: MeasuredSplit, intruders: NDArray[np.float32]
) -> Scope:
    """Fit the recognition of intruders; its bias spares nearly all validation films."""
    signatures = np.concatenate([train.signatures, intruders])
    own = np.arange(len(signatures)) >= len(train.signatures)
    fitted = LogisticRegression(C=INVERSE_PENALTY, max_iter=2000, class_weight="balanced")
    fitted.fit(scope.standardised(signatures), own)
    weights = fitted.coef_[0].astype(np.float32)
    highest = _limit(
        scope.standardised(val.signatures) @ weights, val.sources, MAX_TAKEN_FOR_INTRUDERS,
        refused=scope.breaks_a_rule(val.measures),
    )  # fmt: skip
    bias = -max(highest + 1e-3, -float(fitted.intercept_[0]))
    return replace(scope, intruder_weights=weights, intruder_bias=np.asarray(bias, np.float32))


def measures_by_rule(
    films: Sequence[Film], *, salvage: bool = False, turned: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Measure readable films by GREY_LEVEL_RULES on their exposed fields, (N, M).

    Args:
        films: N films.
        salvage: See bonefx.films.formats.read.
        turned: Films to turn upright first, (N,); None for none.
    """

    def measure(index: int) -> NDArray[np.float64]:
        film = formats.read(films[index].path, salvage=salvage)
        if turned is not None and turned[index]:
            film = turn_radiograph(film, UPRIGHT_TURNS)
        return measure_grey_levels(film.exposed)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.stack(list(pool.map(measure, range(len(films)))))


def rule_limits(
    measures: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Choose the lowest and highest allowed value of each rule, (M,) each."""
    low = np.quantile(measures, RULE_QUANTILE, axis=0, method="lower")
    high = np.quantile(measures, 1 - RULE_QUANTILE, axis=0, method="higher")
    return (
        np.where([bool(rule.below) for rule in GREY_LEVEL_RULES], _below(low), -NO_LIMIT),
        np.where([bool(rule.above) for rule in GREY_LEVEL_RULES], _above(high), NO_LIMIT),
    )


def _below(limits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Widen limits slightly, because they are stored in float32."""
    return limits - 1e-5 * np.maximum(np.abs(limits), 1.0)


def _above(limits: NDArray[np.float64]) -> NDArray[np.float64]:
    return limits + 1e-5 * np.maximum(np.abs(limits), 1.0)


def _limit(
    values: NDArray[np.float64],
    sources: NDArray[np.str_],
    refused_share: float,
    *,
    refused: NDArray[np.bool_],
) -> float:
    """Choose the lowest limit above which no source loses more than a share of its films.

    Args:
        values: Of the validation films, (V,).
        sources: Collection of each film, (V,); those of less than LEAST_FILMS count with all films
            together alone.
        refused_share: Share of films refused for any reason, in [0, 1).
        refused: Films that are refused whatever the limit, (V,).
    """
    names, counts = np.unique(sources, return_counts=True)
    parts = [np.ones(len(values), bool)]
    parts += [sources == name for name in names[counts >= LEAST_FILMS]]
    limits = []
    for part in parts:
        lowest_first = np.sort(values[part & ~refused])
        room = max(0, int(refused_share * part.sum()) - int((part & refused).sum()))
        limits.append(float(lowest_first[-1 - min(room, len(lowest_first) - 1)]))
    return max(limits)


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


def _regions(
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


def _region_limits(scope: Scope, val: MeasuredSplit) -> list[float]:
    """Choose for each region the lowest probability from which it is hardly ever named wrongly."""
    probabilities, learned = scope.regions(val.signatures), scope.learned_regions
    shown, known = region_labels(val.films), known_region_labels(val.films)
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
