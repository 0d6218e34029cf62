"""Metrics with 95 % confidence intervals: pure functions of labels, logits and groups.

Intervals are percentile bootstrap intervals over groups, which keeps films of one patient together.
The interval of a proportion is the union of the bootstrap interval and Wilson's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest
from torchmetrics.functional.classification import (
    binary_auroc,
    binary_calibration_error,
    binary_roc,
)

from bonefx.records import Estimate

BOOTSTRAP_DRAWS = 1000
CALIBRATION_BINS = 10
Metric = Callable[[NDArray[np.bool_], NDArray[np.float64]], float]


def estimate_proportion(hits: NDArray[np.bool_], groups: NDArray[np.str_]) -> Estimate | None:
    """Estimate a proportion with a 95 % interval; None without films.

    Each limit is the wider of Wilson's interval, which assumes independent films, and of a
    bootstrap over groups, which does not.

    Args:
        hits: Films that count as hits, (N,) bool.
        groups: Patient or block of each film, (N,).

    Source:
        Wilson (1927), "Probable inference", J. Am. Stat. Assoc. 22.
    """
    if not len(hits):
        return None
    wilson = binomtest(int(hits.sum()), len(hits)).proportion_ci(method="wilson")
    _, members = np.unique(groups, return_inverse=True)
    films, hit_counts = np.bincount(members), np.bincount(members, weights=hits)
    random = np.random.default_rng(0)
    drawn = (random.integers(len(films), size=len(films)) for _ in range(BOOTSTRAP_DRAWS))
    shares = [hit_counts[groups].sum() / films[groups].sum() for groups in drawn]
    low, high = np.quantile(shares, (0.025, 0.975))
    share = float(hits.mean())
    return Estimate(
        value=share,
        low=min(float(low), float(wilson.low), share),
        high=max(float(high), float(wilson.high), share),
        n=len(hits),
    )


def estimate_with_interval(
    metric: Metric,
    fractured: NDArray[np.bool_],
    values: NDArray[np.float64],
    groups: NDArray[np.str_],
    *,
    draws: int = BOOTSTRAP_DRAWS,
) -> Estimate:
    """Estimate a metric with the 95 % percentile interval of a bootstrap over groups.

    Args:
        metric: Maps labels and values, (N,) each, to a number.
        fractured: Ground truth, (N,).
        values: Logits or probabilities, (N,).
        groups: Patient or block of each film, (N,).
        draws: Number of resamples; a resample without both classes is drawn again.

    Source:
        Efron and Tibshirani (1993), "An introduction to the bootstrap", chapters 8 and 13. A
        metric that resampling can only worsen, such as the calibration error, may lie outside its
        percentile interval; the interval is then widened to include it.
    """
    resamples = _resample_groups(fractured, groups, draws)
    results = [metric(fractured[films], values[films]) for films in resamples]
    return percentile_estimate(metric(fractured, values), results, n=len(fractured))


def estimate_ratio_of_means(
    above: NDArray[np.float64], below: NDArray[np.float64], groups: NDArray[np.str_]
) -> Estimate:
    """Estimate the ratio of two means, with a bootstrap over groups.

    Args:
        above: Numerator of each film, (N,).
        below: Denominator of each film, (N,); ones give the plain mean of `above`.
        groups: Patient or block of each film, (N,).

    Source:
        Efron and Tibshirani (1993); see estimate_with_interval.
    """
    random = np.random.default_rng(0)
    names, members = np.unique(groups, return_inverse=True)
    totals = [np.bincount(members, weights=values) for values in (above, below)]
    drawn = random.integers(len(names), size=(BOOTSTRAP_DRAWS, len(names)))
    results = totals[0][drawn].sum(1) / totals[1][drawn].sum(1)
    return percentile_estimate(float(above.mean() / below.mean()), results.tolist(), n=len(above))


def estimate_paired_difference(
    metric: Metric,
    fractured: NDArray[np.bool_],
    values: tuple[NDArray[np.float64], NDArray[np.float64]],
    groups: NDArray[np.str_],
    *,
    draws: int = BOOTSTRAP_DRAWS,
) -> Estimate:
    """Estimate the difference (first minus second) of a metric between two models.

    Args:
        metric: Maps labels and values, (N,) each, to a number.
        fractured: Ground truth, (N,).
        values: Logits of the two models on the same films, (N,) each.
        groups: Patient or block of each film, (N,).
        draws: Number of resamples; each is used for both models.

    Source:
        Efron and Tibshirani (1993); see estimate_with_interval.
    """
    first, second = values

    def difference(films: NDArray[np.int64]) -> float:
        labels = fractured[films]
        return metric(labels, first[films]) - metric(labels, second[films])

    results = [difference(films) for films in _resample_groups(fractured, groups, draws)]
    return percentile_estimate(difference(np.arange(len(fractured))), results, n=len(fractured))


def _resample_groups(
    fractured: NDArray[np.bool_], groups: NDArray[np.str_], draws: int
) -> Iterator[NDArray[np.int64]]:
    """Draw groups with replacement; yield the films of each resample that has both classes."""
    random = np.random.default_rng(0)
    _, of_films, counts = np.unique(groups, return_inverse=True, return_counts=True)
    by_group = np.argsort(of_films, kind="stable")
    firsts = np.cumsum(counts) - counts
    while draws:
        drawn = random.integers(len(counts), size=len(counts))
        sizes = counts[drawn]
        before = np.cumsum(sizes) - sizes
        films = by_group[np.repeat(firsts[drawn] - before, sizes) + np.arange(sizes.sum())]
        if fractured[films].any() and not fractured[films].all():
            yield films
            draws -= 1


def resampled_weights(
    groups: NDArray[np.str_], *, draws: int = BOOTSTRAP_DRAWS
) -> Iterator[NDArray[np.float64]]:
    """Draw groups with replacement; yield how often each film counts in each resample, (N,)."""
    random = np.random.default_rng(0)
    names, of_films = np.unique(groups, return_inverse=True)
    for _ in range(draws):
        drawn = random.integers(len(names), size=len(names))
        yield np.bincount(drawn, minlength=len(names))[of_films].astype(np.float64)


def percentile_estimate(value: float, results: Sequence[float], *, n: int) -> Estimate:
    """Return a value with the 95 % percentile interval of its resamples, widened to include it."""
    low, high = np.quantile(results, (0.025, 0.975))
    return Estimate(value=value, low=min(float(low), value), high=max(float(high), value), n=n)


def auroc(fractured: NDArray[np.bool_], values: NDArray[np.float64]) -> float:
    """Compute the area under the receiver operating characteristic; values may be logits."""
    return float(binary_auroc(torch.from_numpy(_ranks(values)), torch.from_numpy(fractured).int()))


def sensitivity_at_specificity(
    fractured: NDArray[np.bool_], values: NDArray[np.float64], *, specificity: float = 0.9
) -> float:
    """Compute the highest sensitivity at no less than the given specificity.

    The threshold is chosen on the measured films themselves. The result compares models; it does
    not predict performance on other films.
    """
    false_rate, true_rate, _ = binary_roc(
        torch.from_numpy(_ranks(values)), torch.from_numpy(fractured).int()
    )
    return float(true_rate[false_rate <= 1 - specificity + 1e-9].max())


def calibration_error(fractured: NDArray[np.bool_], probability: NDArray[np.float64]) -> float:
    """Compute the expected calibration error over CALIBRATION_BINS equal bins, in [0, 1].

    Source:
        Naeini et al. (2015), "Obtaining well calibrated probabilities using Bayesian binning".
    """
    return float(
        binary_calibration_error(
            torch.from_numpy(probability),
            torch.from_numpy(fractured).int(),
            n_bins=CALIBRATION_BINS,
        )
    )


def brier_score(fractured: NDArray[np.bool_], probability: NDArray[np.float64]) -> float:
    """Compute the Brier score, the mean squared error of a probability, in [0, 1]."""
    return float(np.mean((probability - fractured) ** 2))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace values by ranks in [0, 1]; torchmetrics applies a sigmoid to logits, with ties."""
    _, ranks = np.unique(values, return_inverse=True)
    scaled: NDArray[np.float64] = ranks / max(1, ranks.max())
    return scaled
