"""Settings of events, and small components that all screens use."""

from __future__ import annotations

from typing import Any

import gradio as gr

from bonefx.models.registry import LoadedModel
from bonefx.reading.reader import Reader
from bonefx.records import OperatingPoint
from bonefx.web.shared import verdict_card

PRIVATE_EVENT: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


MODEL_EVENT: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}


UNQUEUED_EVENT: dict[str, Any] = {"queue": False, "trigger_mode": "multiple", **PRIVATE_EVENT}


LATEST_ONLY_EVENT: dict[str, Any] = {"queue": False, "trigger_mode": "always_last", **PRIVATE_EVENT}


def html_block(value: str, elem_id: str, **settings: Any) -> gr.HTML:
    """Add a piece of HTML to the page, without gradio's own style."""
    return gr.HTML(value, elem_id=elem_id, apply_default_css=False, **settings)


def model_choices(reader: Reader) -> list[tuple[str, str]]:
    """Return the labels and names of the loaded models, marking those not to read films with."""
    return [
        (
            f"{model.name} (comparison only)" if reader.caution(model.name) else model.name,
            model.name,
        )
        for model in reader.models
    ]


def point_choice(model: LoadedModel, chosen: OperatingPoint, **settings: Any) -> gr.Radio:
    """Build the choice among a model's operating points, with one of them chosen."""
    offered = model.manifest.operating_points
    choices = [(verdict_card.point_label(point), point.name) for point in offered]
    return gr.Radio(choices, value=chosen.name, **settings)
