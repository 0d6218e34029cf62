"""Shrink pictures and encode them as PNG, for screens and reports."""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value", np.uint8, np.float32)

PNG_COMPRESSION = 3  # of 0 to 9; higher levels take much longer for little
TO_OPENCV_ORDER = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}


def shrink_to(picture: NDArray[Value], longest_px: int) -> NDArray[Value]:
    """Average a picture down to a longest side; return a smaller one unchanged.

    Args:
        picture: (H, W) or (H, W, channels).
        longest_px: Largest number of rows or columns of the result, > 0.

    Returns:
        The picture at the same aspect ratio, with the same type of values.
    """
    height, width = picture.shape[:2]
    scale = longest_px / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(picture.dtype)


def encode_png(picture: NDArray[np.uint8] | NDArray[np.uint16], *, repeats: bool = True) -> bytes:
    """Encode a picture as PNG, without loss and without metadata.

    Args:
        picture: (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA; 8 or 16 bit.
        repeats: Search for repeated values. In the noisy values of a deep film there are none: the
            search takes most of the time there, and makes the file larger.

    Returns:
        The content of the file.
    """
    in_order = (
        cv2.cvtColor(picture, TO_OPENCV_ORDER[picture.shape[2]]) if picture.ndim == 3 else picture
    )
    strategy = (
        cv2.IMWRITE_PNG_STRATEGY_DEFAULT if repeats else cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY
    )
    settings = [
        cv2.IMWRITE_PNG_COMPRESSION, PNG_COMPRESSION, cv2.IMWRITE_PNG_STRATEGY, strategy
    ]  # fmt: skip
    _, encoded = cv2.imencode(".png", in_order, settings)
    return encoded.tobytes()
