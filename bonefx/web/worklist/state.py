"""Updates that the handlers of the Worklist screen return, named by the components they change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from bonefx.web.worklist.session_list import SessionList
from bonefx.web.worklist.table import TableValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUpdate:
    """A new list, and its table.

    Attributes:
        films: Empties the input of films.
        folder: Empties the input of a folder.
        session_list: The list; None where it was refused.
        listed: Its key; 0 where it was refused.
        table: State of the table, with the reason where the list was refused.
    """

    films: None = None
    folder: None = None
    session_list: SessionList | None
    listed: int
    table: TableValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUpdate:
    """Another model's operating points, and the table of the list that it reads.

    Attributes:
        point: Choice of the model's operating points.
        table: State of the table; gr.skip() without a list.
    """

    point: gr.Radio
    table: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlsUpdate:
    """Which controls are enabled."""

    stop: gr.Button
    resume: gr.Button
    save: gr.Button
    model: gr.Radio
    point: gr.Radio
