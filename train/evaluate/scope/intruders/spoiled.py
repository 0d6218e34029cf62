"""Make unreadable films of real ones: inverted, under- or over-exposed, damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from bonefx.errors import UnreadableRadiographError
from bonefx.films import formats
from bonefx.records import Radiograph
from train.data import Film
from train.evaluate.scope.intruders.drawn import RandomGenerator
from train.evaluate.scope.intruders.picture import Intruder, make_intruder

Pixels = NDArray[np.float32]
SPOIL_EVERY = 3  # every third film is spoiled, in one way after the other
INVERTED_KIND = "inverted films"


def _under(pixels: Pixels, _: RandomGenerator) -> Pixels:
    """Compress all grey levels into the darkest 6 %."""
    return np.asarray(pixels * np.float32(0.06), np.float32)


def _over(pixels: Pixels, _: RandomGenerator) -> Pixels:
    """Make the film six times as bright, cut off at white."""
    return np.asarray(np.minimum(pixels * 6, 1), np.float32)


def _shuffled_rows(pixels: Pixels, random: RandomGenerator) -> Pixels:
    shuffled: Pixels = pixels[random.permutation(len(pixels))]
    return shuffled


def _shifted_rows(pixels: Pixels, random: RandomGenerator) -> Pixels:
    """Shift each row by its own distance, as a decoder that lost synchronisation."""
    shifts = random.integers(0, pixels.shape[1], len(pixels))
    columns = (np.arange(pixels.shape[1])[None] + shifts[:, None]) % pixels.shape[1]
    return np.take_along_axis(pixels, columns, axis=1)


def _half_lost(pixels: Pixels, random: RandomGenerator) -> Pixels:
    """Fill the lower half with one grey level, as of a truncated file."""
    lost = pixels.copy()
    lost[len(lost) // 2 :] = np.float32(random.choice([0.0, 0.5]))
    return lost


def _blocks(pixels: Pixels, random: RandomGenerator) -> Pixels:
    """Replace four in ten blocks by noise."""
    lost = pixels.copy()
    side = max(8, min(pixels.shape) // 12)
    for top in range(0, pixels.shape[0], side):
        for left in range(0, pixels.shape[1], side):
            if random.random() < 0.4:
                block = lost[top : top + side, left : left + side]
                block[:] = random.random(block.shape, np.float32)
    return lost


SPOILED: dict[str, Callable[[Pixels, RandomGenerator], Pixels]] = {
    "under-exposed films": _under,
    "over-exposed films": _over,
    "films with shuffled rows": _shuffled_rows,
    "films with shifted rows": _shifted_rows,
    "films with a lost half": _half_lost,
    "films with lost blocks": _blocks,
}


def spoil_films(films: Sequence[Film]) -> Iterator[Intruder]:
    """Spoil every third readable film, in one way after the other.

    Args:
        films: Validation films for development, test films for the report.
    """
    ways = cycle(SPOILED.items())
    for film in films[::SPOIL_EVERY]:
        kind, spoil = next(ways)
        pixels = _pixels(film)
        if pixels is not None:
            random = np.random.default_rng(len(film.name) + pixels.size)
            yield make_intruder(kind, film.group, 255.0 * spoil(pixels, random))


def invert_films(films: Sequence[Film]) -> Iterator[Intruder]:
    """Swap black and white on every readable film."""
    for film in films:
        pixels = _pixels(film)
        if pixels is not None:
            yield make_intruder(INVERTED_KIND, film.group, 255.0 * (1 - pixels))


def _pixels(film: Film) -> Pixels | None:
    radiograph: Radiograph
    try:
        radiograph = formats.read(film.path)
    except UnreadableRadiographError:
        return None
    return radiograph.pixels
