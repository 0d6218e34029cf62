"""One picture that is no bone film, as images.read would give it after a user saved it as grey."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bonefx.records import Radiograph

DEVELOPMENT, REPORTED = "development", "test"
HALVES = (DEVELOPMENT, REPORTED)
Source = TypeVar("Source")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds an array
class Intruder:
    """A picture that is to be refused.

    Attributes:
        kind: Such as "photographs".
        source: Pictures of one source, such as parts of one photograph, count together.
        film: The picture, as if it were a film.
    """

    kind: str
    source: str
    film: Radiograph


def half(sources: Sequence[Source], name: str) -> list[Source]:
    """Take every second source, in their order, for one of HALVES; none is in both."""
    return list(sources[HALVES.index(name) :: len(HALVES)])


def make_intruder(kind: str, source: str, levels: NDArray[np.generic]) -> Intruder:
    """Take grey levels of 0 to 255, (H, W), for a picture of 8 bit."""
    return Intruder(kind=kind, source=source, film=as_film(levels))


def as_film(levels: NDArray[np.generic]) -> Radiograph:
    """See intruder."""
    whole = np.clip(np.rint(levels), 0, 255).astype(np.float32)
    return Radiograph(
        pixels=whole / np.float32(255), sha256="0" * 64, file_format="PNG", bits=8,
        photometric="MONOCHROME2",
    )  # fmt: skip


def parts(levels: NDArray[np.generic], *, least_px: int = 128) -> Iterator[NDArray[np.generic]]:
    """Give a picture whole and, where they are not too small, its four quarters."""
    yield levels
    height, width = levels.shape
    if min(height, width) < 2 * least_px:
        return
    rows, columns = height // 2, width // 2
    for top in (0, rows):
        for left in (0, columns):
            yield levels[top : top + rows, left : left + columns]


def numbered(kind: str, pictures: Iterable[tuple[str, NDArray[np.generic]]]) -> list[Intruder]:
    """Turn named pictures of one kind into intruders."""
    return [make_intruder(kind, name, levels) for name, levels in pictures]
