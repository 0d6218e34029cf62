"""Measure whether heat maps lie at annotated fractures.

Every film is scaled to LONGER_SIDE_PX first, so that a tolerance in pixels means the same on each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bonefx.heatmaps.projection import heat_on_film
from bonefx.heatmaps.trust import heat_share
from bonefx.models.cell_grid import CellGrid
from bonefx.models.preprocess import Letterbox
from bonefx.records import Estimate
from bonefx.records.split_figures import Localisation, MapFigures
from train.data import Box
from train.data.cache import CachedFilms
from train.data.index import film_subgroups
from train.metrics import estimate_proportion, estimate_ratio_of_means

LONGER_SIDE_PX = 500
TOLERANCE_PX = 15  # around a box, as usual in the pointing game on pictures of about 500 px
HOTTEST = 0.05  # share of a film
CENTRE_SPREAD = 0.15  # standard deviation of the centre's map, as a share of each side
SMALLEST_HEAT = float(np.finfo(np.float32).tiny)  # the smallest heat that counts as heat
ANNOTATED, CALLED = "annotated", "called_fracture"  # sets of films; see measure_localisation
Shape = tuple[int, int]
Heat = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class AnnotatedFilm:
    """Annotations of a film, scaled to LONGER_SIDE_PX.

    Attributes:
        index: Index of the film in its cache.
        shape: Height and width, in pixels.
        boxes: Left, top, right and bottom edge of each box, in pixels.
        place: Position of the exposed field in the network's input.
        inside: (h, w) bool, whether a pixel lies in a box.
        outlined: (h, w) bool, whether a pixel lies in an outline; None without outlines.
    """

    index: int
    shape: Shape
    boxes: tuple[Box, ...]
    place: Letterbox
    inside: NDArray[np.bool_]
    outlined: NDArray[np.bool_] | None


def annotated_films(films: CachedFilms) -> list[AnnotatedFilm]:
    """Return the annotated fractured films of a cache, in its order."""
    return [annotation_of(films, index) for index, film in enumerate(films.films) if film.boxes]


def annotation_of(films: CachedFilms, index: int) -> AnnotatedFilm:
    """Return the annotations of one film of a cache; it may have none."""
    film = films.films[index]
    height, width = films.shape(index)
    scale = LONGER_SIDE_PX / max(height, width)
    shape = max(1, round(height * scale)), max(1, round(width * scale))
    boxes = tuple(
        (left * scale, top * scale, right * scale, bottom * scale)
        for left, top, right, bottom in film.boxes
    )
    corners = [
        [(left, top), (right, top), (right, bottom), (left, bottom)]
        for left, top, right, bottom in boxes
    ]
    outlines = [np.asarray(line).reshape(-1, 2) * scale for line in film.outlines]
    return AnnotatedFilm(
        index=index,
        shape=shape,
        boxes=boxes,
        place=films.place(index).resized(scale),
        inside=_filled(shape, [np.asarray(line) for line in corners]),
        outlined=_filled(shape, outlines) if outlines else None,
    )


def _filled(shape: Shape, lines: list[NDArray[np.float64]]) -> NDArray[np.bool_]:
    drawn = np.zeros(shape, np.uint8)
    cv2.fillPoly(drawn, [np.rint(line).astype(np.int32) for line in lines], color=1)
    return drawn.astype(bool)


def map_heats(
    truths: list[AnnotatedFilm], cells: NDArray[np.float32], grid: CellGrid
) -> Iterator[Heat]:
    """Yield the heat map of each film from the cells of all films, (N, h, w)."""
    for truth in truths:
        yield heat_on_film(cells[truth.index], grid, shape=truth.shape, place=truth.place)


def centre_heats(truths: list[AnnotatedFilm]) -> Iterator[Heat]:
    """Yield a Gaussian spot in the centre of each film, as a baseline."""
    for truth in truths:
        rows, columns = (
            np.exp(-0.5 * (((np.arange(side) + 0.5) / side - 0.5) / CENTRE_SPREAD) ** 2)
            for side in truth.shape
        )
        yield np.outer(rows, columns).astype(np.float32)


def measure_localisation(
    films: CachedFilms, cells: NDArray[np.float32], called: NDArray[np.bool_], grid: CellGrid
) -> dict[str, Localisation]:
    """Measure maps on annotated fractured films.

    Args:
        films: N cached films.
        cells: Cells of their maps, (N, h, w).
        called: Whether each film is called fractured, (N,).
        grid: Position of the cells on the network input.

    Returns:
        Figures by set of films: "annotated", all annotated fractured films, and
        "called_fracture", those of them that are called fractured. A set without films is left
        out.
    """
    truths = annotated_films(films)
    sets = {ANNOTATED: truths, CALLED: [one for one in truths if called[one.index]]}
    return {
        name: Localisation(
            map=measure_maps(films, own, map_heats(own, cells, grid)),
            centre=measure_maps(films, own, centre_heats(own)),
            pointing_by=_pointing_by(films, own, map_heats(own, cells, grid)),
        )
        for name, own in sets.items()
        if own
    }


def _pointing_by(
    films: CachedFilms, truths: list[AnnotatedFilm], heats: Iterator[Heat]
) -> dict[str, dict[str, Estimate]]:
    """Measure by subgroup how often maps point at the fracture."""
    hits = np.array([points_at(*pair) for pair in zip(heats, truths, strict=True)])
    groups = films.groups[[truth.index for truth in truths]]
    median = float(np.median([truth.inside.mean() for truth in truths]))
    belongs = [
        film_subgroups(films.films[truth.index])
        | {("fracture", "smaller half" if truth.inside.mean() < median else "larger half")}
        for truth in truths
    ]
    found: dict[str, dict[str, Estimate]] = {}
    for trait, value in sorted({pair for pairs in belongs for pair in pairs}):
        own = np.array([(trait, value) in pairs for pairs in belongs])
        estimate = estimate_proportion(hits[own], groups[own])
        assert estimate is not None  # a film gave the value
        found.setdefault(trait, {})[value] = estimate
    return found


def measure_maps(
    films: CachedFilms, truths: list[AnnotatedFilm], heats: Iterator[Heat]
) -> MapFigures:
    """Measure one map for each film.

    Args:
        films: The cache of the films.
        truths: Annotations of at least one film.
        heats: A map of each of these films, in their order and shapes, values >= 0.
    """
    groups = films.groups[[truth.index for truth in truths]]
    pairs = list(zip(truths, heats, strict=True))
    energy, mass = [], []
    points, hottest = np.zeros((2, len(truths)), bool)
    for place, (truth, heat) in enumerate(pairs):
        energy.append(heat_share(heat, truth.inside))
        mass.append(np.nan if truth.outlined is None else heat_share(heat, truth.outlined))
        points[place] = points_at(heat, truth)
        hottest[place] = hottest_holds(heat, truth)
    ones, inside = np.ones(len(truths)), np.array(energy)
    area = np.array([truth.inside.mean() for truth in truths])
    known = ~np.isnan(mass)
    pointing, middle = (estimate_proportion(hits, groups) for hits in (points, hottest))
    assert pointing is not None  # there are films
    assert middle is not None
    return MapFigures(
        pointing=pointing,
        energy=estimate_ratio_of_means(inside, ones, groups),
        gain=estimate_ratio_of_means(inside, area, groups),
        mass=_mean(np.array(mass)[known], groups[known]),
        hottest=middle,
    )


def _mean(values: NDArray[np.float64], groups: NDArray[np.str_]) -> Estimate | None:
    return estimate_ratio_of_means(values, np.ones(len(values)), groups) if len(values) else None


def overlap_with_boxes(heat: Heat, truth: AnnotatedFilm, *, from_share: float) -> float:
    """Compute the intersection over union of the boxes and the hot part of a map.

    Args:
        heat: Map with peak 1, (h, w).
        truth: Annotations of the film.
        from_share: Share of the peak from which a pixel is hot, in [0, 1].
    """
    hot = heat >= max(from_share, SMALLEST_HEAT)
    union = np.count_nonzero(hot | truth.inside)
    return np.count_nonzero(hot & truth.inside) / union if union else 0.0


def points_at(heat: Heat, truth: AnnotatedFilm) -> bool:
    """Return whether the maximum of a map lies in a box or at most TOLERANCE_PX from it.

    Source:
        Zhang et al. (2018), "Top-down neural attention by excitation backprop", section 4.2.
    """
    if not heat.any():
        return False
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    return any(lies_at_box(int(row), int(column), box) for box in truth.boxes)


def lies_at_box(row: int, column: int, box: Box) -> bool:
    """Return whether a pixel lies in a box or at most TOLERANCE_PX from it."""
    left, top, right, bottom = box
    return (
        left - TOLERANCE_PX <= column <= right + TOLERANCE_PX
        and top - TOLERANCE_PX <= row <= bottom + TOLERANCE_PX
    )


def hottest_holds(heat: Heat, truth: AnnotatedFilm) -> bool:
    """Return whether the hottest pixels contain the centre of a box.

    The hottest pixels are a share HOTTEST of the film.
    """
    if not heat.any():
        return False
    height, width = heat.shape
    limit = np.partition(heat, -round(HOTTEST * heat.size), axis=None)[-round(HOTTEST * heat.size)]
    return any(
        heat[
            min(height - 1, int((top + bottom) / 2)), min(width - 1, int((left + right) / 2))
        ] >= max(limit, SMALLEST_HEAT)
        for left, top, right, bottom in truth.boxes
    )  # fmt: skip
