"""Heat maps as colour layers, contours and overlays on a film."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from bonefx.records import Finding

HOT_SHARE = 0.5  # share of a map's peak from which a pixel belongs to the hot region
FIRST_RGB = (230, 159, 0)  # orange and sky blue, distinguishable with colour blindness
SECOND_RGB = (86, 180, 233)
MARK_RGB = (127, 227, 255)
LINES_A_PICTURE = 600  # a line's width is this part of the longer side


def heat_layer(heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colour a map as a transparent layer over its film.

    Args:
        heat: (H, W) in [0, 1].

    Returns:
        (H, W, 4) RGBA uint8 in a colour map that remains ordered with colour blindness. Alpha is
        the heat, so that the film keeps its grey levels where the heat is 0.
    """
    levels = np.rint(heat * 255.0).astype(np.uint8)
    colour = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    return np.dstack([colour, levels])


def hot_contours(heat: NDArray[np.float32]) -> list[NDArray[np.int32]]:
    """Outline the hot regions of a map, where it is at least HOT_SHARE of its peak.

    Args:
        heat: (H, W) in [0, 1].

    Returns:
        Closed lines, each (points, 2) as x and y in pixels of the film.
    """
    hot = (heat >= HOT_SHARE).astype(np.uint8)
    lines, _ = cv2.findContours(hot, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_TC89_L1)
    return [np.asarray(line[:, 0, :], np.int32) for line in lines if len(line) > 2]


def overlay(
    pixels: NDArray[np.float32], heat: NDArray[np.float32], *, opacity: float
) -> NDArray[np.uint8]:
    """Blend a map with its film; the film keeps its grey levels where the heat is 0.

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


def mark_findings(
    picture: NDArray[np.uint8],
    *,
    contours: Sequence[NDArray[np.int32]],
    findings: Sequence[Finding],
) -> NDArray[np.uint8]:
    """Draw the contours of hot regions, and the numbers of findings beside them.

    Args:
        picture: The film with its map, (H, W, 3) RGB.
        contours: From hot_contours.
        findings: Of the map.

    Returns:
        A copy with the marks; lines and digits grow with the picture.
    """
    marked = np.ascontiguousarray(picture).copy()
    width = max(1, round(max(marked.shape[:2]) / LINES_A_PICTURE))
    size = width / 2  # of the digits, as OpenCV scales its own
    cv2.polylines(marked, list(contours), isClosed=True, color=MARK_RGB, thickness=width)
    for finding in findings:
        place = max(0, finding.box.left - 12 * width), max(12 * width, finding.box.top - 2 * width)
        for colour, thickness in (((0, 0, 0), 3 * width), (MARK_RGB, width)):
            cv2.putText(
                marked, str(finding.number), place, cv2.FONT_HERSHEY_SIMPLEX, size, colour,
                thickness, cv2.LINE_AA,
            )  # fmt: skip
    return marked


def difference_layer(difference: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Colour a signed difference of two maps as a transparent layer over the film.

    Args:
        difference: (H, W) in [-1, 1].

    Returns:
        (H, W, 4) RGBA uint8: orange where the first map is stronger, blue where the second is.
        Alpha is the absolute difference, so that the film keeps its grey levels where it is 0.

    Source:
        Okabe and Ito (2008), "Color universal design", for the two colours.
    """
    alpha = np.rint(np.abs(difference) * 255.0).astype(np.uint8)
    colour = np.where((difference > 0)[..., None], FIRST_RGB, SECOND_RGB).astype(np.uint8)
    return np.dstack([colour, alpha])
