"""What any picture is held to before a network is asked: plain measures of its grey levels.

Each measure is a number that anybody can check by eye, with a lowest and a highest value that
films have. The limits are each model's own, taken from its training and validation films.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

LONGEST_PX = 512  # side that all but the grey levels are measured at
LEVELS = 256
WHITE = 245  # grey levels from here on count as white
NOT_BLACK = 20  # the ground of a film is one level; from here on no ground is
FLAT = 1 / 255  # a row that changes by less from pixel to pixel is empty


@dataclass(frozen=True, slots=True, kw_only=True)
class GreyLevelRule:
    """One measure of a picture.

    Attributes:
        name: As in measures_of.
        low: What a picture below the lowest value is, as the end of "This picture ..."; empty
            where there is no lowest value.
        high: The same above the highest value.
        remedy: What to do, as a sentence.
    """

    name: str
    low: str
    high: str
    remedy: str


EXPORT = "Export the film itself, with its own window, not a screenshot."
DAMAGED = "Copy or export the film again."
CROP = "Export it again with its own window, and crop it to the film."
GREY_LEVEL_RULES = (
    GreyLevelRule(
        name="grey levels",
        low="has too few grey levels for a film: it looks drawn, or saved with too few levels",
        high="",
        remedy=EXPORT,
    ),
    GreyLevelRule(
        name="range",
        low="is nearly one grey: blank, or far under- or over-exposed",
        high="",
        remedy=CROP,
    ),
    GreyLevelRule(
        name="white",
        low="",
        high="is white over more of its area than films are: over-exposed, "
        "a page, or with white borders",
        remedy=CROP,
    ),
    GreyLevelRule(
        name="one level",
        low="",
        high="has one grey level over more of its area than films have: "
        "it looks drawn, or is a page or a screen",
        remedy=EXPORT,
    ),
    GreyLevelRule(
        name="brightness",
        low="is darker than films are: far under-exposed",
        high="is brighter than films are: over-exposed, inverted, or no film",
        remedy=CROP,
    ),
    GreyLevelRule(
        name="likeness across",
        low="changes from pixel to pixel like noise or text",
        high="",
        remedy=DAMAGED,
    ),
    GreyLevelRule(
        name="likeness down",
        low="changes from row to row like noise, or its rows are out of order",
        high="",
        remedy=DAMAGED,
    ),
    GreyLevelRule(
        name="rows against columns",
        low="",
        high="has rows that do not follow each other",
        remedy=DAMAGED,
    ),
    GreyLevelRule(
        name="empty rows",
        low="",
        high="has more empty rows than films have: part of it is lost",
        remedy=DAMAGED,
    ),
)


def measure_grey_levels(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Measure a picture, (H, W) in [0, 1], by each of RULES, (M,).

    "grey levels" counts those of 256 that are there; "range" is what lies between the 1st and the
    99th percentile; "white" and "one level" are shares of the area; "likeness" is the correlation
    of neighbours; "rows against columns" the logarithm of how much more a picture changes down
    than across; "empty rows" a share of all rows.
    """
    counts = np.bincount(np.rint(pixels * 255).astype(np.uint8).ravel(), minlength=LEVELS)
    share = counts / pixels.size
    small = _shrunk(pixels)
    low, high = np.percentile(small, (1, 99))
    across, down = np.abs(np.diff(small, axis=1)), np.abs(np.diff(small, axis=0))
    return np.array([
        np.count_nonzero(counts),
        high - low,
        share[WHITE:].sum(),
        share[NOT_BLACK:].max(),
        small.mean(),
        _likeness(small[:, 1:], small[:, :-1]),
        _likeness(small[1:], small[:-1]),
        np.log((down.mean() + 1e-4) / (across.mean() + 1e-4)),
        (across.max(axis=1) < FLAT).mean(),
    ], np.float64)  # fmt: skip


def broken_rule(
    measures: NDArray[np.float64], low: NDArray[np.float32], high: NDArray[np.float32]
) -> str | None:
    """Say as sentences which of RULES a picture breaks first and what to do; None if none.

    Args:
        measures: From measures_of; one that is not finite breaks its rule.
        low: Lowest values of films, (M,).
        high: Highest values of films, (M,).
    """
    for rule, value, lowest, highest in zip(GREY_LEVEL_RULES, measures, low, high, strict=True):
        if not value >= lowest:
            return f"This picture {rule.low or rule.high}. {rule.remedy}"
        if not value <= highest:
            return f"This picture {rule.high or rule.low}. {rule.remedy}"
    return None


def _shrunk(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    scale = LONGEST_PX / max(pixels.shape)
    if scale >= 1:
        return pixels
    height, width = (max(2, round(side * scale)) for side in pixels.shape)
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)


def _likeness(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Correlate neighbours; 1 where nothing changes at all."""
    one, other = first - first.mean(), second - second.mean()
    size = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / size if size > 1e-6 else 1.0
