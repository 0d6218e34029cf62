"""A model's heat maps of annotated films by every method, with baselines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from bonefx.heatmaps.forward import run_with_gradients
from bonefx.heatmaps.methods import GRAD_CAM, HEATMAP_METHODS, class_activation_map
from bonefx.models.registry import LoadedModel
from train.data.augment import draw_fracture_mask
from train.data.cache import CachedFilms
from train.evaluate.maps.localisation import (
    AnnotatedFilm,
    Heat,
    annotated_films,
    centre_heats,
    map_heats,
)
from train.evaluate.operating_points import BALANCED, calibrated_probabilities
from train.fit.objective import cell_targets
from train.fit.outputs import FORWARD_BATCH_FILMS, network_input_batches

Heats = Callable[[list[AnnotatedFilm]], Iterator[Heat]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelMaps:
    """The annotated films of a split with one model's maps of them.

    Attributes:
        films: The annotated films only.
        cells: Maps by method, (N, h, w).
        called: Whether the balanced operating point calls each film fractured, (N,).
    """

    model: LoadedModel
    films: CachedFilms
    cells: dict[str, NDArray[np.float32]]
    called: NDArray[np.bool_]

    @property
    def truths(self) -> list[AnnotatedFilm]:
        """Return the annotations of the films that the model calls fractured."""
        return [truth for truth in annotated_films(self.films) if self.called[truth.index]]

    def rows(self) -> dict[str, Heats]:
        """Return the heat maps of each method, baseline and of the grid's ceiling, by name."""
        grid = self.model.network.grid()

        def of(cells: NDArray[np.float32]) -> Heats:
            return lambda truths: map_heats(truths, cells, grid)

        shape = self.cells[GRAD_CAM].shape
        random = np.random.default_rng(0).random(shape, dtype=np.float32)
        return {name: of(cells) for name, cells in self.cells.items()} | {
            "centre of the film": centre_heats,
            "random map": of(random),
            "ceiling: boxes on the network's grid": of(self._ceiling(shape)),
        }

    def _ceiling(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        masks = torch.stack([draw_fracture_mask(self.films, i) for i in range(shape[0])])
        grid = self.model.network.grid()
        return cell_targets(masks, grid, (shape[1], shape[2])).numpy()


def compute_model_maps(model: LoadedModel, films: CachedFilms) -> ModelMaps:
    """Compute a model's maps of the annotated films of a split, by all methods in one pass."""
    annotated = films.select(np.flatnonzero([bool(film.boxes) for film in films.films]))
    logits: list[NDArray[np.float64]] = []
    cells: dict[str, list[NDArray[np.float32]]] = {name: [] for name in HEATMAP_METHODS}
    spec, steps = model.manifest.preprocess, -(-len(annotated.films) // FORWARD_BATCH_FILMS)
    batches = network_input_batches(annotated, spec, model.device)
    for batch in tqdm(batches, desc="maps", total=steps, leave=False):
        passed = run_with_gradients(model.network, batch)
        logits.append(passed.logits.double().cpu().numpy())
        for name in HEATMAP_METHODS:
            cells[name].append(
                class_activation_map(name, passed.activations, passed.gradients).cpu().numpy()
            )
    probability = calibrated_probabilities(np.concatenate(logits), model.manifest.calibration)
    return ModelMaps(
        model=model,
        films=annotated,
        cells={name: np.concatenate(parts) for name, parts in cells.items()},
        called=probability >= model.point(BALANCED).threshold,
    )
