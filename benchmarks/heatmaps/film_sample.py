"""Faithfulness and the slow heat-map methods, measured on the first few films."""

from __future__ import annotations

import copy

import numpy as np
import pytorch_grad_cam
import torch
from numpy.typing import NDArray
from pytorch_grad_cam.metrics.road import ROADCombined
from tqdm import tqdm

from benchmarks.heatmaps.faithfulness import (
    deletion_and_insertion,
    measure_stability,
    measure_weight_sensitivity,
)
from benchmarks.heatmaps.model_maps import ModelMaps
from bonefx.heatmaps.forward import logits_and_maps
from bonefx.heatmaps.methods import HEATMAP_METHODS
from bonefx.heatmaps.projection import heat_on_input
from bonefx.models.architectures import architecture_of
from bonefx.models.networks import SplitNetwork, log_odds
from bonefx.schema import dump_record
from train.evaluate.maps.localisation import map_heats, measure_maps
from train.fit.outputs import network_input_batches

SLOW_METHODS = {"score_cam": "ScoreCAM", "ablation_cam": "AblationCAM"}
ROAD_PERCENTILES = [80, 90, 95]


def _first_films(maps: ModelMaps, films: int) -> ModelMaps:
    """Return the maps of the first films that the model calls fractured."""
    kept = np.array([truth.index for truth in maps.truths[:films]])
    return ModelMaps(
        model=maps.model,
        films=maps.films.select(kept),
        cells={name: cells[kept] for name, cells in maps.cells.items()},
        called=maps.called[kept],
    )


def _batch(maps: ModelMaps) -> torch.Tensor:
    batches = network_input_batches(maps.films, maps.model.manifest.preprocess, maps.model.device)
    return torch.cat(list(batches))


def measure_faithfulness(maps: ModelMaps, *, films: int) -> dict[str, object]:
    """Measure deletion, insertion, ROAD, randomised weights and small changes, by method."""
    sample = _first_films(maps, films)
    batch = _batch(sample)
    return {"n": len(sample.films.films)} | {
        name: _measure_method(sample, batch, name)
        for name in tqdm(HEATMAP_METHODS, desc="faithfulness", leave=False)
    }


def _measure_method(maps: ModelMaps, batch: torch.Tensor, method: str) -> dict[str, object]:
    network, grid = maps.model.network, maps.model.network.grid()
    heats = [heat_on_input(cells, grid, size_px=batch.shape[-1]) for cells in maps.cells[method]]
    pairs = [
        deletion_and_insertion(network, film[None], heat)
        for film, heat in zip(batch, heats, strict=True)
    ]

    def explain(network: SplitNetwork, batch: torch.Tensor) -> NDArray[np.float32]:
        return logits_and_maps(network, batch, method=method)[1].cpu().numpy()

    return {
        "deletion": float(np.mean([pair.deletion for pair in pairs])),
        "insertion": float(np.mean([pair.insertion for pair in pairs])),
        "road": _road(maps, batch, np.stack(heats)),
        "rank_correlation_when_changed": measure_stability(network, batch, explain),
        "rank_correlation_when_randomised": measure_weight_sensitivity(
            network, batch, explain, layers=("classifier", maps.model.manifest.cam_layer, "")
        ),
    }


def _road(maps: ModelMaps, batch: torch.Tensor, heats: NDArray[np.float32]) -> float:
    """Compute ROAD: how much more the hottest pixels matter than the coldest."""
    differences = ROADCombined(percentiles=ROAD_PERCENTILES)(
        batch, heats, [log_odds] * len(batch), maps.model.network.backbone
    )
    return float(np.mean(differences))


def measure_slow_methods(maps: ModelMaps, *, films: int) -> dict[str, object]:
    """Measure the methods that mask each channel in turn, as pytorch-grad-cam computes them."""
    sample = _first_films(maps, films)
    return {
        name: _measure_slow_method(sample, _batch(sample), library_method)
        for name, library_method in SLOW_METHODS.items()
    }


def _measure_slow_method(
    maps: ModelMaps, batch: torch.Tensor, library_method: str
) -> dict[str, object]:
    backbone = copy.deepcopy(maps.model.network.backbone)
    layer = backbone.get_submodule(architecture_of(maps.model.manifest.architecture).cam_layer)
    with getattr(pytorch_grad_cam, library_method)(backbone, [layer]) as library:
        library.batch_size = 16
        cells = [
            _cells(library, film[None]) for film in tqdm(batch, desc=library_method, leave=False)
        ]
    grid = maps.model.network.grid()
    heats = map_heats(maps.truths, np.concatenate(cells), grid)
    figures: dict[str, object] = dump_record(measure_maps(maps.films, maps.truths, heats))
    return figures


def _cells(library: pytorch_grad_cam.ScoreCAM, film: torch.Tensor) -> NDArray[np.float32]:
    """Return the library's map before it is enlarged, so that it is projected as ours is."""
    captured: dict[str, NDArray[np.float32]] = {}
    original = library.get_cam_image

    def capture(*arguments: object) -> NDArray[np.float32]:
        cells: NDArray[np.float32] = original(*arguments)
        captured["cells"] = cells
        return cells

    library.get_cam_image = capture
    try:
        library(film, targets=[log_odds])
    finally:
        library.get_cam_image = original
    return np.maximum(captured["cells"], np.float32(0)).astype(np.float32, copy=False)
