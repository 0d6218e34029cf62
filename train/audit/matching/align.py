"""Align two thumbnails and correlate their fine detail."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from train.audit.matching.fingerprint import (
    DISC_MASK,
    FINGERPRINT_SIDE_PX,
    FilmThumbnail,
    rotation_matrix,
)

ALIGNMENT_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-4)
ALIGNMENT_BLUR_PX = 5
DETAIL_PX = 3.0  # standard deviation of the high-pass filter's blur
EDGE_KERNEL = np.ones((7, 7), np.uint8)  # excludes detail caused by the border
MAX_STRETCH = 1.25
MIN_SHARED_AREA = 0.4  # share of the disc; less is not informative
THUMBNAIL_SIZE = (FINGERPRINT_SIDE_PX, FINGERPRINT_SIDE_PX)
FULL_MASK = np.ones(THUMBNAIL_SIZE, np.uint8)
AFFINE_LAST_ROW = (0, 0, 1)  # completes an affine map to a square matrix


def correlate_detail(first: FilmThumbnail, second: FilmThumbnail, rotation: int) -> float:
    """Align two thumbnails and correlate their high spatial frequencies.

    Args:
        first: First film.
        second: Second film.
        rotation: Index in ROTATIONS of the rotation that roughly maps the second film to the first.

    Returns:
        Pearson correlation over the shared area, in [-1, 1]; 0 if that area is too small.

    Source:
        Alignment: Evangelidis and Psarakis (2008), "Parametric image alignment using enhanced
        correlation coefficient maximization", as implemented in OpenCV.
    """
    back = _estimate_alignment(first, second, rotation)
    aligned = _warp(second.pixels, back)
    shown = _warp(np.asarray(second.known, np.uint8) * np.uint8(255), back) > 250
    shared = DISC_MASK & first.known & shown
    if shared.sum() < MIN_SHARED_AREA * DISC_MASK.sum():
        return 0.0
    inner = cv2.erode(np.asarray(shared, np.uint8), EDGE_KERNEL) > 0
    return _pearson_correlation(
        _high_frequencies(first.pixels)[inner], _high_frequencies(aligned)[inner]
    )


def _estimate_alignment(
    first: FilmThumbnail, second: FilmThumbnail, rotation: int
) -> NDArray[np.float64]:
    """Estimate the affine map, (2, 3), from positions in the first film to the second."""
    forth = rotation_matrix(rotation)
    near = np.asarray(cv2.warpAffine(second.pixels, forth, THUMBNAIL_SIZE), np.uint8)
    known = FULL_MASK
    if not (first.known.all() and second.known.all()):
        known = np.asarray(
            cv2.warpAffine(second.known.astype(np.uint8), forth, THUMBNAIL_SIZE), np.uint8
        )
        known = known & first.known.astype(np.uint8)
    back = np.vstack([cv2.invertAffineTransform(forth), AFFINE_LAST_ROW])
    refined = np.vstack([_refine_alignment(first.pixels, near, known), AFFINE_LAST_ROW])
    return np.asarray((back @ refined)[:2], np.float64)


def _refine_alignment(
    first: NDArray[np.uint8], near: NDArray[np.uint8], known: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Estimate the remaining affine map, (2, 3), after the rough rotation; identity on failure."""
    identity = np.eye(2, 3, dtype=np.float32)
    try:
        _, estimated = cv2.findTransformECC(
            first,
            near,
            identity.copy(),
            cv2.MOTION_AFFINE,
            ALIGNMENT_STEPS,
            known,
            ALIGNMENT_BLUR_PX,
        )
    except cv2.error:  # it did not converge
        return identity
    matrix = np.asarray(estimated, np.float32)
    return matrix if _is_plausible(matrix) else identity


def _is_plausible(matrix: NDArray[np.float32]) -> bool:
    """Whether a map stretches little; a strong stretch could match any two bones."""
    stretches = np.linalg.svd(matrix[:, :2], compute_uv=False)
    return bool(stretches.max() <= MAX_STRETCH and stretches.min() >= 1 / MAX_STRETCH)


def _warp(square: NDArray[np.uint8], back: NDArray[np.float64]) -> NDArray[np.uint8]:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(square, back, THUMBNAIL_SIZE, flags=flags), np.uint8)


def _high_frequencies(square: NDArray[np.uint8]) -> NDArray[np.float32]:
    values = square.astype(np.float32)
    return np.asarray(values - cv2.GaussianBlur(values, (0, 0), DETAIL_PX), np.float32)


def _pearson_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    first, second = first - first.mean(), second - second.mean()
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / length if length > 1.0 else 0.0
