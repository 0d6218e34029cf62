"""Projection of a heat map from the network's cells to the pixels of the film."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bonefx.models.cell_grid import CellGrid
from bonefx.models.preprocess import Letterbox, letterbox_of


def peak_on_film(cells: NDArray[np.float32], grid: CellGrid, *, place: Letterbox) -> float:
    """Return a map's largest value on its film's exposed field, without the letterbox's border.

    Args:
        cells: (h, w) >= 0, in logits.
        grid: Centres of the cells, in pixels of the network's input.
        place: Position of the field in the square input.

    Returns:
        The peak over the input's pixels that show the field, in logits.
    """
    rows = _cell_weights(np.arange(place.height) + place.top, cells.shape[0], grid)
    columns = _cell_weights(np.arange(place.width) + place.left, cells.shape[1], grid)
    return float((rows @ cells @ columns.T).max())


def heat_on_film(
    cells: NDArray[np.float32], grid: CellGrid, *, shape: tuple[int, int], place: Letterbox
) -> NDArray[np.float32]:
    """Project a map on its film, by linear interpolation between the centres of the cells.

    Args:
        cells: (h, w) >= 0.
        grid: Centres of the cells, in pixels of the network's input.
        shape: Height and width of the film.
        place: Position of the film's exposed field in the square input.

    Returns:
        (H, W) float32 in [0, 1]: the map divided by peak_on_film, or zeros if that is 0. Zero
        outside of the field's bounds, which the network did not see.
    """
    down, across = (place.y(_centres(shape[0])) - 0.5, place.x(_centres(shape[1])) - 0.5)
    rows = _cell_weights(down, cells.shape[0], grid)
    columns = _cell_weights(across, cells.shape[1], grid)
    rows[_beside(down, place.top, place.height)] = 0
    columns[_beside(across, place.left, place.width)] = 0
    peak = peak_on_film(cells, grid, place=place)
    scaled = cells / np.float32(peak) if peak > 0 else cells
    heat: NDArray[np.float32] = np.clip(rows @ scaled @ columns.T, 0.0, 1.0)
    return heat.astype(np.float32, copy=False)


def heat_on_input(
    cells: NDArray[np.float32], grid: CellGrid, *, size_px: int
) -> NDArray[np.float32]:
    """Project a map on the network's whole input, (S, S) in [0, 1]; see heat_on_film."""
    whole = letterbox_of(size_px, size_px, size_px=size_px)
    return heat_on_film(cells, grid, shape=(size_px, size_px), place=whole)


def _centres(count: int) -> NDArray[np.float64]:
    return np.arange(count, dtype=np.float64) + 0.5


def _beside(in_input: NDArray[np.float64], first: int, count: int) -> NDArray[np.bool_]:
    """Return which pixel centres, in indices of the input, lie outside of the field."""
    return (in_input < first - 0.5) | (in_input > first + count - 0.5)


def _cell_weights(
    in_input: NDArray[np.floating | np.integer], cells: int, grid: CellGrid
) -> NDArray[np.float32]:
    """Return the weight of each cell at each position along one axis, (positions, cells).

    Interpolation is linear between cells and constant beyond the first and the last.
    """
    cell = np.clip((in_input - grid.offset_px) / grid.stride_px, 0, cells - 1)
    return np.clip(1.0 - np.abs(cell[:, None] - np.arange(cells)), 0.0, 1.0).astype(np.float32)
