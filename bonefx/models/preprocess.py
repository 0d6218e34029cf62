"""Convert a radiograph to network input: its exposed field, letterboxed, never mirrored.

Training, evaluation and the app use this module. The letterboxed film is rounded to 8 bits, as
training caches it, so that a film gives the same input everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from bonefx.errors import WeightsError
from bonefx.records import PixelBox, Radiograph

RESIZE = "letterbox_area"
POLARITY = "white_is_dense"
AS_SHOWN = "as_shown"  # grey levels as displayed
STRETCHED = "percentiles"  # grey levels from STRETCH_PERCENTILES of the film
GREY_LEVELS = (AS_SHOWN, STRETCHED)
STRETCH_PERCENTILES = (1.0, 99.5)
FilmPosition = TypeVar("FilmPosition", float, NDArray[np.float64])


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessSpec:
    """Preprocessing of a model; part of its manifest.

    Attributes:
        size_px: Side of the square input, a multiple of 32.
        mean: Per channel, subtracted from values in [0, 1].
        std: Per channel, divided by; > 0.
        resize: Name of the resize rule; only RESIZE exists.
        polarity: Name of the polarity rule; only POLARITY exists.
        grey_levels: Name of the rule for grey levels, one of GREY_LEVELS.
    """

    size_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resize: str = RESIZE
    polarity: str = POLARITY
    grey_levels: str = AS_SHOWN

    def __post_init__(self) -> None:
        if self.size_px < 32 or self.size_px % 32:
            raise WeightsError(f"size_px must be a positive multiple of 32, got {self.size_px}")
        if min(self.std) <= 0:
            raise WeightsError(f"std must be > 0 in each channel, got {self.std}")
        for name, needed, known in (
            ("resize", self.resize, (RESIZE,)),
            ("polarity", self.polarity, (POLARITY,)),
            ("grey_levels", self.grey_levels, GREY_LEVELS),
        ):
            if needed not in known:
                raise WeightsError(
                    f"the model needs {name} {needed!r}, this version has {', '.join(known)}; "
                    "update bonefx"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterbox:
    """Position of a film's exposed field in the square input: the rule from film to square.

    A point (x, y) of the film, whose edges are 0 and its width or height, is mapped to
    ((x - film_left) * scale_x + left, (y - film_top) * scale_y + top) of the square.

    Attributes:
        film_left: Left edge of the field, in pixels of the film.
        film_top: Upper edge of the field, in pixels of the film.
        left: Left edge of the field, in pixels of the square.
        top: Upper edge of the field, in pixels of the square.
        width: Of the field, in pixels of the square.
        height: Of the field, in pixels of the square.
        scale_x: Pixels of the square per pixel of the film.
        scale_y: Pixels of the square per pixel of the film.
    """

    film_left: float
    film_top: float
    left: int
    top: int
    width: int
    height: int
    scale_x: float
    scale_y: float

    def x(self, film_x: FilmPosition) -> FilmPosition:
        """Map horizontal positions on the film to the square."""
        return (film_x - self.film_left) * self.scale_x + self.left

    def y(self, film_y: FilmPosition) -> FilmPosition:
        """Map vertical positions on the film to the square."""
        return (film_y - self.film_top) * self.scale_y + self.top

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the field in the square."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def resized(self, factor: float) -> Letterbox:
        """Return the rule for the same film after its sides were multiplied by a factor."""
        return replace(
            self,
            film_left=self.film_left * factor,
            film_top=self.film_top * factor,
            scale_x=self.scale_x / factor,
            scale_y=self.scale_y / factor,
        )


def letterbox_of(
    height: int, width: int, *, size_px: int, field: PixelBox | None = None
) -> Letterbox:
    """Centre a film, or its exposed field, in a square, with its aspect ratio.

    Args:
        height: Of the film, in pixels.
        width: Of the film, in pixels.
        size_px: Side of the square.
        field: Bounds of the exposed field; None for the whole film.
    """
    shown = field or PixelBox(top=0, left=0, bottom=height, right=width)
    scale = size_px / max(shown.height, shown.width)
    new_width = max(1, round(shown.width * scale))
    new_height = max(1, round(shown.height * scale))
    return Letterbox(
        film_left=shown.left,
        film_top=shown.top,
        left=(size_px - new_width) // 2,
        top=(size_px - new_height) // 2,
        width=new_width,
        height=new_height,
        scale_x=new_width / shown.width,
        scale_y=new_height / shown.height,
    )


def film_letterbox(film: Radiograph, *, size_px: int) -> Letterbox:
    """Return the position of a film's exposed field in the square input."""
    height, width = film.pixels.shape
    return letterbox_of(height, width, size_px=size_px, field=film.field)


def letterbox(
    radiograph: Radiograph, *, size_px: int, grey_levels: str = AS_SHOWN
) -> NDArray[np.uint8]:
    """Resize the exposed field of a film into a black square.

    Args:
        radiograph: The film, (H, W) in [0, 1].
        size_px: Side of the square.
        grey_levels: Rule for the grey levels, one of GREY_LEVELS.

    Returns:
        (size_px, size_px) uint8.
    """
    place = film_letterbox(radiograph, size_px=size_px)
    resized = cv2.resize(
        radiograph.exposed,
        (place.width, place.height),
        interpolation=cv2.INTER_AREA if place.scale_x < 1 else cv2.INTER_LINEAR,
    )
    resized = with_grey_levels(resized, grey_levels)
    square = np.zeros((size_px, size_px), np.uint8)
    square[place.slices] = np.clip(np.rint(resized * 255.0), 0, 255).astype(np.uint8)
    return square


def with_grey_levels(pixels: NDArray[Any], rule: str) -> NDArray[Any]:
    """Apply a rule for grey levels, one of GREY_LEVELS, to the exposed field of a film, (H, W)."""
    return stretch(pixels) if rule == STRETCHED else pixels


def stretch(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Display the STRETCH_PERCENTILES of a film, (H, W) in [0, 1], as black and white.

    A dim film, or one that uses few of its grey levels, then looks like any other. A film of
    nearly one level, whose percentiles are less than one of 256 levels apart, is not changed.
    """
    low, high = np.percentile(pixels, STRETCH_PERCENTILES)
    if not high - low >= 1 / 255:
        return np.asarray(pixels, np.float32)
    return np.asarray(np.clip((pixels - low) / (high - low), 0, 1), np.float32)


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
    squares = np.stack(
        [
            letterbox(film, size_px=spec.size_px, grey_levels=spec.grey_levels)
            for film in radiographs
        ]
    )
    return normalise(torch.from_numpy(squares), spec)
