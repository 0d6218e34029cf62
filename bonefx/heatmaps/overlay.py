"""Heat maps as colour layers, contours and overlays on a film."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

HOT_SHARE = 0.5  # share of a map's peak from which a place counts as hot


def heat_layer(heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colour a map as a layer to be laid over its film.

    Args:
        heat: (H, W) in [0, 1].

    Returns:
        (H, W, 4) RGBA uint8: a colour map that colour-blind eyes can order; alpha is the heat, so
        that a film keeps its grey levels where there is none.
    """
    levels = np.rint(heat * 255.0).astype(np.uint8)
    colour = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    return np.dstack([colour, levels])


def hot_contours(heat: NDArray[np.float32]) -> list[NDArray[np.int32]]:
    """Outline the hottest regions of a map, where it is at least HOT of its peak.

    Args:
        heat: (H, W) in [0, 1].

    Returns:
        Closed lines of (points, 2) x and y in pixels of the film.
    """
    hot = (heat >= HOT_SHARE).astype(np.uint8)
    lines, _ = cv2.findContours(hot, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_TC89_L1)
    return [np.asarray(line[:, 0, :], np.int32) for line in lines if len(line) > 2]


def overlay(
    pixels: NDArray[np.float32], heat: NDArray[np.float32], *, opacity: float
) -> NDArray[np.uint8]:
    """Lay a map over its film; where heat is 0 the film keeps its grey levels.

    Args:
        pixels: The film, (H, W) in [0, 1].
        heat: (H, W) in [0, 1].
        opacity: Weight of the colour where heat is 1, in [0, 1].

    Returns:
        (H, W, 3) RGB uint8.
    """
    layer = heat_layer(heat)
    weight = opacity * layer[..., 3:] / 255.0
    grey = np.rint(pixels * 255.0)[..., None]
    blended: NDArray[np.float64] = grey * (1.0 - weight) + layer[..., :3] * weight
    return np.rint(blended).astype(np.uint8)


FIRST_RGB = (230, 159, 0)  # orange and sky blue, which colour-blind eyes tell apart


SECOND_RGB = (86, 180, 233)


def difference_layer(difference: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colour a signed difference as a layer to be laid over its film.

    Args:
        difference: (H, W) in [-1, 1].

    Returns:
        (H, W, 4) RGBA uint8: orange where the first map is stronger, blue where the second is;
        alpha is the size of the difference, so that a film keeps its grey levels where the maps
        say the same.

    Source:
        Okabe and Ito (2008), "Color universal design", for the two colours.
    """
    alpha = np.rint(np.abs(difference) * 255.0).astype(np.uint8)
    colour = np.where((difference > 0)[..., None], FIRST_RGB, SECOND_RGB).astype(np.uint8)
    return np.dstack([colour, alpha])
