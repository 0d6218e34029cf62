"""Masks of the parts of a film without anatomy: its border, side markers and burnt-in text.

Markers are bright, small and on a dark background, whereas bone is surrounded by soft tissue.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

BORDER = 0.03  # width, as a share of the shorter side
WORKING_PX = 512  # longer side of the reduced film
BRIGHT = 0.75  # least grey of a marker, as a share of the film's 99th percentile
SMALL = (2e-5, 6e-3)  # smallest and largest area of a marker, as a share of the film
DARK_GROUND = 0.45  # largest grey around a marker, as a share of the film's 99th percentile
RING_PX = 4  # width of the ring around a marker
RING_SHARE = 0.85  # share of the ring that must be dark


def border_mask(shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return a mask of the outermost BORDER of a film, (H, W)."""
    height, width = shape
    edge = max(1, round(BORDER * min(shape)))
    inside = np.zeros((height, width), bool)
    inside[edge:-edge, edge:-edge] = True
    return ~inside


def marker_mask(pixels: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return a mask of what looks like a side marker or burnt-in text.

    Args:
        pixels: A film, (H, W) in [0, 1], white = dense.

    Returns:
        (H, W), slightly larger than the markers.
    """
    height, width = pixels.shape
    scale = min(1.0, WORKING_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    white = float(np.quantile(small, 0.99))
    mask = np.zeros(small.shape, np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        (small >= BRIGHT * white).astype(np.uint8)
    )
    for label in range(1, count):
        if _is_marker(small, labels == label, int(stats[label, cv2.CC_STAT_AREA]), white):
            mask[labels == label] = 1
    grown = cv2.dilate(mask, np.ones((5, 5), np.uint8))
    return cv2.resize(grown, (width, height), interpolation=cv2.INTER_NEAREST).astype(bool)


def _is_marker(pixels: NDArray[Any], component: NDArray[np.bool_], area: int, white: float) -> bool:
    least, most = (share * component.size for share in SMALL)
    if not least <= area <= most:
        return False
    kernel = np.ones((2 * RING_PX + 1,) * 2, np.uint8)
    near = cv2.dilate(component.astype(np.uint8), kernel).astype(bool)
    touching = cv2.dilate(component.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    ring = near & ~touching & (pixels < BRIGHT * white)  # without neighbouring letters
    return bool(ring.any()) and float(np.quantile(pixels[ring], RING_SHARE)) <= DARK_GROUND * white
