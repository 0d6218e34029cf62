"""Choose the limits of the heat map checks from validation true positives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bonefx.heatmaps.markers import border_mask, marker_mask
from bonefx.heatmaps.projection import heat_on_film, heat_on_input
from bonefx.heatmaps.trust import heat_share, logit_drops
from bonefx.models.cell_grid import CellGrid
from bonefx.models.networks import SplitNetwork
from bonefx.models.preprocess import PreprocessSpec, letterbox_of
from bonefx.records import TrustLimits
from train.data.cache import CachedFilms
from train.evaluate.operating_points import FLOOR_QUANTILE
from train.evaluate.split_figures import ReadSplit
from train.fit.outputs import FORWARD_BATCH_FILMS, network_input_batches

QUANTILES = 21  # of the peaks, 5 % apart
MIN_SHARE_LIMIT = 0.05  # smallest limit of a share on border or markers


def trust_limits(
    network: SplitNetwork, read: ReadSplit, found: NDArray[np.bool_], spec: PreprocessSpec
) -> TrustLimits | None:
    """Choose limits that most maps of validation true positives keep to.

    Args:
        network: The network.
        read: N validation films with its outputs.
        found: Whether a film is fractured, called fractured, and its map is shown, (N,).
        spec: Preprocessing of the network.

    Returns:
        The limits; None if no map is shown.
    """
    members = np.flatnonzero(found)
    if not len(members):
        return None
    outputs, grid = read.outputs, network.grid()
    shares = np.array([
        shares_off_anatomy(read.films, int(index), outputs.cells[index], grid) for index in members
    ])  # fmt: skip
    border, markers = np.quantile(shares, 1 - FLOOR_QUANTILE, axis=0)
    drops = _measure_drops(network, read.films.select(members), outputs.cells[members], spec)
    return TrustLimits(
        peaks=tuple(np.quantile(outputs.peaks[members], np.linspace(0, 1, QUANTILES)).tolist()),
        border_share=max(MIN_SHARE_LIMIT, float(border)),
        marker_share=max(MIN_SHARE_LIMIT, float(markers)),
        drop=float(np.quantile(drops, FLOOR_QUANTILE)),
        n=len(members),
    )


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
    network: SplitNetwork,
    films: CachedFilms,
    cells: NDArray[np.float32],
    spec: PreprocessSpec,
) -> list[float]:
    device = next(network.parameters()).device
    heats = [heat_on_input(own, network.grid(), size_px=films.size_px) for own in cells]
    drops: list[float] = []
    for place, batch in enumerate(network_input_batches(films, spec, device)):
        own = heats[place * FORWARD_BATCH_FILMS : (place + 1) * FORWARD_BATCH_FILMS]
        drops += logit_drops(network, batch, np.stack(own))
    return drops
