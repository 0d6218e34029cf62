"""Statistics of a model's training films, and the distance of a picture from them.

A picture's signature is the spatial mean of deep activations. Its distance from the training films
is a Mahalanobis distance under their principal components. A logistic regression on the signature
recognises the body region, others a film with black and white swapped, and pictures such as dental
films that are not bone radiographs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from bonefx.errors import MODEL_REMEDY, WeightsError
from bonefx.scope.rules import GREY_LEVEL_RULES

REGIONS = (
    "hand", "leg", "hip", "shoulder",  # those of files of version 0.1
    "finger", "wrist", "forearm", "elbow", "humerus",
)  # fmt: skip
SCOPE_FILE = "scope.safetensors"
NAMES = (
    "mean", "scale", "axes", "variances", "noise", "limit", "region_weights", "region_biases",
    "rule_low", "rule_high", "intruder_weights", "intruder_bias", "region_limits",
    "inverted_weights", "inverted_bias",
)  # fmt: skip
FORMER_NAMES = {"sideways_weights", "sideways_bias", "turned_limit"}  # of older files; not used
INTRUDER_NAMES = ("intruder_weights", "intruder_bias")
INVERTED_NAMES = ("inverted_weights", "inverted_bias")
EVEN = 0.5  # probability from which a region is recognised where no limit was chosen
NEVER_SURE = 2.0  # above every probability


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class Scope:
    """Statistics of the training films' signatures and grey levels.

    Attributes:
        mean: Of the signatures, (D,).
        scale: Standard deviation of each element, (D,), > 0.
        axes: Principal axes of the standardised signatures, (K, D), orthonormal.
        variances: Along the axes, (K,), > 0.
        noise: Variance along every other direction, > 0.
        limit: Largest distance of a film in scope.
        region_weights: Logistic regression on standardised signatures, (R, D), in the order of
            REGIONS; zeros for a region that was not learned.
        region_biases: (R,).
        region_limits: Probability from which each region is recognised, (R,); above 1 where no
            limit makes the recognition sure.
        rule_low: Lowest value of each measure in rules.GREY_LEVEL_RULES, (M,).
        rule_high: Highest value of each measure, (M,).
        intruder_weights: Logistic regression on standardised signatures that recognises pictures
            that are not bone radiographs, (D,); zeros where it was not learned.
        intruder_bias: Its bias; a picture is taken for one of these where the sum is > 0.
        inverted_weights: Logistic regression on standardised signatures that recognises films with
            black and white swapped, (D,); zeros where it was not learned.
        inverted_bias: Its bias; a film is taken for inverted where the sum is > 0.
    """

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    axes: NDArray[np.float32]
    variances: NDArray[np.float32]
    noise: NDArray[np.float32]
    limit: NDArray[np.float32]
    region_weights: NDArray[np.float32]
    region_biases: NDArray[np.float32]
    rule_low: NDArray[np.float32]
    rule_high: NDArray[np.float32]
    intruder_weights: NDArray[np.float32]
    intruder_bias: NDArray[np.float32]
    region_limits: NDArray[np.float32]
    inverted_weights: NDArray[np.float32]
    inverted_bias: NDArray[np.float32]

    def standardised(self, signatures: NDArray[np.float32]) -> NDArray[np.float64]:
        """Standardise signatures, (N, D), by mean and deviation of the training films."""
        return (signatures.astype(np.float64) - self.mean) / self.scale

    def distances(self, signatures: NDArray[np.float32]) -> NDArray[np.float64]:
        """Compute the squared Mahalanobis distance of each signature, divided by D.

        Args:
            signatures: (N, D).

        Returns:
            (N,), about 1 for training films; not finite where a signature is not.

        Source:
            Tipping and Bishop (1999), "Probabilistic principal component analysis", eq. 6 with
            the Mahalanobis distance under its covariance.
        """
        standardised = self.standardised(signatures)
        squares = (standardised @ self.axes.T.astype(np.float64)) ** 2
        rest = np.maximum((standardised**2).sum(1) - squares.sum(1), 0.0)
        squared: NDArray[np.float64] = (squares / self.variances).sum(1) + rest / float(self.noise)
        return squared / self.mean.size

    def within(self, distances: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which distances are finite and within the limit, (N,)."""
        return np.asarray(np.isfinite(distances) & (distances <= float(self.limit)), np.bool_)

    def breaks_a_rule(self, measures: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which grey-level measures, (N, M), are out of range or not finite, (N,)."""
        in_range = (measures >= self.rule_low) & (measures <= self.rule_high)
        return ~np.asarray(in_range.all(axis=1), np.bool_)

    def refuses(
        self, signatures: NDArray[np.float32], measures: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Return which pictures are out of scope, (N,).

        Args:
            signatures: (N, D).
            measures: By GREY_LEVEL_RULES, (N, M).
        """
        near = self.within(self.distances(signatures))
        resembles_others = self.intruder_logits(signatures) > 0
        inverted = self.inverted_logits(signatures) > 0
        return self.breaks_a_rule(measures) | ~near | resembles_others | inverted

    def intruder_logits(self, signatures: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-odds that pictures are not bone radiographs, (N, D) to (N,); > 0 refuses.

        They are not finite where a signature is not, and then the distance refuses.
        """
        logits: NDArray[np.float64] = (
            self.standardised(signatures) @ self.intruder_weights + self.intruder_bias
        )
        return logits

    def inverted_logits(self, signatures: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the log-odds that black and white are swapped, (N, D) to (N,); > 0 refuses."""
        logits: NDArray[np.float64] = (
            self.standardised(signatures) @ self.inverted_weights + self.inverted_bias
        )
        return logits

    @property
    def learned_regions(self) -> NDArray[np.bool_]:
        """Which of REGIONS were learned, (R,)."""
        return np.asarray((self.region_weights != 0).any(axis=1), np.bool_)

    @property
    def known_regions(self) -> tuple[str, ...]:
        """Body regions that can be recognised; empty if the training films had no such label."""
        learned = self.learned_regions.tolist()
        return tuple(name for name, known in zip(REGIONS, learned, strict=True) if known)

    def regions(self, signatures: NDArray[np.float32]) -> NDArray[np.float64]:
        """Compute the probability that each of REGIONS is on a film, (N, D) to (N, R)."""
        logits = self.standardised(signatures) @ self.region_weights.T + self.region_biases
        probabilities: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.clip(logits, -50, 50)))
        return probabilities

    def recognised_regions(self, signature: NDArray[np.float32]) -> tuple[str, ...] | None:
        """Return the regions on a film, by its signature (D,); None if none can be recognised."""
        if not self.known_regions:
            return None
        (sure,) = self.shows(signature[None]).tolist()
        return tuple(name for name, there in zip(REGIONS, sure, strict=True) if there)

    def shows(self, signatures: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return which of REGIONS are surely on each film, (N, D) to (N, R)."""
        likely = self.regions(signatures) >= self.region_limits
        return np.asarray(likely & self.learned_regions, np.bool_)


def scope_bytes(scope: Scope) -> bytes:
    """Write a scope as the bytes of a safetensors file."""
    return save({name: np.array(getattr(scope, name), order="C") for name in NAMES})


def read_scope(content: bytes, *, source: str) -> Scope:
    """Read a scope from a file's bytes.

    Raises:
        WeightsError: They are not a safetensors file of a scope, or its arrays do not fit.
    """
    try:
        arrays = load(content)
    except SafetensorError as error:
        raise WeightsError(f"{source} is not a safetensors file; {MODEL_REMEDY}") from error
    arrays = {name: value for name, value in arrays.items() if name not in FORMER_NAMES}
    arrays = _with_all_regions(_not_learned(arrays) | arrays)
    if set(arrays) != set(NAMES):
        raise WeightsError(f"{source} holds {', '.join(sorted(arrays))}; {MODEL_REMEDY}")
    scope = Scope(**arrays)
    count, width = scope.axes.shape if scope.axes.ndim == 2 else (-1, -1)
    fits = (
        count > 0
        and scope.mean.shape == scope.scale.shape == (width,)
        and scope.variances.shape == (count,)
        and scope.region_weights.shape == (len(REGIONS), width)
        and scope.region_biases.shape == scope.region_limits.shape == (len(REGIONS),)
        and scope.intruder_weights.shape == scope.inverted_weights.shape == (width,)
        and scope.rule_low.shape == scope.rule_high.shape == (len(GREY_LEVEL_RULES),)
        and scope.noise.shape == scope.limit.shape == ()
        and scope.intruder_bias.shape == scope.inverted_bias.shape == ()
        and all(np.isfinite(value).all() for value in arrays.values())
        and min(scope.variances.min(), scope.scale.min(), float(scope.noise)) > 0
    )
    if not fits:
        raise WeightsError(f"{source} has arrays that do not fit together; {MODEL_REMEDY}")
    return scope


def _not_learned(arrays: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of recognitions that an older file has not: they recognise nothing."""
    zeros = np.zeros(arrays["mean"].size if "mean" in arrays else 0, np.float32)
    never = np.array(-1.0, np.float32)
    without = {INTRUDER_NAMES: (zeros, never), INVERTED_NAMES: (zeros, never)}
    return {
        name: value
        for names, values in without.items()
        if not set(names) & set(arrays)
        for name, value in zip(names, values, strict=True)
    }


def _with_all_regions(arrays: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Add the regions that an older file has not, as regions that were not learned."""
    weights, biases = (arrays.get(name) for name in ("region_weights", "region_biases"))
    if weights is None or biases is None or weights.ndim != 2 or biases.shape != weights.shape[:1]:
        return arrays  # refused with the other arrays
    absent = max(0, len(REGIONS) - len(weights))
    limits = arrays.get("region_limits", np.full(len(weights), EVEN, np.float32))
    return arrays | {
        "region_weights": np.pad(weights, ((0, absent), (0, 0))),
        "region_biases": np.pad(biases, (0, absent)),
        "region_limits": np.pad(limits, (0, absent), constant_values=NEVER_SURE),
    }


def scope_path(folder: Path) -> Path:
    """Return the path of the scope file in a model folder."""
    return folder / SCOPE_FILE
