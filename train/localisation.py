"""Does the heat map's maximum lie at an annotated fracture?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonefx.explain import heat_on_film
from bonefx.networks import CellGrid
from bonefx.records import Estimate
from train.cache import CachedFilms
from train.data import Box
from train.metrics import proportion

TOLERANCE = 15 / 500  # of the longer side: the customary 15 px on films of about 500 px

Shape = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointing:
    """Share of annotated films on which a point lies in a box, for the map and for a baseline.

    Attributes:
        map: The heat map's maximum.
        centre: The middle of the film: what a map must beat.
    """

    map: Estimate
    centre: Estimate


def pointing(
    films: CachedFilms,
    cells: NDArray[np.float32],
    called: NDArray[np.bool_],
    grid: CellGrid,
) -> dict[str, Pointing]:
    """Play the pointing game on annotated fractured films.

    Args:
        films: N cached films.
        cells: Their maps, (N, h, w).
        called: Which films are called fractured, (N,).
        grid: Where the cells look.

    Returns:
        "annotated": on all annotated fractured films; "called_fracture": on those of them that
        are called fractured. A set without films is left out.

    Source:
        Zhang et al. (2018), "Top-down neural attention by excitation backprop", section 4.2.
    """
    size_px = films.size_px
    annotated = [index for index, film in enumerate(films.films) if film.boxes]
    sets = {"annotated": annotated, "called_fracture": [i for i in annotated if called[i]]}
    figures = {}
    for name, members in sets.items():
        if not members:
            continue
        shapes = [(int(films.shapes[i][0]), int(films.shapes[i][1])) for i in members]
        boxes = [films.films[i].boxes for i in members]
        peaks = [
            _maximum(cells[i], grid, shape, size_px)
            for i, shape in zip(members, shapes, strict=True)
        ]
        middles = [(height / 2, width / 2) for height, width in shapes]
        groups = np.array([films.films[i].group for i in members])
        figures[name] = Pointing(
            map=_hit_rate(peaks, boxes, shapes, groups),
            centre=_hit_rate(middles, boxes, shapes, groups),
        )
    return figures


def _maximum(
    cells: NDArray[np.float32], grid: CellGrid, shape: Shape, size_px: int
) -> tuple[float, float]:
    """Row and column of the map's maximum on the film."""
    heat = heat_on_film(cells, grid, shape=shape, size_px=size_px)
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    return float(row), float(column)


def _hit_rate(
    points: list[tuple[float, float]],
    boxes: list[tuple[Box, ...]],
    shapes: list[Shape],
    groups: NDArray[np.str_],
) -> Estimate:
    hits = [
        any(_inside(point, box, TOLERANCE * max(shape)) for box in own)
        for point, own, shape in zip(points, boxes, shapes, strict=True)
    ]
    rate = proportion(np.array(hits), groups)
    assert rate is not None  # the caller leaves empty sets out
    return rate


def _inside(point: tuple[float, float], box: Box, tolerance: float) -> bool:
    row, column = point
    left, top, right, bottom = box
    return (
        left - tolerance <= column <= right + tolerance
        and top - tolerance <= row <= bottom + tolerance
    )
