"""Logits, heat maps and map checks of films in scope, from one forward pass over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from bonefx.heatmaps.findings import number_findings
from bonefx.heatmaps.forward import ForwardPass
from bonefx.heatmaps.methods import GRAD_CAM, class_activation_map
from bonefx.heatmaps.projection import heat_on_film, heat_on_input, peak_on_film
from bonefx.heatmaps.trust import logit_drops, measure_trust
from bonefx.models.preprocess import film_letterbox, with_grey_levels
from bonefx.models.registry import LoadedModel
from bonefx.records import Finding, Radiograph, Trust


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class FilmEvidence:
    """A network's output for one film.

    Attributes:
        logit: Raw output, > 0 leans to fracture.
        cells: The heat map on the network's cells, (h, w) >= 0.
        heat: The heat map on the film, (H, W) in [0, 1]; None if it is not shown.
        peak: Largest value on the film in logits; None for methods other than Grad-CAM.
        trust: Checks of the map; None without a map or without limits of the model.
        findings: Hot regions of the map; empty without a map in logits.
    """

    logit: float
    cells: NDArray[np.float32]
    heat: NDArray[np.float32] | None = None
    peak: float | None = None
    trust: Trust | None = None
    findings: tuple[Finding, ...] = ()


def compute_evidence(
    model: LoadedModel,
    films: Sequence[Radiograph],
    batch: torch.Tensor,
    passed: ForwardPass,
    *,
    heat: bool,
    method: str,
) -> list[FilmEvidence]:
    """Compute the heat maps of films from a forward pass, and check them.

    Args:
        model: The model of the forward pass.
        films: N films in scope.
        batch: The network's input, (N, 3, S, S).
        passed: Result of the forward pass.
        heat: Project the maps on the films.
        method: A key of HEATMAP_METHODS. The floor of the peak and the trust limits hold for
            Grad-CAM alone, whose unit is logits; maps by other methods have no peak or checks.

    Returns:
        N results in the order of the films.
    """
    if not films:
        return []
    cells = class_activation_map(method, passed.activations, passed.gradients).cpu().numpy()
    logits = passed.logits.tolist()
    of_film = _grad_cam_evidence if method == GRAD_CAM else _evidence_without_peak
    evidence = [
        of_film(model, film, FilmEvidence(logit=logit, cells=film_cells), heat=heat)
        for film, film_cells, logit in zip(films, cells, logits, strict=True)
    ]
    if method != GRAD_CAM:
        return evidence
    return [_with_findings(model, item) for item in _check_maps(model, films, batch, evidence)]


def _evidence_without_peak(
    model: LoadedModel, film: Radiograph, evidence: FilmEvidence, *, heat: bool
) -> FilmEvidence:
    return replace(evidence, heat=_project(model, film, evidence)) if heat else evidence


def _grad_cam_evidence(
    model: LoadedModel, film: Radiograph, evidence: FilmEvidence, *, heat: bool
) -> FilmEvidence:
    """Measure the peak, and project the map unless the peak is below the model's floor."""
    peak = peak_on_film(
        evidence.cells,
        model.network.grid(),
        place=film_letterbox(film, size_px=model.manifest.preprocess.size_px),
    )
    shown = heat and peak >= model.manifest.heat_floor
    return replace(evidence, peak=peak, heat=_project(model, film, evidence) if shown else None)


def _project(model: LoadedModel, film: Radiograph, evidence: FilmEvidence) -> NDArray[np.float32]:
    height, width = film.pixels.shape
    return heat_on_film(
        evidence.cells,
        model.network.grid(),
        shape=(height, width),
        place=film_letterbox(film, size_px=model.manifest.preprocess.size_px),
    )


def _check_maps(
    model: LoadedModel,
    films: Sequence[Radiograph],
    batch: torch.Tensor,
    evidence: list[FilmEvidence],
) -> list[FilmEvidence]:
    """Check the maps that would be shown, and remove those that fail."""
    limits = model.manifest.trust
    shown = [index for index, item in enumerate(evidence) if item.heat is not None]
    if limits is None or not shown:
        return evidence
    grid, size_px = model.network.grid(), model.manifest.preprocess.size_px
    heats = np.stack([heat_on_input(evidence[i].cells, grid, size_px=size_px) for i in shown])
    checked = list(evidence)
    logits = [evidence[index].logit for index in shown]
    drops = logit_drops(model.network, batch[shown], heats, logits=logits)
    for index, drop in zip(shown, drops, strict=True):
        item = evidence[index]
        assert item.heat is not None
        assert item.peak is not None
        film = films[index]
        trust = measure_trust(
            with_grey_levels(film.exposed, model.manifest.preprocess.grey_levels),
            on_field(film, item.heat), peak=item.peak, drop=drop, limits=limits,
        )  # fmt: skip
        checked[index] = replace(item, heat=None if trust.failures else item.heat, trust=trust)
    return checked


def _with_findings(model: LoadedModel, evidence: FilmEvidence) -> FilmEvidence:
    if evidence.heat is None or evidence.peak is None:
        return evidence
    limits = model.manifest.trust
    calibration = None if limits is None else limits.findings
    findings = number_findings(evidence.heat, peak=evidence.peak, calibration=calibration)
    return replace(evidence, findings=findings)


def on_field(film: Radiograph, heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the part of a film's map, (H, W), that lies in the bounds of the exposed field."""
    return heat if film.field is None else heat[film.field.slices]
