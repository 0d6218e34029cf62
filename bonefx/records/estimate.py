"""Measured figures with 95 % intervals, and the text form that every screen and report uses."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bonefx.errors import WeightsError

NOT_MEASURED = "not measured"
MAX_DECIMALS = 3  # of a plain figure
MAX_PERCENT_DECIMALS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A measured figure with its 95 % interval and the number of films behind it."""

    value: float
    low: float
    high: float
    n: int

    def __post_init__(self) -> None:
        if self.n <= 0 or not self.low <= self.value <= self.high:
            raise WeightsError(
                f"an estimate must lie in its interval with n > 0, got {self.value} in "
                f"[{self.low}, {self.high}], n = {self.n}; evaluate and export the model again"
            )


def estimate_text(
    estimate: Estimate | None, *, percent: bool = False, signed: bool = False, with_n: bool = False
) -> str:
    """Write an estimate with its interval, such as "0.948 (0.908 to 0.975)".

    Args:
        estimate: None gives NOT_MEASURED.
        percent: Write a share in [0, 1] as per cent.
        signed: Write a plus before positive numbers, for differences.
        with_n: Add the number of films.
    """
    if estimate is None:
        return NOT_MEASURED
    value, interval = estimate_parts(estimate, percent=percent, signed=signed)
    n = f", n = {estimate.n}" if with_n else ""
    return f"{value} ({interval}){n}"


def estimate_parts(
    estimate: Estimate, *, percent: bool = False, signed: bool = False, decimals: int | None = None
) -> tuple[str, str]:
    """Write an estimate and its interval as two texts, such as "80.1 %" and "70.2 to 87.3".

    Args:
        estimate: The figure.
        percent: Write a share in [0, 1] as per cent.
        signed: Write a plus before positive numbers, for differences.
        decimals: Of all three numbers; None shows three significant digits of the interval's
            width, with at most MAX_DECIMALS or MAX_PERCENT_DECIMALS decimals.
    """
    scale = 100 if percent else 1
    value, low, high = (scale * part for part in (estimate.value, estimate.low, estimate.high))
    if decimals is None:
        most = MAX_PERCENT_DECIMALS if percent else MAX_DECIMALS
        decimals = _decimals(high - low, at_most=most)
    spec = f"{'+' if signed else ''}.{decimals}f"
    unit = " %" if percent else ""
    return f"{value:{spec}}{unit}", f"{low:{spec}} to {high:{spec}}"


def _decimals(width: float, *, at_most: int) -> int:
    """Return the decimals, in [0, at_most], that show three significant digits of a width."""
    if width <= 0:
        return at_most
    return min(max(2 - math.floor(math.log10(width)), 0), at_most)


def probability_text(probability: float) -> str:
    """Write a probability in [0, 1] with two digits, never rounded to certainty."""
    if probability < 0.005:
        return "<0.01"
    return ">0.99" if probability >= 0.995 else f"{probability:.2f}"
