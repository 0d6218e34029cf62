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

For efficientnet_b0 on several sources, cross-validated on development intruders of a folder: the
regression against them refuses 91 % with an inverse penalty of 0.001, 96 % with 0.01, and 99.6 %
with 0.1 to 1. With borderline pictures among the films it still refuses 99.6 %, and of knee crops
4 % instead of 83 %. A regression recognises 95 to 99 % of inverted validation films with inverse
penalties of 0.001 to 0.1; one regression for both recognises neither.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from bonefx.films import formats
from bonefx.scope.rules import GREY_LEVEL_RULES, measure_grey_levels
from bonefx.scope.statistics import EVEN, REGIONS, Scope
from train.data import Film
from train.evaluate.scope.regions import choose_region_limits, fit_regions

MAX_COMPONENTS = 16
MAX_REFUSED_SHARE = 0.02  # of validation films, by rules and distance together
MAX_TAKEN_FOR_INTRUDERS = 0.005  # of validation films
LEAST_FILMS = 50  # validation films of a source for which limits are chosen by themselves
RULE_QUANTILE = 0.0005  # share of training and val films outside each limit of a rule
NO_LIMIT = 1e9  # larger than any measure
INTRUDER_INVERSE_PENALTY = 0.3
INVERTED_INVERSE_PENALTY = 0.01
MAX_TAKEN_FOR_INVERTED = 0.01  # of validation films, some of which are inverted in their archive


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class MeasuredSplit:
    """Signatures and grey-level measures of films, each in one orientation or in several.

    Attributes:
        films: N films; a film occurs once for each orientation.
        signatures: (N, D).
        measures: By GREY_LEVEL_RULES, (N, M).
        quarter_turns: Clockwise, by which each film was turned, (N,).
    """

    films: Sequence[Film]
    signatures: NDArray[np.float32]
    measures: NDArray[np.float64]
    quarter_turns: NDArray[np.int64]

    @property
    def sources(self) -> NDArray[np.str_]:
        """Collection of each film, (N,)."""
        return np.array([film.source for film in self.films])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class OtherPictures:
    """Signatures of pictures that teach a scope what it does not read, and what it does.

    Attributes:
        inverted: Of training films with black and white swapped, (J, D); if empty, inverted films
            are recognised by their distance alone.
        intruders: Of pictures that are not bone radiographs, (I, D); if empty, no such picture is
            recognised by its likeness to others.
        borderline: Of pictures that show films or bones after all, (B, D). They count as films in
            both recognitions.
    """

    inverted: NDArray[np.float32]
    intruders: NDArray[np.float32]
    borderline: NDArray[np.float32]


def fit_scope(
    train: MeasuredSplit, val: MeasuredSplit, *, others: OtherPictures | None = None
) -> Scope:
    """Fit principal components and recognitions on training films, and the limits with val.

    Args:
        train: Training films.
        val: Validation films.
        others: Other pictures; None for none.
    """
    signatures = train.signatures
    mean, scale = signatures.mean(0), np.maximum(signatures.std(0), 1e-6)
    standardised = ((signatures - mean) / scale).astype(np.float64)
    found = PCA(
        n_components=min(MAX_COMPONENTS, *(side - 1 for side in signatures.shape)), random_state=0
    )
    found.fit(standardised)
    low, high = rule_limits(
        np.concatenate([train.measures, val.measures]),
        quarter_turns=np.concatenate([train.quarter_turns, val.quarter_turns]),
    )
    weights, biases = fit_regions(standardised, train.films)
    values = {
        "mean": mean, "scale": scale, "axes": found.components_,
        "variances": np.maximum(found.explained_variance_, 1e-9),
        "noise": np.array(max(found.noise_variance_, 1e-9)), "limit": np.array(np.inf),
        "region_weights": weights, "region_biases": biases,
        "region_limits": np.full(len(REGIONS), EVEN), "rule_low": low, "rule_high": high,
        "intruder_weights": np.zeros(mean.size), "intruder_bias": np.array(-1.0),
        "inverted_weights": np.zeros(mean.size), "inverted_bias": np.array(-1.0),
    }  # fmt: skip
    fitted = Scope(**{name: np.asarray(value, np.float32) for name, value in values.items()})
    limits = choose_region_limits(fitted, val.signatures, val.films)
    fitted = replace(fitted, region_limits=np.asarray(limits, np.float32))
    if others is not None and len(others.intruders):
        fitted = _with_intruders(fitted, train, val, others)
    if others is not None and len(others.inverted):
        fitted = _with_inverted(fitted, train, val, others)
    refused = fitted.breaks_a_rule(val.measures) | (fitted.intruder_logits(val.signatures) > 0)
    distances = fitted.distances(val.signatures)
    upright = fitted.inverted_logits(val.signatures) <= 0  # the others are offered inverted
    limit = (1 + 1e-5) * _limit(
        distances[upright], val.sources[upright], MAX_REFUSED_SHARE, refused=refused[upright]
    )
    return replace(fitted, limit=np.asarray(limit, np.float32))


def _with_intruders(
    scope: Scope, train: MeasuredSplit, val: MeasuredSplit, others: OtherPictures
) -> Scope:
    """Fit the recognition of intruders; its bias spares nearly all validation films."""
    fitted = _logistic_regression(
        scope, [train.signatures, others.borderline], others.intruders, INTRUDER_INVERSE_PENALTY
    )
    weights = fitted.coef_[0].astype(np.float32)
    highest = _limit(
        scope.standardised(val.signatures) @ weights, val.sources, MAX_TAKEN_FOR_INTRUDERS,
        refused=scope.breaks_a_rule(val.measures),
    )  # fmt: skip
    bias = -max(highest + 1e-3, -float(fitted.intercept_[0]))
    return replace(scope, intruder_weights=weights, intruder_bias=np.asarray(bias, np.float32))


def _with_inverted(
    scope: Scope, train: MeasuredSplit, val: MeasuredSplit, others: OtherPictures
) -> Scope:
    """Fit the recognition of inverted films.

    One limit serves all sources: where an archive holds inverted films, they are to be recognised.
    """
    fitted = _logistic_regression(
        scope, [train.signatures, others.borderline], others.inverted, INVERTED_INVERSE_PENALTY
    )
    weights = fitted.coef_[0].astype(np.float32)
    highest_first = np.sort(scope.standardised(val.signatures) @ weights)[::-1]
    bias = -float(highest_first[int(MAX_TAKEN_FOR_INVERTED * len(highest_first))]) - 1e-3
    return replace(scope, inverted_weights=weights, inverted_bias=np.asarray(bias, np.float32))


def _logistic_regression(
    scope: Scope,
    films: Sequence[NDArray[np.float32]],
    others: NDArray[np.float32],
    inverse_penalty: float,
) -> LogisticRegression:
    """Fit a regression that tells other pictures from films, both with the same total weight."""
    signatures = np.concatenate([*films, others])
    is_other = np.arange(len(signatures)) >= len(signatures) - len(others)
    fitted = LogisticRegression(C=inverse_penalty, max_iter=2000, class_weight="balanced")
    return fitted.fit(scope.standardised(signatures), is_other)


def measures_by_rule(films: Sequence[Film], *, salvage: bool = False) -> NDArray[np.float64]:
    """Measure readable films by GREY_LEVEL_RULES on their exposed fields, (N, M).

    Args:
        films: N films.
        salvage: See bonefx.films.formats.read.
    """
    return _measure_each(films, measure_grey_levels, salvage=salvage)


def turned_measures(films: Sequence[Film], *, salvage: bool = False) -> NDArray[np.float64]:
    """Measure films in each of the four quarter turns, (4, N, M); see measures_by_rule."""
    found = _measure_each(films, _upright_and_on_the_side, salvage=salvage)
    upright, on_the_side = found[:, 0], found[:, 1]
    return np.stack([upright, on_the_side] * 2)  # no measure changes when a film is turned over


def _upright_and_on_the_side(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.stack([measure_grey_levels(pixels), measure_grey_levels(np.rot90(pixels))])


def _measure_each(
    films: Sequence[Film],
    measure: Callable[[NDArray[np.float32]], NDArray[np.float64]],
    *,
    salvage: bool,
) -> NDArray[np.float64]:
    def measured(film: Film) -> NDArray[np.float64]:
        return measure(formats.read(film.path, salvage=salvage).exposed)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.stack(list(pool.map(measured, films)))


def rule_limits(
    measures: NDArray[np.float64], *, quarter_turns: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Choose the lowest and highest allowed value of each rule, (M,) each.

    Args:
        measures: By GREY_LEVEL_RULES, (N, M).
        quarter_turns: By which each film was turned, (N,).
    """
    as_filed = measures[quarter_turns % 2 == 0]  # none changes when a film is turned over
    values = [
        (as_filed if rule.as_filed else measures)[:, place]
        for place, rule in enumerate(GREY_LEVEL_RULES)
    ]
    low = np.array([np.quantile(own, RULE_QUANTILE, method="lower") for own in values])
    high = np.array([np.quantile(own, 1 - RULE_QUANTILE, method="higher") for own in values])
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
