"""Turn values deeper than 8 bit, for which Pillow has no mode, into grey ones."""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bonefx.errors import UnreadableRadiographError

UPRIGHT_AXES = {  # by EXIF orientation: whether rows and columns are swapped, then what is reversed
    1: (False, (1, 1)),
    2: (False, (1, -1)),
    3: (False, (-1, -1)),
    4: (False, (-1, 1)),
    5: (True, (1, 1)),
    6: (True, (1, -1)),
    7: (True, (-1, -1)),
    8: (True, (-1, 1)),
}


class DeepValues(NamedTuple):
    """Values of a picture as stored.

    Attributes:
        samples: (H, W) grey or (H, W, 3) RGB, of any type of number.
        alpha: (H, W) in [0, 1], with which samples are to be multiplied; None if opaque.
    """

    samples: NDArray[Any]
    alpha: NDArray[np.float32] | None = None


def deep_values(samples: NDArray[Any], *, is_alpha: bool = True) -> DeepValues:
    """Split the samples of a picture.

    Args:
        samples: (H, W), or (H, W, n) with n = 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        is_alpha: Whether the second or fourth sample is an alpha; if not, it is ignored.
    """
    if samples.ndim == 2:
        return DeepValues(samples)
    n_colours = 1 if samples.shape[2] < 3 else 3
    colours = samples[:, :, 0] if n_colours == 1 else samples[:, :, :3]
    if samples.shape[2] == n_colours or not is_alpha:
        return DeepValues(colours)
    alpha = samples[:, :, n_colours]
    opaque = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "iu" else 1
    return DeepValues(colours, (alpha / np.float32(opaque)).astype(np.float32))


def film_values(
    deep: DeepValues, *, white_is_zero: bool = False
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the luminance over black, and where the picture is clear or not a number.

    Args:
        deep: Values as stored; infinite ones become the largest or smallest finite one.
        white_is_zero: Whether the smallest value is white.

    Returns:
        Two arrays of (H, W).

    Raises:
        UnreadableRadiographError: No value is a finite number.
    """
    values, missing = _finite(deep.samples)
    if values.ndim == 3:
        values = cv2.cvtColor(np.ascontiguousarray(values), cv2.COLOR_RGB2GRAY)
        missing = np.asarray(missing.any(axis=2))
    if deep.alpha is None:
        return values, missing
    black = values.max() if white_is_zero else values.min()
    over_black = black + (values.astype(np.float64) - black) * deep.alpha
    return over_black, missing | (deep.alpha == 0)


def upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn and mirror (H, W) values as their EXIF orientation, 1 to 8, asks for."""
    swapped, (rows, columns) = UPRIGHT_AXES.get(orientation, UPRIGHT_AXES[1])
    turned = values.T if swapped else values
    return np.ascontiguousarray(turned[::rows, ::columns])


def _finite(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Replace values that are not finite; return where there is no number."""
    if values.dtype.kind != "f":
        return values, np.zeros(values.shape, bool)
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        raise UnreadableRadiographError(
            "found a picture without any finite value; export it again as grey with 8 or 16 bit"
        )
    low, high = finite.min(), finite.max()
    return np.nan_to_num(values, nan=low, posinf=high, neginf=low), np.isnan(values)
