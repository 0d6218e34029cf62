"""Convert a radiograph to network input: the whole film, letterboxed, never cropped or mirrored.

Training, evaluation and the app use this module. The letterboxed film is rounded to 8 bits, as
training caches it, so that a film gives the same input everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from bonefx.errors import WeightsError
from bonefx.records import Radiograph

RESIZE = "letterbox_area"
POLARITY = "white_is_dense"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessSpec:
    """Preprocessing of a model; part of its manifest.

    Attributes:
        size_px: Side of the square input, a multiple of 32.
        mean: Per channel, subtracted from values in [0, 1].
        std: Per channel, divided by; > 0.
        resize: Name of the resize rule; only RESIZE exists.
        polarity: Name of the polarity rule; only POLARITY exists.
    """

    size_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resize: str = RESIZE
    polarity: str = POLARITY

    def __post_init__(self) -> None:
        if self.size_px < 32 or self.size_px % 32:
            raise WeightsError(f"size_px must be a positive multiple of 32, got {self.size_px}")
        if min(self.std) <= 0:
            raise WeightsError(f"std must be > 0 in each channel, got {self.std}")
        if (self.resize, self.polarity) != (RESIZE, POLARITY):
            raise WeightsError(
                f"the model needs resize {self.resize!r} and polarity {self.polarity!r}, this "
                f"version has {RESIZE!r} and {POLARITY!r}; update bonefx"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterbox:
    """Position of a film in the square input.

    A film pixel (x, y), at its centre, is mapped to
    ((x + 0.5) * scale_x - 0.5 + left, (y + 0.5) * scale_y - 0.5 + top) of the input.
    """

    left: int
    top: int
    width: int
    height: int
    scale_x: float
    scale_y: float


def letterbox_of(height: int, width: int, *, size_px: int) -> Letterbox:
    """Centre a film of height x width pixels in a size_px square, with its aspect ratio."""
    scale = size_px / max(height, width)
    new_width = max(1, round(width * scale))
    new_height = max(1, round(height * scale))
    return Letterbox(
        left=(size_px - new_width) // 2,
        top=(size_px - new_height) // 2,
        width=new_width,
        height=new_height,
        scale_x=new_width / width,
        scale_y=new_height / height,
    )


def letterbox(radiograph: Radiograph, *, size_px: int) -> NDArray[np.uint8]:
    """Resize a whole film into a black square.

    Args:
        radiograph: The film, (H, W) in [0, 1].
        size_px: Side of the square.

    Returns:
        (size_px, size_px) uint8.
    """
    box = letterbox_of(*radiograph.pixels.shape, size_px=size_px)
    shrinks = box.scale_x < 1
    resized = cv2.resize(
        radiograph.pixels,
        (box.width, box.height),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
    )
    square = np.zeros((size_px, size_px), np.uint8)
    inside = np.clip(np.rint(resized * 255.0), 0, 255).astype(np.uint8)
    square[box.top : box.top + box.height, box.left : box.left + box.width] = inside
    return square


def normalise(squares: torch.Tensor, spec: PreprocessSpec) -> torch.Tensor:
    """Normalise grey 8-bit squares to network input.

    Args:
        squares: (N, S, S) uint8.
        spec: Holds the mean and standard deviation of each channel.

    Returns:
        (N, 3, S, S) float32 on the device of squares.
    """
    grey = squares.unsqueeze(1).to(torch.float32) / 255.0  # (N, 1, S, S)
    mean = grey.new_tensor(spec.mean).view(1, 3, 1, 1)
    std = grey.new_tensor(spec.std).view(1, 3, 1, 1)
    return (grey - mean) / std  # (N, 3, S, S)


def to_batch(radiographs: list[Radiograph], spec: PreprocessSpec) -> torch.Tensor:
    """Preprocess films for one forward pass, (N, 3, S, S) float32 on the CPU."""
    squares = np.stack([letterbox(film, size_px=spec.size_px) for film in radiographs])
    return normalise(torch.from_numpy(squares), spec)
