"""Separate the values of a film from those of borders, markers and defective pixels.

A border or a marker has nearly one value, and nearly no pixels have the values between it and the
film, over a quarter of the range of all values or more. Those few come from soft edges. The values
are narrowed until no such gap is left, since a first, far brighter marker hides nearer ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

GAP = 0.25  # of the range of the values; least width of a gap beside the film
TAIL = 0.005  # share of the values; a wide gap holds fewer, and a film's tail too
FEW = 0.0005  # the same, for gaps beside groups that are smaller than TAIL
REACH = 1.0  # in ranges of the film; values farther away than this belong to something else
NARROW = 0.25  # of the gap beside it; a wider group is no border and no marker
SOFT_SHARE = 0.05  # of the values of a group, at either end, that a soft edge may have
MIN_FILM_SHARE = 0.05  # of the values; a smaller group of values is no film beside a border
MAX_SAMPLES = 250_000  # of the pixels, for finding the groups


def film_limits(values: NDArray[Any]) -> tuple[float, float]:
    """Return limits outside of which values are not the film's.

    Args:
        values: (N,), N > 0, of any number type, finite.
    """
    step = max(1, values.size // MAX_SAMPLES)
    whole = film = np.sort(values[::step].astype(np.float64))
    while (inner := _without_others(_without_others(film, FEW), TAIL)).size < film.size:
        film = inner
    first, last = np.quantile(film, (TAIL, 1 - TAIL))
    reach = REACH * (last - first)
    if reach == 0:  # nearly all of the film has one value
        return float(film[0]), float(film[-1])
    low = max(first - reach, film[0] if film[0] > whole[0] else -np.inf)
    high = min(last + reach, film[-1] if film[-1] < whole[-1] else np.inf)
    return float(low), float(high)


def _without_others(ordered: NDArray[np.float64], few: float) -> NDArray[np.float64]:
    """Leave out borders, markers and values that are too far away from the film."""
    groups = _groups(ordered, few)
    films = [group for group in groups if group.size >= MIN_FILM_SHARE * ordered.size]
    film = max(films, key=lambda group: _spread(group) * group.size, default=ordered)
    if _spread(film) == 0:
        return ordered
    reach = REACH * (film[-1] - film[0])
    low, high = film[0] - reach, film[-1] + reach
    for group in groups:
        if _is_narrow(group, film[0] - group[-1]):
            low = max(low, (group[-1] + film[0]) / 2)
        if _is_narrow(group, group[0] - film[-1]):
            high = min(high, (film[-1] + group[0]) / 2)
    kept: NDArray[np.float64] = ordered[(ordered >= low) & (ordered <= high)]
    return kept


def _groups(ordered: NDArray[np.float64], few: float) -> list[NDArray[np.float64]]:
    """Return the values between gaps, wide ranges in each of which less than a few lie.

    Args:
        ordered: All values, (N,), ascending.
        few: Share of the values; smaller groups are left out.
    """
    count = 2 + int(few * ordered.size)
    wide = GAP * (ordered[-1] - ordered[0])
    before = np.flatnonzero(ordered[count:] - ordered[:-count] >= wide)
    gaps = np.zeros(ordered.size, np.intp)
    gaps[before + 1] += 1
    gaps[before + count] -= 1
    dense = np.flatnonzero(gaps.cumsum() == 0)
    runs = np.split(dense, np.flatnonzero(np.diff(dense) > 1) + 1)
    return [ordered[run] for run in runs if run.size > count]


def _is_narrow(group: NDArray[np.float64], gap: float) -> bool:
    """Return whether a group of values is a border's or a marker's, at a gap from the film."""
    return bool(gap > 0 and _spread(group) <= NARROW * gap)


def _spread(ordered: NDArray[np.float64]) -> float:
    low, high = np.quantile(ordered, (SOFT_SHARE, 1 - SOFT_SHARE))
    return float(high - low)
