"""Findings: the connected hot regions of a heat map, with the most evidence first."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bonefx.heatmaps.overlay import HOT_SHARE
from bonefx.models.decision import calibrated_probability
from bonefx.records import Calibration, Finding, PixelBox


@dataclass(frozen=True, slots=True, kw_only=True)
class HotRegion:
    """A connected region where a map is at least HOT_SHARE of its peak; corners connect.

    Attributes:
        box: Bounds on the map's grid.
        share: Largest value in the region, as a share of the map's peak.
        row: Row of that value.
        column: Column of that value.
    """

    box: PixelBox
    share: float
    row: int
    column: int


def hot_regions(heat: NDArray[np.float32]) -> list[HotRegion]:
    """Find the hot regions of a map, the hottest first.

    Args:
        heat: (H, W) in [0, 1] by its own peak; a map of zeros has no region.
    """
    hot = (heat >= HOT_SHARE).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(hot)
    part = hot[top : top + height, left : left + width]  # labels of a whole film take much memory
    if not part.size:
        return []
    count, labels, bounds, _ = cv2.connectedComponentsWithStats(part, connectivity=8)
    regions = []
    for label in range(1, count):
        x, y, columns, rows, _ = bounds[label].tolist()
        own = np.equal(labels[y : y + rows, x : x + columns], label)
        regions.append(_region(heat, own, top=top + y, left=left + x))
    return sorted(regions, key=lambda region: -region.share)


def _region(heat: NDArray[np.float32], own: NDArray[np.bool_], *, top: int, left: int) -> HotRegion:
    """Return the region of the pixels `own`, (h, w), whose upper left corner is at top and left."""
    box = PixelBox(top=top, left=left, bottom=top + own.shape[0], right=left + own.shape[1])
    values = np.where(own, heat[box.slices], np.float32(0))
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    return HotRegion(
        box=box, share=float(values[row, column]), row=top + int(row), column=left + int(column)
    )


def number_findings(
    heat: NDArray[np.float32], *, peak: float, calibration: Calibration | None
) -> tuple[Finding, ...]:
    """Number the hot regions of a map on its film.

    Args:
        heat: (H, W) in [0, 1] by its own peak, on the film's grid.
        peak: The map's largest value, in logits.
        calibration: From a region's evidence to the share of such regions that lie at a fracture;
            None if it was not measured.
    """
    return tuple(
        Finding(
            number=number,
            box=region.box,
            evidence=(evidence := region.share * peak),
            probability=(
                None if calibration is None else calibrated_probability(evidence, calibration)
            ),
        )
        for number, region in enumerate(hot_regions(heat), start=1)
    )
