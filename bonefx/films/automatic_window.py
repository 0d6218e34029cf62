"""Choose the display window of a film whose file gives none that can be used.

The window spans the values of the film from the smallest to the largest, without borders, markers
and defective pixels, and without the pixels beside these, because a soft edge mixes the values of
both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bonefx.films.value_groups import film_limits
from bonefx.records import Radiograph, Window, convex_mask

AUTOMATIC = "Automatic"  # name of a window chosen here
SOFT_EDGE = 0.01  # width of the edge of a border or marker, of the film's longest side
FIELD_EDGE = 0.02  # width of the edge of an exposed field, of its longest side


class DisplayedFilm(NamedTuple):
    """A film as displayed; see Radiograph for pixels, full and windows."""

    pixels: NDArray[np.float32]
    full: NDArray[np.float32] | None = None
    windows: tuple[Window, ...] = ()


def show_automatically(
    values: NDArray[Any],
    *,
    white_is_zero: bool = False,
    outside: NDArray[np.bool_] | None = None,
) -> DisplayedFilm:
    """Display a film deeper than 8 bits, or of unknown range, through an automatic window.

    Args:
        values: (H, W), of any number type, finite.
        white_is_zero: Whether small values are dense, as in MONOCHROME1.
        outside: (H, W), True for pixels that are not part of the film; they become black.

    Returns:
        The film with white = dense; its only window is named AUTOMATIC.
    """
    full, low, high = scaled_values(values, outside=outside)
    first, last = automatic_range(values, outside=outside)
    scale = (high - low) or 1.0
    edges = ((first - low) / scale, (last - low) / scale)
    if white_is_zero:
        full = 1 - full
        edges = (1 - edges[1], 1 - edges[0])
    if outside is not None:
        full[outside] = 0
    if not edges[0] < edges[1]:  # all values are equal
        return DisplayedFilm(full)
    pixels = full if edges == (0.0, 1.0) else unit_range(values, low=first, high=last)
    if pixels is not full:
        pixels = _as_shown(pixels, white_is_zero=white_is_zero, outside=outside)
    return DisplayedFilm(pixels, full, (Window(name=AUTOMATIC, low=edges[0], high=edges[1]),))


def fit_to_field(film: Radiograph) -> Radiograph:
    """Measure the automatic window of a film inside its exposed field.

    Args:
        film: A film with field and, if that does not fill its bounds, field_corners.

    Returns:
        The film with pixels and first window of the field's range; unchanged if the film has no
        field, or is not displayed through an automatic window.
    """
    if film.field is None or not film.windows or film.windows[0].name != AUTOMATIC:
        return film
    corners = film.field_corners
    shape = film.field.height, film.field.width
    inside = convex_mask(corners, film.field) if corners else np.ones(shape, bool)
    beyond = np.ones(film.values.shape, bool)
    beyond[film.field.slices] = ~inside
    low, high = _field_range(
        film.values[film.field.slices], inside=inside, border=film.values[beyond]
    )
    if not low < high:
        return film
    window = Window(name=AUTOMATIC, low=low, high=high)
    pixels = unit_range(film.values, low=low, high=high)
    return replace(film, pixels=pixels, full=film.values, windows=(window, *film.windows[1:]))


def automatic_range(
    values: NDArray[Any], *, outside: NDArray[np.bool_] | None = None
) -> tuple[float, float]:
    """Return the values of a film that are displayed black and white.

    Args:
        values: (H, W), or (N,) for some of the pixels; of any number type, finite.
        outside: (H, W), True for pixels that are not part of the film.

    Returns:
        Smallest and largest value of the film, without borders, markers and defective pixels.
    """
    inside = np.ones(values.shape, bool) if outside is None else ~outside
    kept = values[inside]
    if kept.size == 0:
        return (0.0, 0.0)
    low, high = film_limits(kept)
    foreign = inside & ((values < low) | (values > high))
    film = values[inside & ~_with_edges(foreign)]
    if film.size < kept.size / 2:  # defects all over the film
        film = values[inside & ~foreign]
    return float(film.min()), float(film.max())


def unit_range(values: NDArray[Any], *, low: float, high: float) -> NDArray[np.float32]:
    """Scale values from [low, high] to [0, 1], clipped; 0 where low = high."""
    if not low < high:
        return np.zeros(values.shape, np.float32)
    exact = np.dtype("float32" if values.dtype.itemsize <= 2 else "float64")
    above: NDArray[Any] = values.astype(exact)
    above -= exact.type(low)
    above /= exact.type(high - low)
    return np.asarray(np.clip(above, 0, 1, out=above), np.float32)


def scaled_values(
    values: NDArray[Any], *, outside: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.float32], float, float]:
    """Scale all values of a film to [0, 1]; return them with their smallest and largest value."""
    film = values if outside is None else values[~outside]
    low, high = float(film.min()), float(film.max())
    return unit_range(values, low=low, high=high), low, high


def _as_shown(
    pixels: NDArray[np.float32], *, white_is_zero: bool, outside: NDArray[np.bool_] | None
) -> NDArray[np.float32]:
    shown = 1 - pixels if white_is_zero else pixels
    if outside is not None:
        shown[outside] = 0
    return shown


def _field_range(
    values: NDArray[np.float32], *, inside: NDArray[np.bool_], border: NDArray[np.float32]
) -> tuple[float, float]:
    """Return the range of a field, without its soft edge if the border exceeds that range.

    Args:
        values: Of the bounds of the field, (H, W).
        inside: True for pixels of the field, (H, W).
        border: Values outside of the field, (N,).
    """
    low, high = automatic_range(values, outside=~inside)
    inner = _without_edge(inside)
    if border.size == 0 or not inner.any():
        return low, high
    inner_low, inner_high = automatic_range(values, outside=~inner)
    return (
        inner_low if border.min() < inner_low else low,
        inner_high if border.max() > inner_high else high,
    )


def _without_edge(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Leave out the pixels near the edge of a field, (H, W)."""
    edge = int(FIELD_EDGE * max(inside.shape))
    around = np.ones((2 * edge + 1, 2 * edge + 1), np.uint8)
    padded = np.pad(inside.astype(np.uint8), 1)  # what lies beyond the bounds is no field
    eroded = cv2.erode(padded, around, borderType=cv2.BORDER_CONSTANT, borderValue=0.0)
    return np.asarray(eroded[1:-1, 1:-1], bool)


def _with_edges(foreign: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Add the pixels beside those of borders, markers and defects, (H, W) or (N,)."""
    edge = int(SOFT_EDGE * max(foreign.shape))
    if foreign.ndim == 1 or edge == 0 or not foreign.any():
        return foreign
    around = np.ones((2 * edge + 1, 2 * edge + 1), np.uint8)
    return np.asarray(cv2.dilate(foreign.astype(np.uint8), around), bool)
