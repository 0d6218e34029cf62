"""What all screens are built of: settings of events, and small parts."""

from __future__ import annotations

from typing import Any

import gradio as gr

from bonefx.records import OperatingPoint
from bonefx.registry import LoadedModel
from bonefx.ui import wording

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
ONE_AT_A_TIME: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
AT_ONCE: dict[str, Any] = {"queue": False, "trigger_mode": "multiple", **QUIET}
ASKED_OFTEN: dict[str, Any] = {"queue": False, "trigger_mode": "always_last", **QUIET}


def html(value: str, elem_id: str, **settings: Any) -> gr.HTML:
    """Put a piece of HTML on the page as it is."""
    return gr.HTML(value, elem_id=elem_id, apply_default_css=False, **settings)


def points(model: LoadedModel, chosen: OperatingPoint, **settings: Any) -> gr.Radio:
    """Offer a model's operating points, one of them chosen."""
    offered = model.manifest.operating_points
    choices = [(wording.point_label(point), point.name) for point in offered]
    return gr.Radio(choices, value=chosen.name, **settings)
