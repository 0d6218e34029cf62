"""Display shutters of DICOM films: shapes outside of which a film is not shown.

What lies outside is black for viewers, models and the automatic window, whatever tone
ShutterPresentationValue names, because black is what air is on a film. Bitmap shutters, which need
an overlay, are not applied.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bonefx.films.dicom.elements import numbers, text
from bonefx.records import MIN_SIDE_PX, PixelBox

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

EDGES = (
    *("ShutterLeftVerticalEdge", "ShutterRightVerticalEdge"),
    *("ShutterUpperHorizontalEdge", "ShutterLowerHorizontalEdge"),
)
SHUTTER_ELEMENTS = (
    "ShutterShape",
    *EDGES,
    *("CenterOfCircularShutter", "RadiusOfCircularShutter", "VerticesOfThePolygonalShutter"),
)
MAX_VERTICES = 1_000
MAX_DISTANCE = 4  # of centre and corners, in longer sides of the film; more is taken as damaged
ROUNDING = 1e-6  # of a crossing, in pixels


class Shutter(NamedTuple):
    """The part of a film that its display shutters leave.

    Attributes:
        outside: (H, W), True for pixels that are not shown.
        box: Bounds of what is shown.
    """

    outside: NDArray[np.bool_]
    box: PixelBox


def find_shutter(header: Dataset, *, rows: int, columns: int, aspect: float) -> Shutter | None:
    """Return what the display shutters of a film leave.

    Args:
        header: Header of the film.
        rows: Of the film.
        columns: Of the film.
        aspect: Height of a pixel divided by its width.

    Returns:
        The part inside of all shapes. None without a shutter, if none of the shapes is valid, or if
        they leave less than MIN_SIDE_PX on a side, which no film has.

    Source:
        DICOM PS3.3, C.7.6.11. Rows and columns are counted from 1; edges and corners lie on pixels
        that are shown; a radius counts pixels along a row.
    """
    shape = (rows, columns)
    found = [
        _rectangle(header, shape),
        _circle(header, shape, aspect),
        _polygon(header, shape),
    ]
    shapes = [inside for inside in found if inside is not None and _is_large(inside)]
    if not shapes:
        return None
    shown = np.logical_and.reduce(shapes)
    if shown.all() or not _is_large(shown):
        return None
    return Shutter(outside=~shown, box=_bounds(shown))


def _shapes(header: Dataset) -> tuple[str, ...]:
    """Return the names of the shapes, which some files write in lower case."""
    return tuple(part.strip().upper() for part in text(header, "ShutterShape").split("\\"))


def _rectangle(header: Dataset, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    edges = [_one(header, name) for name in EDGES]
    if "RECTANGULAR" not in _shapes(header) or not np.isfinite(edges).all():
        return None
    left, right, upper, lower = edges
    row, column = _indices(shape)
    return (row >= upper - 1) & (row <= lower - 1) & (column >= left - 1) & (column <= right - 1)


def _circle(header: Dataset, shape: tuple[int, int], aspect: float) -> NDArray[np.bool_] | None:
    centre = numbers(header, "CenterOfCircularShutter")
    radius = _one(header, "RadiusOfCircularShutter")
    if "CIRCULAR" not in _shapes(header) or len(centre) != 2:
        return None
    if not _is_near([*centre, radius], shape) or radius <= 0:
        return None
    row, column = _indices(shape)
    down, across = (row - (centre[0] - 1)) * aspect, column - (centre[1] - 1)
    return np.asarray(down**2 + across**2 <= radius**2)


def _polygon(header: Dataset, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    values = numbers(header, "VerticesOfThePolygonalShutter")
    if "POLYGONAL" not in _shapes(header) or len(values) % 2 or len(values) < 6:
        return None
    corners = np.array(values[: 2 * MAX_VERTICES]).reshape(-1, 2)[:, ::-1] - 1  # (x, y)
    if not _is_near(corners, shape):
        return None
    shown = np.zeros(shape, bool)
    below = np.roll(corners, -1, axis=0)
    for row in range(shape[0]):
        for above in (np.less, np.less_equal):  # both, so that rows of corners belong to it
            crosses = above(corners[:, 1], row) != above(below[:, 1], row)
            _fill_row(shown[row], corners[crosses], below[crosses], row)
    return shown


def _fill_row(
    shown: NDArray[np.bool_], first: NDArray[np.float64], last: NDArray[np.float64], row: int
) -> None:
    """Set the pixels of a row between every two crossings with sides from first to last."""
    share = (row - first[:, 1]) / (last[:, 1] - first[:, 1])
    crossings = np.sort(first[:, 0] + share * (last[:, 0] - first[:, 0])).clip(-1, len(shown))
    for left, right in crossings.reshape(-1, 2):
        shown[max(0, math.ceil(left - ROUNDING)) : math.floor(right + ROUNDING) + 1] = True


def _one(header: Dataset, keyword: str) -> float:
    """Return the first number of an element; nan without one."""
    found = numbers(header, keyword)
    return found[0] if found else float("nan")


def _is_near(lengths: ArrayLike, shape: tuple[int, int]) -> bool:
    """Return whether all are finite and none is far beyond the film."""
    return bool(np.isfinite(lengths).all() and np.abs(lengths).max() <= MAX_DISTANCE * max(shape))


def _indices(shape: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.arange(shape[0], dtype=float)[:, None], np.arange(shape[1], dtype=float)[None, :]


def _bounds(shown: NDArray[np.bool_]) -> PixelBox:
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    return PixelBox(
        top=int(rows[0]), left=int(columns[0]), bottom=int(rows[-1]) + 1, right=int(columns[-1]) + 1
    )


def _is_large(shown: NDArray[np.bool_]) -> bool:
    if not shown.any():
        return False
    box = _bounds(shown)
    return min(box.height, box.width) >= MIN_SIDE_PX
