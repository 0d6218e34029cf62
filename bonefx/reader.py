"""Reader: radiographs x a model -> Readings. The app, the command line and reports all ask here."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bonefx.decide import calibrated_probability, decide, review_reason
from bonefx.errors import SettingsError, WeightsError
from bonefx.explain import heat_on_film, logits_and_maps
from bonefx.preprocess import to_batch
from bonefx.records import OperatingPoint, Radiograph, Reading
from bonefx.registry import WEIGHTS, LoadedModel, load_model, model_ids


class Reader:
    """Models loaded once; nothing of a request is kept."""

    def __init__(self, models: Sequence[LoadedModel]) -> None:
        if not models:
            raise WeightsError("no model is loaded; the weights folder must hold at least one")
        self._models = {model.manifest.id: model for model in models}

    @classmethod
    def from_folder(
        cls, weights: Path = WEIGHTS, *, device: torch.device, ids: Sequence[str] | None = None
    ) -> Reader:
        """Load models of a weights folder.

        Args:
            weights: Holds one folder a model.
            device: Where the networks shall lie.
            ids: Which models; None loads all.

        Raises:
            WeightsError: A model is missing or damaged, or there is none.
        """
        wanted = model_ids(weights) if ids is None else ids
        return cls([load_model(weights / name, device=device) for name in wanted])

    @property
    def models(self) -> list[LoadedModel]:
        """All loaded models, the default first."""
        return list(self._models.values())

    def model(self, name: str | None = None) -> LoadedModel:
        """Look a model up by id; None gives the first.

        Raises:
            SettingsError: No such model is loaded.
        """
        if name is None:
            return self.models[0]
        if name not in self._models:
            raise SettingsError(f"no model {name!r} is loaded; use {', '.join(self._models)}")
        return self._models[name]

    def warm_up(self) -> None:
        """Run each network once on a black film, so that the first user does not wait."""
        for model in self.models:
            size_px = model.manifest.preprocess.size_px
            logits_and_maps(model.network, torch.zeros(1, 3, size_px, size_px, device=model.device))

    def read(
        self,
        radiograph: Radiograph,
        *,
        model: str | None = None,
        point: str | None = None,
        heat: bool = True,
    ) -> Reading:
        """Read one film; see read_batch."""
        return self.read_batch([radiograph], model=model, point=point, heat=heat)[0]

    def read_batch(
        self,
        radiographs: Sequence[Radiograph],
        *,
        model: str | None = None,
        point: str | None = None,
        heat: bool = True,
    ) -> list[Reading]:
        """Read films in one forward pass.

        Args:
            radiographs: N films of any size.
            model: Id of a loaded model; None takes the first.
            point: Name of an operating point; None takes the model's default.
            heat: Lay the heat map over each film.

        Returns:
            N readings, in the order of the films.

        Raises:
            SettingsError: No such model or operating point.
        """
        loaded = self.model(model)
        chosen = loaded.point(point)
        if not radiographs:
            return []
        started = time.perf_counter()
        batch = to_batch(list(radiographs), loaded.manifest.preprocess).to(
            loaded.device, memory_format=torch.channels_last
        )
        logits, maps = logits_and_maps(loaded.network, batch)
        cells = maps.cpu().numpy()
        elapsed_s = (time.perf_counter() - started) / len(radiographs)
        return [
            _reading(loaded, chosen, film, logit=logit, cells=cells[i] if heat else None,
                     elapsed_s=elapsed_s)
            for i, (film, logit) in enumerate(zip(radiographs, logits.tolist(), strict=True))
        ]  # fmt: skip


def _reading(
    model: LoadedModel,
    point: OperatingPoint,
    film: Radiograph,
    *,
    logit: float,
    cells: NDArray[np.float32] | None,
    elapsed_s: float,
) -> Reading:
    manifest = model.manifest
    probability = calibrated_probability(logit, manifest.calibration)
    return Reading(
        radiograph_sha256=film.sha256,
        model=manifest.id,
        weights_sha256=manifest.sha256,
        verdict=decide(probability, point),
        reason=review_reason(probability, point),
        logit=logit,
        probability=probability,
        point=point,
        device=str(model.device),
        elapsed_s=elapsed_s,
        heat=None if cells is None else _heat(model, film, cells),
        heat_peak=None if cells is None else float(cells.max()),
    )


def _heat(
    model: LoadedModel, film: Radiograph, cells: NDArray[np.float32]
) -> NDArray[np.float32] | None:
    """Lay the map over the film, unless its peak is below the model's floor."""
    if float(cells.max()) < model.manifest.heat_floor:
        return None
    height, width = film.pixels.shape
    return heat_on_film(
        cells,
        model.network.grid(),
        shape=(height, width),
        size_px=model.manifest.preprocess.size_px,
    )
