"""Measure heat maps as their checks in readings do, and whether they point at the fracture."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from bonefx.heatmaps.markers import border_mask, marker_mask
from bonefx.heatmaps.projection import heat_on_film, heat_on_input
from bonefx.heatmaps.trust import heat_share, logit_drops
from bonefx.models.cell_grid import CellGrid
from bonefx.models.networks import SplitNetwork
from bonefx.models.preprocess import PreprocessSpec, letterbox_of
from train.data.cache import CachedFilms
from train.evaluate.maps.localisation import annotated_films, map_heats, points_at
from train.evaluate.split_figures import ReadSplit
from train.fit.outputs import FORWARD_BATCH_FILMS, network_input_batches


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class MapChecks:
    """Measures of N heat maps.

    Attributes:
        peaks: Largest value of each map, (N,), in logits.
        border: Share of each map on the border of its film, (N,), in [0, 1].
        markers: Share of each map on side markers and burnt-in text, (N,), in [0, 1].
        drops: Fall of the log-odds when each hot region is blurred, (N,), in logits.
        hits: Whether each map's maximum lies at a box, (N,); False for films without boxes.
        groups: Patient or block of each film, (N,).
    """

    peaks: NDArray[np.float64]
    border: NDArray[np.float64]
    markers: NDArray[np.float64]
    drops: NDArray[np.float64]
    hits: NDArray[np.bool_]
    groups: NDArray[np.str_]

    def select(self, indices: NDArray[np.int64]) -> MapChecks:
        """Return the measures of the maps at the given indices, in that order."""
        return MapChecks(**{one.name: getattr(self, one.name)[indices] for one in fields(self)})


def measure_map_checks(
    network: SplitNetwork, read: ReadSplit, chosen: NDArray[np.bool_], spec: PreprocessSpec
) -> MapChecks:
    """Measure the maps of some films.

    Args:
        network: The network.
        read: N films with its outputs.
        chosen: Which films are measured, (N,).
        spec: Preprocessing of the network.
    """
    own = read.select(np.flatnonzero(chosen))
    films, cells, grid = own.films, own.outputs.cells, network.grid()
    shares = [shares_off_anatomy(films, i, cells[i], grid) for i in range(len(cells))]
    border, markers = np.array(shares, np.float64).reshape(-1, 2).T
    boxed = annotated_films(films)
    hits = np.zeros(len(cells), bool)
    for truth, heat in zip(boxed, map_heats(boxed, cells, grid), strict=True):
        hits[truth.index] = points_at(heat, truth)
    return MapChecks(
        peaks=own.outputs.peaks, border=border, markers=markers,
        drops=_measure_drops(network, own, spec), hits=hits, groups=films.groups,
    )  # fmt: skip


def shares_off_anatomy(
    films: CachedFilms, index: int, cells: NDArray[np.float32], grid: CellGrid
) -> tuple[float, float]:
    """Compute the shares of a map on the border of its film and on markers, each in [0, 1].

    Args:
        films: Cache of the film, at the size of the network input.
        index: Index of the film in the cache.
        cells: Cells of its map, (h, w).
        grid: Position of the cells on the network input.
    """
    part = films.place(index).slices  # the exposed field, as in readings
    pixels = np.asarray(films.squares[films.rows[index]][part], np.float32) / np.float32(255)
    shape = (pixels.shape[0], pixels.shape[1])
    place = letterbox_of(*shape, size_px=films.size_px)
    heat = heat_on_film(cells, grid, shape=shape, place=place)
    return heat_share(heat, border_mask(shape)), heat_share(heat, marker_mask(pixels))


def _measure_drops(
    network: SplitNetwork, read: ReadSplit, spec: PreprocessSpec
) -> NDArray[np.float64]:
    device = next(network.parameters()).device
    films, cells = read.films, read.outputs.cells
    heats = [heat_on_input(own, network.grid(), size_px=films.size_px) for own in cells]
    drops: list[float] = []
    for place, batch in enumerate(network_input_batches(films, spec, device)):
        own = slice(place * FORWARD_BATCH_FILMS, (place + 1) * FORWARD_BATCH_FILMS)
        logits = read.logits[own].tolist()
        drops += logit_drops(network, batch, np.stack(heats[own]), logits=logits)
    return np.array(drops, np.float64)
