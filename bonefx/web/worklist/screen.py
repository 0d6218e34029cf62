"""Layout of the Worklist screen: many films sorted by urgency; and its connections to handlers.

Lists wait in a queue of their own, so that a single film is read in between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from bonefx.reading.reader import Reader
from bonefx.web.shared import verdict_card
from bonefx.web.shared.components import (
    PRIVATE_EVENT,
    UNQUEUED_EVENT,
    html_block,
    model_choices,
    point_choice,
)
from bonefx.web.shared.downloads import offer_download
from bonefx.web.shared.error_messages import show_errors_to_user
from bonefx.web.shared.navigation import OpenedRow
from bonefx.web.shared.updates import connect
from bonefx.web.worklist.api import WorklistApi
from bonefx.web.worklist.handlers import WorklistHandlers
from bonefx.web.worklist.session_list import KEEP_S, SessionLists, close_list
from bonefx.web.worklist.state import ControlsUpdate, ListUpdate, ModelUpdate
from bonefx.web.worklist.table import ROWS_JS, empty_table_html, message_value

LISTS_AT_ONCE = 2
WORKLIST_EVENT: dict[str, Any] = {"concurrency_id": "worklist", "concurrency_limit": LISTS_AT_ONCE}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WorklistParts:
    """What the page needs to connect the worklist to the Read screen.

    Attributes:
        row: Holds the OpenedRow.
        opened: The event of opening a row; listeners of its success may use row.
        model: Name of the model that reads the list.
        point: Name of the operating point of the list's verdicts.
        on_unload: Deletes a session's films; for the page's unload event.
    """

    row: gr.State
    opened: Any
    model: gr.Radio
    point: gr.Radio
    on_unload: Callable[[gr.Request], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WorklistComponents:
    """Components that handlers read or update.

    Attributes:
        films: Input of films and archives.
        folder: Input of a folder.
        model: Choice of the model that reads the list.
        point: Choice of the operating point.
        stop: Stops the reading.
        resume: Continues a reading that was stopped; shown in the place of stop.
        save: Downloads the table as CSV.
        caution: Why the chosen model should not be used for reading.
        table: The table.
        session_list: The session's SessionList.
        listed: Key of the list on the page, which the page keeps when the program restarts; 0 for
            none.
        row: The OpenedRow.
    """

    films: gr.File
    folder: gr.File
    model: gr.Radio
    point: gr.Radio
    stop: gr.Button
    resume: gr.Button
    save: gr.Button
    caution: gr.HTML
    table: gr.HTML
    session_list: gr.State
    listed: gr.Number
    row: gr.State


def build_worklist(reader: Reader) -> WorklistParts:
    """Build the screen and connect it to its handlers; call it inside gr.Blocks."""
    parts = _build_components(reader)
    handlers = WorklistHandlers(reader=reader, session_lists=SessionLists())
    _connect_lists(handlers, parts)
    _connect_choices(handlers, parts)
    offer_download(parts.save, handlers.on_save, [parts.session_list])
    opened = parts.table.select(
        handlers.on_open, [parts.session_list, parts.row], None, **UNQUEUED_EVENT
    )
    parts.table.submit(handlers.on_cases, parts.session_list, parts.table, **UNQUEUED_EVENT)
    films = gr.File(file_count="multiple", label="Films", visible=False)
    gr.Button(visible=False).click(
        show_errors_to_user(WorklistApi(reader=reader).worklist), [films, parts.point],
        gr.JSON(visible=False), api_name="worklist", **WORKLIST_EVENT,
    )  # fmt: skip
    return WorklistParts(
        row=parts.row,
        opened=opened,
        model=parts.model,
        point=parts.point,
        on_unload=handlers.on_unload,
    )


def _build_components(reader: Reader) -> WorklistComponents:
    first = reader.model()
    with gr.Column(elem_id="worklist"):
        with gr.Row(elem_id="list-given"):
            films = gr.File(
                label="Films", show_label=False, file_count="multiple", elem_id="films", height=56
            )
            folder = gr.File(
                label="Folder", show_label=False, file_count="directory", elem_id="folder",
                height=56,
            )  # fmt: skip
            model = gr.Radio(
                model_choices(reader), value=first.name,
                label="Model", elem_id="list-model", visible=len(reader.models) > 1,
            )  # fmt: skip
            point = point_choice(
                first, first.point(), label="Operating point", elem_id="list-point"
            )
            stop = gr.Button("Stop", elem_id="list-stop", interactive=False)
            resume = gr.Button("Continue", elem_id="list-continue", visible=False)
            save = gr.Button("Download CSV", elem_id="list-save", interactive=False)
        caution = html_block(verdict_card.caution_html(reader.caution()), "list-caution")
        table = gr.HTML(
            message_value(), html_template=empty_table_html(), js_on_load=ROWS_JS, elem_id="list",
            apply_default_css=False,
        )  # fmt: skip
    return WorklistComponents(
        films=films,
        folder=folder,
        model=model,
        point=point,
        stop=stop,
        resume=resume,
        save=save,
        caution=caution,
        table=table,
        listed=gr.Number(0, precision=0, visible=False),
        session_list=gr.State(None, time_to_live=KEEP_S, delete_callback=close_list),
        row=gr.State(OpenedRow()),
    )


def _connect_lists(handlers: WorklistHandlers, parts: WorklistComponents) -> None:
    """Show a new list at once, and read it when its turn in the queue comes."""
    starts: tuple[tuple[Any, Any, list[Any], type[ListUpdate | ModelUpdate]], ...] = (
        (parts.films.upload, handlers.on_films, [parts.films], ListUpdate),
        (parts.folder.upload, handlers.on_folder, [parts.folder], ListUpdate),
        (
            parts.model.input,
            handlers.on_model,
            [parts.model, parts.session_list, parts.listed],
            ModelUpdate,
        ),
        (
            parts.resume.click,
            handlers.on_continue,
            [parts.session_list, parts.listed],
            ListUpdate,
        ),
    )
    for trigger, handler, inputs, update in starts:
        ready = connect(trigger, handler, inputs, update=update, components=parts, **UNQUEUED_EVENT)
        _enable_controls(ready, handlers, parts)
        run = ready.success(
            handlers.on_run, [parts.session_list, parts.model, parts.point], parts.table,
            trigger_mode="multiple", **WORKLIST_EVENT, **PRIVATE_EVENT,
        )  # fmt: skip
        run.failure(handlers.on_fault, parts.session_list, parts.table, **UNQUEUED_EVENT)
        _enable_controls(run, handlers, parts)


def _connect_choices(handlers: WorklistHandlers, parts: WorklistComponents) -> None:
    """Connect the stop button and what does not need the network: caution, operating point."""
    session_list, table = parts.session_list, parts.table
    stopped = parts.stop.click(
        handlers.on_stop, [session_list, parts.listed], table, **UNQUEUED_EVENT
    )
    _enable_controls(stopped, handlers, parts)
    parts.model.input(handlers.on_caution, parts.model, parts.caution, **UNQUEUED_EVENT)
    parts.point.input(
        handlers.on_point, [parts.point, session_list, parts.listed], table, **UNQUEUED_EVENT
    )


def _enable_controls(event: Any, handlers: WorklistHandlers, parts: WorklistComponents) -> None:
    """Enable or disable the controls after an event."""
    connect(
        event.then, handlers.on_settled, [parts.session_list],
        update=ControlsUpdate, components=parts, **UNQUEUED_EVENT,
    )  # fmt: skip
