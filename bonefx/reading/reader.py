"""Reader: radiographs x a model -> Readings. The app, the command line and reports all ask here."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from bonefx.errors import SettingsError, WeightsError
from bonefx.heatmaps.forward import ForwardPass, logits_and_maps, run_with_gradients
from bonefx.heatmaps.methods import GRAD_CAM, check_heatmap_method, class_activation_map
from bonefx.heatmaps.projection import heat_on_film, heat_on_input, peak_on_film
from bonefx.heatmaps.trust import logit_drops, measure_trust
from bonefx.models.decision import calibrated_probability, decide, review_reason
from bonefx.models.evaluation import summarise_evaluation
from bonefx.models.hub import load_located_model, locate_model
from bonefx.models.preprocess import to_batch
from bonefx.models.registry import LoadedModel, model_ids, weights_folder
from bonefx.records import OperatingPoint, Radiograph, Reading, Trust, Verdict
from bonefx.scope.gate import ScopeResult, check_scope


class Reader:
    """Models loaded once; nothing of a request is kept."""

    def __init__(self, models: Sequence[LoadedModel]) -> None:
        if not models:
            raise WeightsError(
                "no model is loaded; give a folder of models with BONEFX_WEIGHTS or --weights, or "
                "one model with --model"
            )
        self._models = {model.name: model for model in models}
        self._standings = {model.name: summarise_evaluation(model) for model in models}
        if len(self._models) < len(models):
            raise WeightsError(
                f"two of these models have one name: {', '.join(model.name for model in models)}; "
                "load one of the two, or export one under another id"
            )

    @classmethod
    def from_folder(
        cls,
        weights: Path | None = None,
        *,
        device: torch.device,
        ids: Sequence[str] | None = None,
        also: Sequence[str] = (),
    ) -> Reader:
        """Load models of a weights folder, and others by where they lie.

        Args:
            weights: Holds one folder a model; None takes registry.weights_folder().
            device: Where the networks shall lie.
            ids: Which models, as hub.model_place takes them; None loads all of the folder.
            also: More models, behind those; one that is there already is not loaded twice.

        Raises:
            WeightsError: A model is missing or damaged, or there is none.
        """
        folder = weights_folder(weights)
        wanted = [*(model_ids(folder) if ids is None else ids), *also]
        places = dict.fromkeys(locate_model(name, weights=folder) for name in wanted)
        return cls([load_located_model(place, device=device) for place in places])

    @property
    def models(self) -> list[LoadedModel]:
        """All loaded models, the default first."""
        return list(self._models.values())

    def model(self, name: str | None = None) -> LoadedModel:
        """Look a model up by name; None gives the first.

        Raises:
            SettingsError: No such model is loaded.
        """
        if name is None:
            return self.models[0]
        if name not in self._models:
            raise SettingsError(f"no model {name!r} is loaded; use {', '.join(self._models)}")
        return self._models[name]

    def caution(self, name: str | None = None) -> str:
        """Say why films should not be read with a model; see evaluation.Standing.

        Raises:
            SettingsError: No such model is loaded.
        """
        return self._standings[self.model(name).name].caution

    def tested_on(self, name: str | None = None) -> str:
        """Name the films that a model's figures are of; see evaluation.Standing.

        Raises:
            SettingsError: No such model is loaded.
        """
        return self._standings[self.model(name).name].tested_on

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
        method: str = GRAD_CAM,
    ) -> Reading:
        """Read one film; see read_batch."""
        readings = self.read_batch([radiograph], model=model, point=point, heat=heat, method=method)
        return readings[0]

    def read_batch(
        self,
        radiographs: Sequence[Radiograph],
        *,
        model: str | None = None,
        point: str | None = None,
        heat: bool = True,
        method: str = GRAD_CAM,
    ) -> list[Reading]:
        """Read films in one forward pass; a film out of the model's scope gets no answer.

        Args:
            radiographs: N films of any size.
            model: Name of a loaded model; None takes the first.
            point: Name of an operating point; None takes the model's default.
            heat: Lay the heat map over each film.
            method: How the map is made, one of cam.METHODS. The floor and the limits of trust were
                chosen for Grad-CAM, whose unit is logits: maps by other methods are not held
                against them, and have no peak that could be told.

        Returns:
            N readings, in the order of the films.

        Raises:
            SettingsError: No such model, operating point or method.
        """
        loaded = self.model(model)
        chosen = loaded.point(point)
        check_heatmap_method(method)
        if not radiographs:
            return []
        started = time.perf_counter()
        batch = to_batch(list(radiographs), loaded.manifest.preprocess).to(
            loaded.device, memory_format=torch.channels_last
        )
        passed = run_with_gradients(loaded.network, batch)
        gate = check_scope(
            loaded.scope,
            radiographs,
            passed.signature.float().cpu().numpy(),
            signatures_of=loaded.signatures,
        )
        admitted = [index for index, entry in enumerate(gate) if entry.refusal is None]
        found = _evidence_of(
            loaded, [radiographs[index] for index in admitted], batch[admitted],
            ForwardPass(*(part[admitted] for part in passed)), lay=heat, method=method,
        )  # fmt: skip
        evidence = dict(zip(admitted, found, strict=True))
        elapsed_s = (time.perf_counter() - started) / len(radiographs)
        readings = (
            _reading(loaded, chosen, film, entry=entry, evidence=evidence.get(index))
            for index, (film, entry) in enumerate(zip(radiographs, gate, strict=True))
        )
        standing = self._standings[loaded.name]
        return [
            replace(
                reading, caution=standing.caution, taught_by=standing.taught_by,
                elapsed_s=elapsed_s,
            )
            for reading in readings
        ]  # fmt: skip


class FilmEvidence(NamedTuple):
    """A film's logit, map by cells and on the film (None if not shown), its peak and trust."""

    logit: float
    cells: NDArray[np.float32]
    heat: NDArray[np.float32] | None
    peak: float | None
    trust: Trust | None = None


def _evidence_of(
    model: LoadedModel,
    films: Sequence[Radiograph],
    batch: torch.Tensor,
    passed: ForwardPass,
    *,
    lay: bool,
    method: str,
) -> list[FilmEvidence]:
    """Make the maps of films in scope from one pass over them, and see what they are worth."""
    if not films:
        return []
    cells = class_activation_map(method, passed.activations, passed.gradients).cpu().numpy()
    evidence = [
        _evidence(model, film, own, logit=logit, lay=lay, method=method)
        for film, own, logit in zip(films, cells, passed.logits.tolist(), strict=True)
    ]
    return _believed(model, films, batch, evidence) if method == GRAD_CAM else evidence


def _evidence(
    model: LoadedModel,
    film: Radiograph,
    cells: NDArray[np.float32],
    *,
    logit: float,
    lay: bool,
    method: str,
) -> FilmEvidence:
    """Measure a map's peak and lay it over the film, unless the peak is below the floor."""
    height, width = film.pixels.shape
    place: dict[str, Any] = {
        "shape": (height, width),
        "size_px": model.manifest.preprocess.size_px,
    }
    grid = model.network.grid()
    if method != GRAD_CAM:
        return FilmEvidence(logit, cells, heat_on_film(cells, grid, **place) if lay else None, None)
    peak = peak_on_film(cells, grid, **place)
    shown = lay and peak >= model.manifest.heat_floor
    return FilmEvidence(logit, cells, heat_on_film(cells, grid, **place) if shown else None, peak)


def _believed(
    model: LoadedModel,
    films: Sequence[Radiograph],
    batch: torch.Tensor,
    evidence: list[FilmEvidence],
) -> list[FilmEvidence]:
    """Measure the maps that would be shown, and take away those that are not to be believed."""
    limits = model.manifest.trust
    shown = [index for index, found in enumerate(evidence) if found.heat is not None]
    if limits is None or not shown:
        return evidence
    grid, size_px = model.network.grid(), model.manifest.preprocess.size_px
    cells = [evidence[index].cells for index in shown]
    heats = np.stack([heat_on_input(own, grid, size_px=size_px) for own in cells])
    result = list(evidence)
    for index, drop in zip(shown, logit_drops(model.network, batch[shown], heats), strict=True):
        found = evidence[index]
        assert found.heat is not None
        assert found.peak is not None
        trust = measure_trust(
            films[index].pixels, found.heat, peak=found.peak, drop=drop, limits=limits
        )
        heat = None if trust.failures else found.heat
        result[index] = found._replace(heat=heat, trust=trust)
    return result


def _reading(
    model: LoadedModel,
    point: OperatingPoint,
    film: Radiograph,
    *,
    entry: ScopeResult,
    evidence: FilmEvidence | None,
) -> Reading:
    """Put an answer together; of a film out of scope, nothing that the network said goes on."""
    refused = Reading(
        radiograph_sha256=film.sha256,
        model=model.name,
        weights_sha256=model.manifest.sha256,
        verdict=Verdict.OUT_OF_SCOPE,
        reason=entry.refusal,
        point=point,
        device=str(model.device),
        elapsed_s=0.0,
        inverted=film.inverted,
        looks_inverted=entry.looks_inverted,
    )
    if evidence is None:
        return refused
    probability = calibrated_probability(evidence.logit, model.manifest.calibration)
    return replace(
        refused,
        verdict=decide(probability, point),
        reason=review_reason(probability, point),
        logit=evidence.logit,
        probability=probability,
        heat=evidence.heat,
        heat_peak=evidence.peak,
        trust=evidence.trust,
        regions=entry.regions,
    )
