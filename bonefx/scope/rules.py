"""Grey-level measures of a picture, and rules for their range.

Each measure can be checked by eye and needs no network. The lowest and highest values are stored
with each model; they come from its training and validation films.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bonefx.records import Reason, ReasonCode

LONGEST_PX = 512  # longer side of the reduced picture, for all but the counts of grey levels
LEVELS = 256
WHITE = 245  # lowest grey level that counts as white
NOT_BLACK = 20  # the background of a film is one dark level, always below this one
FLAT = 1 / 255  # a row is empty if neighbours never differ by this much


@dataclass(frozen=True, slots=True, kw_only=True)
class GreyLevelRule:
    """A range that one measure of a film's grey levels must lie in.

    Attributes:
        name: Of the measure; see measure_grey_levels.
        below: Reason for a refusal below the lowest value; None where there is no lowest value.
        above: Reason for a refusal above the highest value; None where there is no highest value.
        as_filed: The range is that of films as they lie in their files, not of turned ones.
    """

    name: str
    below: ReasonCode | None = None
    above: ReasonCode | None = None
    as_filed: bool = False

    @property
    def not_finite(self) -> ReasonCode:
        """Reason for a refusal where the measure is not a number."""
        code = self.below or self.above
        assert code is not None
        return code


GREY_LEVEL_RULES = (
    GreyLevelRule(name="grey levels", below=ReasonCode.FEW_GREY_LEVELS),
    GreyLevelRule(name="range", below=ReasonCode.NARROW_RANGE),
    GreyLevelRule(name="white", above=ReasonCode.TOO_MUCH_WHITE),
    GreyLevelRule(name="one level", above=ReasonCode.TOO_MUCH_OF_ONE_LEVEL),
    GreyLevelRule(name="brightness", below=ReasonCode.TOO_DARK, above=ReasonCode.TOO_BRIGHT),
    GreyLevelRule(name="correlation across", below=ReasonCode.NOISE_ACROSS),
    GreyLevelRule(name="correlation down", below=ReasonCode.NOISE_DOWN),
    GreyLevelRule(name="down against across", above=ReasonCode.ROWS_OUT_OF_ORDER),
    # a broken transfer loses rows of the file; a limb on its side has as many beside it
    GreyLevelRule(name="empty rows", above=ReasonCode.EMPTY_ROWS, as_filed=True),
)


def measure_grey_levels(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compute the measures of GREY_LEVEL_RULES for one picture.

    "grey levels" counts the levels of 256 that occur; "range" is the 99th less the 1st percentile;
    "white" and "one level" are shares of the area; "brightness" is the mean; "correlation across"
    and "correlation down" are those of neighbouring pixels; "down against across" is the logarithm
    of the mean change down the columns over that along the rows; "empty rows" is a share of rows.

    Args:
        pixels: (H, W) in [0, 1].

    Returns:
        (M,) in the order of GREY_LEVEL_RULES.
    """
    counts = np.bincount(np.rint(pixels * 255).astype(np.uint8).ravel(), minlength=LEVELS)
    share = counts / pixels.size
    small = _reduce(pixels)
    low, high = np.percentile(small, (1, 99))
    across, down = np.abs(np.diff(small, axis=1)), np.abs(np.diff(small, axis=0))
    return np.array([
        np.count_nonzero(counts),
        high - low,
        share[WHITE:].sum(),
        share[NOT_BLACK:].max(),
        small.mean(),
        _correlation(small[:, 1:], small[:, :-1]),
        _correlation(small[1:], small[:-1]),
        np.log((down.mean() + 1e-4) / (across.mean() + 1e-4)),
        (across.max(axis=1) < FLAT).mean(),
    ], np.float64)  # fmt: skip


def find_broken_rule(
    measures: NDArray[np.float64], low: NDArray[np.float32], high: NDArray[np.float32]
) -> Reason | None:
    """Return the first of GREY_LEVEL_RULES that a picture breaks; None if it breaks none.

    Args:
        measures: From measure_grey_levels, (M,); one that is not finite breaks its rule.
        low: Lowest value of each measure, (M,).
        high: Highest value of each measure, (M,).
    """
    ranges = zip(measures.tolist(), low.tolist(), high.tolist(), strict=True)
    for rule, (value, lowest, highest) in zip(GREY_LEVEL_RULES, ranges, strict=True):
        if not value >= lowest:
            return Reason(code=rule.below or rule.not_finite, value=value, limit=lowest)
        if not value <= highest:
            return Reason(code=rule.above or rule.not_finite, value=value, limit=highest)
    return None


def _reduce(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    scale = LONGEST_PX / max(pixels.shape)
    if scale >= 1:
        return pixels
    height, width = (max(2, round(side * scale)) for side in pixels.shape)
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)


def _correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Compute Pearson's correlation; 1 where nothing varies."""
    first, second = first - first.mean(), second - second.mean()
    norm = float(np.sqrt((first * first).sum() * (second * second).sum()))
    return float((first * second).sum()) / norm if norm > 1e-6 else 1.0
