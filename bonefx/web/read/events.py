"""Connect the components of the Read screen to its handlers."""

from __future__ import annotations

from typing import Any

import gradio as gr

from bonefx.web.read.after_verdict import AheadUpdate, ReadAhead
from bonefx.web.read.answers.own_answers import OwnAnswers
from bonefx.web.read.api import offer_read_api
from bonefx.web.read.case_films import BesideUpdate, on_hang
from bonefx.web.read.choices import Inputs
from bonefx.web.read.film_changes import CROP_JS, RegionChoice
from bonefx.web.read.film_updates import row_gone
from bonefx.web.read.report_panel import offer_case_reports
from bonefx.web.read.state import (
    AnsweredUpdate,
    MeasuredUpdate,
    PickedUpdate,
    PointUpdate,
    ReadUpdate,
    RefusedUpdate,
    RowGoneUpdate,
    UploadedUpdate,
)
from bonefx.web.read.wiring import Wiring
from bonefx.web.shared.components import (
    LATEST_ONLY_EVENT,
    MODEL_EVENT,
    PRIVATE_EVENT,
    UNQUEUED_EVENT,
)
from bonefx.web.shared.downloads import offer_download
from bonefx.web.shared.navigation import NO_POSITION
from bonefx.web.shared.updates import connect
from bonefx.web.shared.uploads import WHY_JS


class ReadEvents(Wiring):
    """Events of the screen."""

    __slots__ = ()

    def connect_all(self) -> None:
        """Connect every component; call it once, inside gr.Blocks."""
        self._connect_films()
        self._connect_uploads()
        self._connect_choices()
        self._connect_own_answers()
        offer_read_api(self.screen.reader, film=self.components.film, point=self.components.point)

    def open_from(
        self,
        opened: Any,
        *,
        row: gr.State,
        model: gr.Radio,
        point: gr.Radio,
    ) -> None:
        """Read the film of a worklist's row when the row is opened.

        Args:
            opened: Event of opening a row.
            row: State with the OpenedRow.
            model: Choice of the model that read the list.
            point: Choice of the operating point of the list's verdicts.
        """
        parts, screen = self.components, self.screen
        opened.success(lambda name: name, model, parts.model, **UNQUEUED_EVENT)
        cleared = self._clear(opened.success, screen.on_open_row, [row, parts.openings])
        connect(
            opened.failure, row_gone, parts.origin, update=RowGoneUpdate,
            components=parts, **UNQUEUED_EVENT,
        )  # fmt: skip
        choices = self._choices(model=model, point=point)
        followed = self._read(cleared, screen.on_row, {"row": row, "ahead": parts.ahead} | choices)
        self._connect(
            followed.success, ReadAhead(updates=screen.updates).on_opinion,
            {"row": row, "shown": parts.shown, "ahead": parts.ahead} | choices,
            update=AheadUpdate, **MODEL_EVENT, **PRIVATE_EVENT,
        )  # fmt: skip
        self._hang_films(followed, row=row)
        offer_case_reports(screen.reader, parts, row=row)

    def _hang_films(self, read: Any, *, row: gr.State) -> None:
        """Hang the other films of a case beside the film, once it is read or when asked to."""
        parts = self.components
        inputs = {
            "row": row, "position": parts.position, "side_by_side": parts.side_by_side,
            "shown": parts.shown,
        } | self._choices()  # fmt: skip
        for trigger in (read.then, parts.side_by_side.input):
            self._connect(trigger, on_hang, inputs, update=BesideUpdate, **PRIVATE_EVENT)

    def _connect_films(self) -> None:
        """Clear the screen, then read a film or read it again."""
        parts, screen = self.components, self.screen
        shown = {"shown": parts.shown}
        self._read(
            self._clear(
                parts.film.upload,
                screen.on_uploaded,
                [parts.film, parts.openings],
                update=UploadedUpdate,
            ),
            screen.on_upload,
            {"openings": parts.openings} | self._choices(),
        )
        self._read(
            self._clear(parts.gallery.select, screen.on_pick, parts.openings, update=PickedUpdate),
            screen.on_example,
            {"index": parts.picked} | self._choices(),
        )
        for trigger, handler in (
            (parts.invert.click, screen.on_invert),
            (parts.outside.click, screen.on_outside_scope),
            (parts.undo.click, screen.on_undo),
        ):
            self._read(self._wait(trigger), handler, shown | self._choices())
        held = {"held": parts.held}
        self._read(self._wait(parts.model.input), screen.on_model, shown | held | self._choices())
        for button in parts.change_buttons:
            inputs = {"change": button} | shown | self._choices()
            self._read(self._wait(button.click), screen.on_change, inputs)
        self._read(
            self._wait(parts.damaged.click),
            screen.on_damaged,
            held | shown | self._choices(),
        )
        self._connect_crop(shown)

    def _connect_crop(self, shown: Inputs) -> None:
        """Connect the hidden button that the page's script presses once a rectangle is drawn."""
        cropped = gr.Button(elem_id="cropped", visible="hidden")
        drawn = gr.Textbox(visible=False)
        self._read(
            self._wait(cropped.click),
            self.screen.on_crop,
            {"crop": drawn, **shown, **self._choices()},  # CROP_JS sets the first input
            js=CROP_JS,
        )

    def _connect_uploads(self) -> None:
        """Connect the hidden buttons that the page's script presses.

        It presses them when a file is handed over, before gradio uploads or refuses the file.
        """
        parts, screen = self.components, self.screen
        sent = gr.Button(elem_id="sent", visible="hidden")
        self._clear(sent.click, screen.on_sent, parts.openings)
        refused = gr.Button(elem_id="refused", visible="hidden")
        self._connect(  # WHY_JS sets the first input
            refused.click,
            screen.on_refused,
            {"why": gr.Textbox(visible=False), "openings": parts.openings} | self._choices(),
            update=RefusedUpdate,
            js=WHY_JS,
            queue=False,
            **PRIVATE_EVENT,
        )
        refused.click(lambda: NO_POSITION, None, parts.position, **UNQUEUED_EVENT)

    def _connect_choices(self) -> None:
        """Answer to another operating point, prevalence or region; the verdict is not new."""
        parts, screen = self.components, self.screen
        films = {"shown": parts.shown, "held": parts.held}
        self._connect(
            parts.point.input,
            screen.on_point,
            films | {"openings": parts.openings} | self._choices(),
            update=PointUpdate,
            **LATEST_ONLY_EVENT,
        )
        self._connect(
            parts.region.input,
            RegionChoice(updates=screen.updates).on_region,
            {"region": parts.region, "shown": parts.shown, "openings": parts.openings}
            | self._choices(),
            update=ReadUpdate,
            **LATEST_ONLY_EVENT,
        )
        for button in parts.report_buttons:
            inputs = films | self._choices()
            self._connect(
                button.click, screen.on_report, inputs, update=ReadUpdate, **UNQUEUED_EVENT
            )
        self._connect(
            parts.prevalence_percent.input,
            screen.on_prevalence,
            self._choices(),
            update=MeasuredUpdate,
            **LATEST_ONLY_EVENT,
        )

    def _connect_own_answers(self) -> None:
        """Record the reader's own answer, then run the model; or what the reader thinks of it."""
        parts, own = self.components, OwnAnswers(updates=self.screen.updates)
        offer_download(parts.save_session, own.on_session, [parts.reads])
        shown = {"shown": parts.shown}
        self._connect(
            parts.take_back.click,
            own.on_take_back,
            shown | {"openings": parts.openings} | self._choices(),
            update=AnsweredUpdate,
            **UNQUEUED_EVENT,
        )
        self._connect(
            parts.judgement.input,
            own.on_judgement,
            {"judgement": parts.judgement} | shown | self._choices(),
            update=AnsweredUpdate,
            **LATEST_ONLY_EVENT,
        )
        for button in parts.answer_buttons:
            done = self._connect(
                button.click,
                own.on_answer,
                {"answer": button} | shown | self._choices(),
                update=AnsweredUpdate,
                **MODEL_EVENT,
                **PRIVATE_EVENT,
            )
            self._clear_on_fault(done, self._choices())
            self._add_second_opinion(done)
