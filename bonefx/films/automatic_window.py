"""Choose the display window of a film whose file gives none that can be used.

The window spans the values of the film from the smallest to the largest, unless a marker, a border
or defective pixels lie far outside of them.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bonefx.records import Radiograph, Window, convex_mask

AUTOMATIC = "Automatic"  # name of a window chosen here
OUTLIER_DISTANCE = 2.0  # in ranges of the film; values farther away belong to something else
TAIL = 0.005  # share of the values that are left out on either side to measure a film's range
MIN_FILM_SHARE = 0.05  # of the values; a smaller group of values is no film beside a border
MAX_GAPS = 4  # between the values of a film, its borders and its markers
MAX_SAMPLES = 250_000  # of the pixels, for finding a border


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
    beside = ~convex_mask(corners, film.field) if corners else None
    low, high = automatic_range(film.values[film.field.slices], outside=beside)
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
        values: (H, W), of any number type, finite.
        outside: (H, W), True for pixels that are not part of the film.

    Returns:
        Smallest and largest value; without those that lie more than OUTLIER_DISTANCE ranges of the
        film away from it.
    """
    kept = values.ravel() if outside is None else values[~outside]
    if kept.size == 0:
        return (0.0, 0.0)
    low, high = _film_limits(kept)
    kept = kept[(kept >= low) & (kept <= high)]
    return float(kept.min()), float(kept.max())


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


def _film_limits(kept: NDArray[Any]) -> tuple[float, float]:
    """Return limits outside of which values are outliers."""
    step = max(1, kept.size // MAX_SAMPLES)
    film = _without_borders(np.sort(kept[::step].astype(np.float64)))
    first, last = np.quantile(film, (TAIL, 1 - TAIL))
    reach = OUTLIER_DISTANCE * (last - first)
    if reach == 0:  # nearly all of the film has one value
        return float(kept.min()), float(kept.max())
    return float(first - reach), float(last + reach)


def _without_borders(ordered: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values between gaps that are far wider than the range of the values there."""
    while films := _groups_far_from_others(ordered):
        ordered = max(films, key=_range)  # borders and markers have nearly one value
    return ordered


def _groups_far_from_others(ordered: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    gaps = np.diff(ordered)
    widest = np.sort(np.argsort(gaps)[-MAX_GAPS:])
    cuts = [0, *(int(index) + 1 for index in widest), ordered.size]
    beside = [np.inf, *(float(gaps[index]) for index in widest), np.inf]
    return [
        ordered[cuts[first] : cuts[last]]
        for first, last in combinations(range(len(cuts)), 2)
        if last - first < len(cuts) - 1
        and _is_film(
            ordered[cuts[first] : cuts[last]], min(beside[first], beside[last]), ordered.size
        )
    ]


def _is_film(group: NDArray[np.float64], gap: float, size: int) -> bool:
    """Return whether values are a film's, at a gap from the others, of so many values in all."""
    return bool(group.size >= MIN_FILM_SHARE * size and 0 < _range(group) * OUTLIER_DISTANCE < gap)


def _range(ordered: NDArray[np.float64]) -> float:
    low, high = np.quantile(ordered, (TAIL, 1 - TAIL))
    return float(high - low)
