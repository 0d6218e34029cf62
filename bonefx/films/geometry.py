"""Make the pixels of a film square, because viewers show them so and models expect it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from bonefx.films.limits import MAX_MEGAPIXELS
from bonefx.records import MIN_SIDE_PX, FilmNote, PixelBox, Radiograph

NEARLY_SQUARE = 0.01  # difference of the sides of a pixel that is ignored
MAX_ASPECT = 4.0  # more comes from a header that is wrong


def with_square_pixels(film: Radiograph, aspect: float | None) -> Radiograph:
    """Resize a film whose pixels are not square.

    The coarser direction is enlarged; where that would make the film too large, the finer one is
    made smaller.

    Args:
        film: A film as read.
        aspect: Height of a pixel divided by its width; None if unknown.

    Returns:
        The film with square pixels and a note; unchanged if they are square already, or if aspect
        is beyond MAX_ASPECT.
    """
    if aspect is None or not 1 / MAX_ASPECT <= aspect <= MAX_ASPECT:
        return film
    if max(aspect, 1 / aspect) <= 1 + NEARLY_SQUARE:
        return film
    size = _square_size(film.pixels.shape, aspect)
    pixels = _resized(film.pixels, size)
    same = film.full is None or film.full is film.pixels
    return replace(
        film,
        pixels=pixels,
        full=None if film.full is None else pixels if same else _resized(film.full, size),
        spacing_mm=_square_spacing(film, size),
        field=film.field and _resized_box(film.field, film.pixels.shape, size),
        notes=(*film.notes, FilmNote.PIXELS_MADE_SQUARE),
    )


def _square_size(shape: tuple[int, ...], aspect: float) -> tuple[int, int]:
    """Return height and width of a film after its pixels were made square."""
    height, width = shape
    larger = (round(height * aspect), width) if aspect > 1 else (height, round(width / aspect))
    smaller = (height, round(width / aspect)) if aspect > 1 else (round(height * aspect), width)
    too_large = larger[0] * larger[1] > MAX_MEGAPIXELS * 1_000_000
    return smaller if too_large and min(smaller) >= MIN_SIDE_PX else larger


def _square_spacing(film: Radiograph, size: tuple[int, int]) -> tuple[float, float] | None:
    if film.spacing_mm is None:
        return None
    height, _ = film.pixels.shape
    enlarged = size[0] > height or size[1] > film.pixels.shape[1]
    side = min(film.spacing_mm) if enlarged else max(film.spacing_mm)
    return side, side


def _resized_box(box: PixelBox, before: tuple[int, ...], size: tuple[int, int]) -> PixelBox:
    """Return the bounds of the exposed field after its film was resized to height and width."""
    down, across = size[0] / before[0], size[1] / before[1]
    return PixelBox(
        top=round(box.top * down), left=round(box.left * across),
        bottom=round(box.bottom * down), right=round(box.right * across),
    )  # fmt: skip


def _resized(picture: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Resize a picture to height and width, without values outside of its own."""
    height, width = size
    smaller = height < picture.shape[0] or width < picture.shape[1]
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    resized = cv2.resize(picture, (width, height), interpolation=method)
    return np.asarray(np.clip(resized, 0, 1), np.float32)
