"""Medians of repeated measurements, with the 95 % interval of a bootstrap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000


def median_with_interval(values: NDArray[np.float64]) -> dict[str, float]:
    """Return the median of N values with its interval, and N as "n".

    Args:
        values: Of independent measurements, (N,), in any unit.
    """
    draws = np.random.default_rng(0).choice(values, (RESAMPLES, len(values)))
    low, high = np.quantile(np.median(draws, axis=1), (0.025, 0.975))
    return {"value": float(np.median(values)), "low": float(low), "high": float(high),
            "n": len(values)}  # fmt: skip
