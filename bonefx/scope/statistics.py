"""Is this a bone film of the kind that the model learned from? If not, or if nobody can tell: no.

A picture's signature, the means of deep activations, is held against those of the training films:
how unlikely it is under their principal components. The same numbers tell the body region.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from bonefx.errors import WeightsError
from bonefx.scope.rules import GREY_LEVEL_RULES

REGIONS = ("hand", "leg", "hip", "shoulder")
SCOPE_FILE = "scope.safetensors"
SCOPE_REMEDY = "fetch the model again, or export it with this version"
NAMES = (
    "mean", "scale", "axes", "variances", "noise", "limit", "region_weights", "region_biases",
    "rule_low", "rule_high",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class Scope:
    """The training films' signatures in few numbers.

    Attributes:
        mean: (D,).
        scale: Deviation of each number, (D,), > 0.
        axes: Principal axes, (K, D), orthonormal.
        variances: Along the axes, (K,), > 0.
        noise: Variance along every other direction, > 0.
        limit: Largest distance of a film in scope.
        region_weights: Logistic regression on signatures in deviations, (R, D), R as in REGIONS;
            zeros for a region that was not learned.
        region_biases: (R,).
        rule_low: Lowest value of a film by each of film_rules.RULES, (M,).
        rule_high: Highest value, (M,).
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

    def standardised(self, signatures: NDArray[np.float32]) -> NDArray[np.float64]:
        """Express signatures, (N, D), in deviations from the training films' mean."""
        return (signatures.astype(np.float64) - self.mean) / self.scale

    def distances(self, signatures: NDArray[np.float32]) -> NDArray[np.float64]:
        """Tell how unlikely signatures are, (N, D) to (N,).

        The mean squared deviation over all directions, about 1 for training films.

        Source:
            Tipping and Bishop (1999), "Probabilistic principal component analysis", eq. 6 with
            the Mahalanobis distance under its covariance.
        """
        standardised = self.standardised(signatures)
        squares = (standardised @ self.axes.T.astype(np.float64)) ** 2
        rest = np.maximum((standardised**2).sum(1) - squares.sum(1), 0.0)
        squared: NDArray[np.float64] = (squares / self.variances).sum(1) + rest / float(self.noise)
        return squared / self.mean.size

    def within(self, distances: NDArray[np.float64] | float) -> NDArray[np.bool_]:
        """Tell which pictures are near enough, (N,); one that cannot be measured is not."""
        return np.asarray(np.isfinite(distances) & (distances <= float(self.limit)), np.bool_)

    def breaks_a_rule(self, measures: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which pictures the rules refuse, (N, M) to (N,); so is what is not finite."""
        kept = (measures >= self.rule_low) & (measures <= self.rule_high)
        return ~np.asarray(kept.all(axis=1), np.bool_)

    def refuses(
        self, signatures: NDArray[np.float32], measures: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Tell which pictures are out of scope, (N, D) and (N, M) to (N,)."""
        return self.breaks_a_rule(measures) | ~self.within(self.distances(signatures))

    @property
    def known_regions(self) -> tuple[str, ...]:
        """Regions that this scope can tell; none where the training films had no such label."""
        learned = (self.region_weights != 0).any(axis=1).tolist()
        return tuple(name for name, known in zip(REGIONS, learned, strict=True) if known)

    def regions(self, signatures: NDArray[np.float32]) -> NDArray[np.float64]:
        """Tell the probability that each of REGIONS is on the film, (N, D) to (N, R)."""
        logits = self.standardised(signatures) @ self.region_weights.T + self.region_biases
        found: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.clip(logits, -50, 50)))
        return found

    def told_regions(self, signature: NDArray[np.float32]) -> tuple[str, ...] | None:
        """Name the regions of one film, (D,); empty where none is recognised, None if not known."""
        if not self.known_regions:
            return None
        likely = (self.regions(signature[None])[0] >= 0.5).tolist()
        return tuple(name for name, told in zip(REGIONS, likely, strict=True) if told)


def scope_bytes(scope: Scope) -> bytes:
    """Turn a scope into a safetensors file."""
    return save({name: np.array(getattr(scope, name), order="C") for name in NAMES})


def read_scope(content: bytes, *, source: str) -> Scope:
    """Read a scope from a file's bytes.

    Raises:
        WeightsError: They are no safetensors file of a scope, or do not fit together.
    """
    try:
        found = load(content)
    except SafetensorError as error:
        raise WeightsError(f"{source} is no safetensors file; {SCOPE_REMEDY}") from error
    if set(found) != set(NAMES):
        raise WeightsError(f"{source} holds {', '.join(sorted(found))}; {SCOPE_REMEDY}")
    scope = Scope(**found)
    count, width = scope.axes.shape if scope.axes.ndim == 2 else (-1, -1)
    fits = (
        count > 0
        and scope.mean.shape == scope.scale.shape == (width,)
        and scope.variances.shape == (count,)
        and scope.region_weights.shape == (len(REGIONS), width)
        and scope.region_biases.shape == (len(REGIONS),)
        and scope.rule_low.shape == scope.rule_high.shape == (len(GREY_LEVEL_RULES),)
        and scope.noise.shape == scope.limit.shape == ()
        and all(np.isfinite(value).all() for value in found.values())
        and min(scope.variances.min(), scope.scale.min(), float(scope.noise)) > 0
    )
    if not fits:
        raise WeightsError(f"{source} does not fit together; {SCOPE_REMEDY}")
    return scope


def scope_path(folder: Path) -> Path:
    """Where a model folder keeps its scope."""
    return folder / SCOPE_FILE
