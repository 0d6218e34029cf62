"""A picture that is not a bone radiograph, as read from an 8-bit grey file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bonefx.films.exposed_field import with_exposed_field
from bonefx.records import Radiograph

DEVELOPMENT, REPORTED = "development", "test"
HALVES = (DEVELOPMENT, REPORTED)
Origin = TypeVar("Origin")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds an array
class Intruder:
    """A picture that a scope should refuse.

    Attributes:
        kind: Such as "photographs".
        origin: Photograph, patient or drawing; parts of one share it, and count together.
        film: The picture as a radiograph.
        borderline: It shows a film or bones after all; a refusal is neither right nor wrong.
    """

    kind: str
    origin: str
    film: Radiograph
    borderline: bool = False


def half(origins: Sequence[Origin], name: str) -> list[Origin]:
    """Return every second origin for one of HALVES; no origin is in both."""
    return list(origins[HALVES.index(name) :: len(HALVES)])


def make_intruder(
    kind: str, origin: str, levels: NDArray[np.generic], *, borderline: bool = False
) -> Intruder:
    """Make an intruder of grey levels in [0, 255], (H, W)."""
    return Intruder(kind=kind, origin=origin, film=as_film(levels), borderline=borderline)


def as_film(levels: NDArray[np.generic]) -> Radiograph:
    """Return grey levels in [0, 255], (H, W), as an 8-bit radiograph as read from a file."""
    whole = np.clip(np.rint(levels), 0, 255).astype(np.float32)
    film = Radiograph(
        pixels=whole / np.float32(255), sha256="0" * 64, file_format="PNG", bits=8,
        photometric="MONOCHROME2",
    )  # fmt: skip
    return with_exposed_field(film)


def parts(levels: NDArray[np.generic], *, least_px: int = 128) -> Iterator[NDArray[np.generic]]:
    """Yield a picture whole and, unless they are too small, its four quarters."""
    yield levels
    height, width = levels.shape
    if min(height, width) < 2 * least_px:
        return
    rows, columns = height // 2, width // 2
    for top in (0, rows):
        for left in (0, columns):
            yield levels[top : top + rows, left : left + columns]


def numbered(kind: str, pictures: Iterable[tuple[str, NDArray[np.generic]]]) -> list[Intruder]:
    """Make intruders of named pictures of one kind."""
    return [make_intruder(kind, name, levels) for name, levels in pictures]
