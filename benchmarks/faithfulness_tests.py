"""Tests of a map that need no annotation, and the slow methods, on the first few films."""

from __future__ import annotations

import copy

import numpy as np
import pytorch_grad_cam
import torch
from numpy.typing import NDArray
from pytorch_grad_cam.metrics.road import ROADCombined
from tqdm import tqdm

from benchmarks.faithfulness import curves, sanity, stability
from benchmarks.maps import Maps
from bonefx.heatmaps.forward import logits_and_maps
from bonefx.heatmaps.methods import HEATMAP_METHODS
from bonefx.heatmaps.projection import heat_on_input
from bonefx.models.architectures import architecture_of
from bonefx.models.networks import SplitNetwork, log_odds
from bonefx.schema import dump_record
from train.evaluate.localisation import map_heats, measure_maps
from train.fit.outputs import network_input_batches

SLOW = {"score_cam": "ScoreCAM", "ablation_cam": "AblationCAM"}
ROAD_PERCENTILES = [80, 90, 95]


def _few(maps: Maps, films: int) -> Maps:
    """Keep the first films that are called fractured."""
    kept = np.array([truth.index for truth in maps.truths[:films]])
    return Maps(
        model=maps.model,
        films=maps.films.select(kept),
        cells={name: cells[kept] for name, cells in maps.cells.items()},
        called=maps.called[kept],
    )


def _batch(maps: Maps) -> torch.Tensor:
    batches = network_input_batches(maps.films, maps.model.manifest.preprocess, maps.model.device)
    return torch.cat(list(batches))


def faithfulness(maps: Maps, *, films: int) -> dict[str, object]:
    """Measure every method: deletion, insertion, ROAD, randomised weights, small changes."""
    few = _few(maps, films)
    batch = _batch(few)
    return {"n": len(few.films.films)} | {
        name: _of_method(few, batch, name)
        for name in tqdm(HEATMAP_METHODS, desc="faithful", leave=False)
    }


def _of_method(maps: Maps, batch: torch.Tensor, method: str) -> dict[str, object]:
    network, grid = maps.model.network, maps.model.network.grid()
    heats = [heat_on_input(cells, grid, size_px=batch.shape[-1]) for cells in maps.cells[method]]
    pairs = [curves(network, film[None], heat) for film, heat in zip(batch, heats, strict=True)]

    def explain(network: SplitNetwork, batch: torch.Tensor) -> NDArray[np.float32]:
        return logits_and_maps(network, batch, method=method)[1].cpu().numpy()

    return {
        "deletion": float(np.mean([pair.deletion for pair in pairs])),
        "insertion": float(np.mean([pair.insertion for pair in pairs])),
        "road": _road(maps, batch, np.stack(heats)),
        "rank_correlation_when_changed": stability(network, batch, explain),
        "rank_correlation_when_randomised": sanity(
            network, batch, explain, layers=("classifier", maps.model.manifest.cam_layer, "")
        ),
    }


def _road(maps: Maps, batch: torch.Tensor, heats: NDArray[np.float32]) -> float:
    """Measure the library's ROAD: how much more the hottest places matter than the coldest."""
    scores = ROADCombined(percentiles=ROAD_PERCENTILES)(
        batch, heats, [log_odds] * len(batch), maps.model.network.backbone
    )
    return float(np.mean(scores))


def slow_references(maps: Maps, *, films: int) -> dict[str, object]:
    """Measure the methods that mask each channel in turn, by the library with its hooks."""
    few = _few(maps, films)
    return {name: _slow(few, _batch(few), theirs) for name, theirs in SLOW.items()}


def _slow(maps: Maps, batch: torch.Tensor, theirs: str) -> dict[str, object]:
    backbone = copy.deepcopy(maps.model.network.backbone)
    layer = backbone.get_submodule(architecture_of(maps.model.manifest.architecture).cam_layer)
    with getattr(pytorch_grad_cam, theirs)(backbone, [layer]) as library:
        library.batch_size = 16
        cells = [_cells(library, film[None]) for film in tqdm(batch, desc=theirs, leave=False)]
    grid, size_px = maps.model.network.grid(), maps.films.size_px
    heats = map_heats(maps.truths, np.concatenate(cells), grid, size_px=size_px)
    return dump_record(measure_maps(maps.films, maps.truths, heats))


def _cells(library: pytorch_grad_cam.ScoreCAM, film: torch.Tensor) -> NDArray[np.float32]:
    """Take the library's map before it enlarges it, so that it is laid where its cells look."""
    found = {}
    inner = library.get_cam_image

    def keep(*arguments: object) -> NDArray[np.float32]:
        found["cells"] = inner(*arguments)
        return found["cells"]

    library.get_cam_image = keep
    try:
        library(film, targets=[log_odds])
    finally:
        library.get_cam_image = inner
    return np.maximum(found["cells"], 0).astype(np.float32)
