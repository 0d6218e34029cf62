"""Composition of a report from a film and its reading, for the screens and the command line."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from bonefx.heatmaps.overlay import heat_layer, hot_contours, mark_findings, overlay
from bonefx.models.evaluation import summarise_evaluation
from bonefx.models.registry import LoadedModel
from bonefx.records import Radiograph, Reading
from bonefx.report import Overlay, Report
from bonefx.report.wording.films import film_facts

OPACITY = 0.5
SCALE_STEPS = 256


def compose_report(
    film: Radiograph,
    reading: Reading,
    *,
    model: LoadedModel,
    text: str = "",
    opacity: float = OPACITY,
    created: datetime | None = None,
) -> Report:
    """Compose a report.

    Args:
        film: The film that was read.
        reading: With its heat map, if the report is to show it.
        model: The model that read the film.
        text: The user's own text.
        opacity: Weight of the map's colour at its peak, in [0, 1].
        created: Time of the report, with its time zone; None for now.

    Raises:
        ValueError: The reading is of another film or another model.
        SettingsError: The text is too long.
    """
    if (film.sha256, model.name) != (reading.radiograph_sha256, reading.model):
        raise ValueError("the reading is of another film or of another model")
    return Report(
        reading=reading,
        film=np.rint(film.pixels * 255).astype(np.uint8),
        overlay=_overlay(film, reading, opacity=opacity),
        heat_floor=model.manifest.heat_floor,
        facts=tuple(film_facts(film)),
        calibration=model.manifest.calibration,
        origin=str(model.origin) if model.origin else None,
        test_set=summarise_evaluation(model).tested_on,
        validated_share=model.manifest.training_data.share_of("val"),
        created=created or datetime.now().astimezone(),
        text=text,
    )


def _overlay(film: Radiograph, reading: Reading, *, opacity: float) -> Overlay | None:
    if reading.heat is None:
        return None
    contours = hot_contours(reading.heat)
    steps = np.linspace(0, 1, SCALE_STEPS, dtype=np.float32)[None]  # (1, N)
    return Overlay(
        heat=reading.heat,
        contours=tuple(contours),
        pixels=mark_findings(
            overlay(film.pixels, reading.heat, opacity=opacity),
            contours=contours,
            findings=reading.findings,
        ),
        scale=heat_layer(steps)[0, :, :3],
        opacity=opacity,
    )
