"""Read radiographs with a loaded model; the app, the command line and the reports all use this."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from bonefx.errors import SettingsError, WeightsError
from bonefx.heatmaps.forward import ForwardPass, logits_and_maps, run_with_gradients
from bonefx.heatmaps.methods import GRAD_CAM, check_heatmap_method
from bonefx.models.decision import calibrated_probability, decide, review_reason
from bonefx.models.evaluation import summarise_evaluation
from bonefx.models.hub import load_located_model, locate_model
from bonefx.models.registry import (
    LoadedModel,
    model_ids,
    on_engine,
    pick_engine,
    weights_folder,
)
from bonefx.reading.evidence import FilmEvidence, compute_evidence
from bonefx.reading.gpu_failure import CpuSpares
from bonefx.records import OperatingPoint, Radiograph, Reading, Verdict
from bonefx.scope.gate import ScopeResult, check_scope, override_refusal


class Reader:
    """Loaded models that read radiographs; it keeps nothing of a request."""

    def __init__(self, models: Sequence[LoadedModel]) -> None:
        if not models:
            raise WeightsError(
                "no model is loaded; give a folder of models with BONEFX_WEIGHTS or --weights, or "
                "one model with --model"
            )
        self._models = {model.name: model for model in models}
        self._spares = CpuSpares()
        self._summaries = {model.name: summarise_evaluation(model) for model in models}
        if len(self._models) < len(models):
            raise WeightsError(
                f"two of these models share a name: {', '.join(model.name for model in models)}; "
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
        engine: str | None = None,
    ) -> Reader:
        """Load models from a weights folder and from other places.

        Args:
            weights: Contains one folder a model; None for registry.weights_folder().
            device: Device of the networks.
            ids: Models to load, as for hub.locate_model; None for all in the folder.
            also: More models, after those; a model named twice is loaded once.
            engine: What runs the networks on a CPU; see registry.pick_engine.

        Raises:
            SettingsError: There is no such engine.
            WeightsError: A model is missing or damaged, or there is none.
        """
        chosen = pick_engine(engine)
        folder = weights_folder(weights)
        names = [*(model_ids(folder) if ids is None else ids), *also]
        places = dict.fromkeys(locate_model(name, weights=folder) for name in names)
        loaded = (load_located_model(place, device=device) for place in places)
        return cls([on_engine(model, chosen) for model in loaded])

    @property
    def models(self) -> list[LoadedModel]:
        """All loaded models, the default first."""
        return list(self._models.values())

    def model(self, name: str | None = None) -> LoadedModel:
        """Return a model by name; None for the first.

        Raises:
            SettingsError: No such model is loaded.
        """
        if name is None:
            return self.models[0]
        if name not in self._models:
            raise SettingsError(f"no model {name!r} is loaded; use {', '.join(self._models)}")
        return self._models[name]

    def caution(self, name: str | None = None) -> str:
        """Return why films should not be read with a model; empty if there is none.

        Raises:
            SettingsError: No such model is loaded.
        """
        return self._summaries[self.model(name).name].caution

    def tested_on(self, name: str | None = None) -> str:
        """Return the name of the data set that a model was tested on; empty if not known.

        Raises:
            SettingsError: No such model is loaded.
        """
        return self._summaries[self.model(name).name].tested_on

    def warm_up(self) -> None:
        """Run each network once on a black image, so that the first reading is not delayed."""
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
        outside_scope: bool = False,
    ) -> Reading:
        """Read one film; see read_batch."""
        readings = self.read_batch(
            [radiograph], model=model, point=point, heat=heat, method=method,
            outside_scope=outside_scope,
        )  # fmt: skip
        return readings[0]

    def read_batch(
        self,
        radiographs: Sequence[Radiograph],
        *,
        model: str | None = None,
        point: str | None = None,
        heat: bool = True,
        method: str = GRAD_CAM,
        outside_scope: bool = False,
    ) -> list[Reading]:
        """Read films in one forward pass; a film out of scope gets a refusal only.

        Args:
            radiographs: N films of any size.
            model: Name of a loaded model; None for the first.
            point: Name of an operating point; None for the model's default.
            heat: Add the heat map on each film.
            method: Heat-map method, a key of HEATMAP_METHODS; see evidence.compute_evidence.
            outside_scope: Answer about films too that only the statistics of the training films
                refuse (see Reading.can_be_overridden); such a reading names its refusal. Only for
                an explicit request of the user about one film.

        Returns:
            N readings in the order of the films.

        Raises:
            SettingsError: There is no such model, operating point or method.
        """
        loaded = self.model(model)
        chosen = loaded.point(point)
        check_heatmap_method(method)
        if not radiographs:
            return []
        started = time.perf_counter()
        readings, gpu_failed = self._spares.answer(
            loaded,
            lambda asked: _read(
                asked, chosen, radiographs, heat=heat, method=method, outside_scope=outside_scope
            ),
        )
        elapsed_s = (time.perf_counter() - started) / len(radiographs)
        summary = self._summaries[loaded.name]
        return [
            replace(
                reading,
                caution=summary.caution,
                taught_by=summary.taught_by,
                unsuitable_for=loaded.manifest.training_data.unsuitable_for,
                other_sets=summary.other_sets,
                gpu_failed=gpu_failed,
                elapsed_s=elapsed_s,
            )
            for reading in readings
        ]


def _read(
    model: LoadedModel,
    point: OperatingPoint,
    films: Sequence[Radiograph],
    *,
    heat: bool,
    method: str,
    outside_scope: bool,
) -> list[Reading]:
    """Read films with a model; see Reader.read_batch. What its evaluation says is still missing."""
    batch = model.batch(films)
    passed = run_with_gradients(model.network, batch)
    scope_results = check_scope(
        model.scope, films, passed.signature.float().cpu().numpy(), signatures_of=model.signatures
    )
    if outside_scope:
        scope_results = [override_refusal(result) for result in scope_results]
    in_scope = [index for index, result in enumerate(scope_results) if result.refusal is None]
    evidence = compute_evidence(
        model, [films[index] for index in in_scope], batch[in_scope],
        ForwardPass(*(part[in_scope] for part in passed)), heat=heat, method=method,
    )  # fmt: skip
    evidence_of = dict(zip(in_scope, evidence, strict=True))
    return [
        _reading(model, point, film, scope=result, evidence=evidence_of.get(index))
        for index, (film, result) in enumerate(zip(films, scope_results, strict=True))
    ]


def _reading(
    model: LoadedModel,
    point: OperatingPoint,
    film: Radiograph,
    *,
    scope: ScopeResult,
    evidence: FilmEvidence | None,
) -> Reading:
    """Return the reading of a film; without evidence it is out of scope, with its refusal only."""
    refused = Reading(
        radiograph_sha256=film.sha256,
        model=model.name,
        weights_sha256=model.manifest.sha256,
        verdict=Verdict.OUT_OF_SCOPE,
        reason=scope.refusal,
        point=point,
        device=str(model.device),
        elapsed_s=0.0,
        edit=film.edit,
        notes=film.notes,
        looks_inverted=scope.looks_inverted,
        field=film.field,
        field_corners=film.field_corners,
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
        findings=evidence.findings,
        regions=scope.regions,
        region_source=scope.region_source,
        outside_scope=scope.overridden,
    )
