"""Measure the overlap of two models' heat maps on validation fractures that both find."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bonefx.heatmaps.agreement import hot_region_overlap
from bonefx.heatmaps.projection import heat_on_film
from bonefx.models.measured_comparison import MapOverlap
from bonefx.models.registry import LoadedModel, load_model
from train.data import Film
from train.data.cache import CachedFilms, load_cached
from train.evaluate.maps.localisation import LONGER_SIDE_PX
from train.evaluate.operating_points import BALANCED, FLOOR_QUANTILE, calibrated_probabilities
from train.fit.outputs import NetworkOutputs, compute_network_outputs


def map_overlap(
    folders: Sequence[Path], films: Sequence[Film], *, cache: Path, device: torch.device
) -> MapOverlap | None:
    """Measure the overlap of the hot regions of two models' maps.

    Args:
        folders: Two model folders.
        films: Validation films, on which neither was trained; films without a fracture are left
            out.
        cache: Folder of decoded films.
        device: Where the networks run.

    Returns:
        The overlap; None if there is no film on which both find the fracture and show a map.
    """
    fractured = [film for film in films if film.fractured]
    first, second = (
        _shown_maps(load_model(folder, device=device), fractured, cache) for folder in folders
    )
    both = sorted(first.keys() & second.keys())
    if not both:
        return None
    overlaps = np.array([hot_region_overlap(first[name], second[name]) for name in both])
    return MapOverlap(
        n=len(both),
        median=float(np.median(overlaps)),
        least=float(np.quantile(overlaps, FLOOR_QUANTILE)),
    )


def _shown_maps(
    model: LoadedModel, films: list[Film], cache: Path
) -> dict[str, NDArray[np.float32]]:
    """Return the maps that a model shows on films that it calls fractured, by film checksum."""
    manifest = model.manifest
    read = load_cached(
        films,
        size_px=manifest.preprocess.size_px,
        folder=cache,
        grey_levels=manifest.preprocess.grey_levels,
    )
    outputs = compute_network_outputs(model.network, read, manifest.preprocess)
    threshold = model.point(BALANCED).threshold
    called = calibrated_probabilities(outputs.logits, manifest.calibration) >= threshold
    shown = np.flatnonzero(called & (outputs.peaks >= manifest.heat_floor))
    return {str(read.sha256[index]): _heat(model, read, outputs, int(index)) for index in shown}


def _heat(
    model: LoadedModel, films: CachedFilms, outputs: NetworkOutputs, index: int
) -> NDArray[np.float32]:
    height, width = films.shape(index)
    scale = LONGER_SIDE_PX / max(height, width)
    shape = max(1, round(height * scale)), max(1, round(width * scale))
    place = films.place(index).resized(scale)
    return heat_on_film(outputs.cells[index], model.network.grid(), shape=shape, place=place)
