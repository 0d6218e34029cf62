"""Handlers of the Read screen: one film, its verdict, the evidence and the heat map.

A handler that reads a film updates the whole screen at once, so that a film is never shown beside
another film's verdict. Nothing of a request is stored in the handlers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import gradio as gr

from bonefx.errors import BonefxError, SettingsError
from bonefx.reading.reader import Reader
from bonefx.reading.second_opinion import at_point
from bonefx.records import NOT_EDITED
from bonefx.web.read.after_verdict import ReadyFilm
from bonefx.web.read.choices import Choices
from bonefx.web.read.film_changes import CHANGES, edit_after_crop, edit_after_inverting
from bonefx.web.read.film_updates import FilmUpdates, hidden_offers, with_origin
from bonefx.web.read.state import (
    ClearedUpdate,
    MeasuredUpdate,
    PickedUpdate,
    PointUpdate,
    ReadUpdate,
    RefusedUpdate,
    ShownFilm,
    UploadedUpdate,
    WaitingUpdate,
    extended,
)
from bonefx.web.service.faults import with_reference
from bonefx.web.shared import verdict_card
from bonefx.web.shared.error_messages import READING_FAULT, as_sentence, show_errors_to_user
from bonefx.web.shared.examples import Example
from bonefx.web.shared.gone_film import FROM_ROW, NO_FILM, UPLOADED, film_origin, is_gone
from bonefx.web.shared.navigation import NO_POSITION, OpenedRow
from bonefx.web.shared.newest_film import Openings
from bonefx.web.shared.uploads import (
    OpenedFilm,
    open_and_delete,
    open_example,
    open_source,
    upload_failure_text,
)
from bonefx.web.shared.viewer import READING_HTML


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadHandlers:
    """Handlers of the screen; each takes the user's choices as an argument."""

    reader: Reader
    examples: tuple[Example, ...]

    @property
    def updates(self) -> FilmUpdates:
        """Updates of the screen for a film."""
        return FilmUpdates(reader=self.reader)

    def on_sent(self, openings: Openings) -> ClearedUpdate:
        """Clear the screen when a file begins to be sent, unless it has arrived meanwhile."""
        if openings.announce():
            return self.cleared()
        unchanged: dict[str, Any] = {field.name: gr.skip() for field in fields(ClearedUpdate)}
        return ClearedUpdate(**unchanged)

    def cleared(self) -> ClearedUpdate:
        """Return the screen without the last film, before the next film is read."""
        return ClearedUpdate(
            viewer=READING_HTML,
            verdict=verdict_card.waiting_html(),
            shown=None,
            position=NO_POSITION,
            report_text="",
            own_answer=gr.Row(visible=False),
            origin=NO_FILM,
            **hidden_offers(),
        )

    def on_uploaded(self, path: str | None, openings: Openings) -> UploadedUpdate:
        """Clear the screen for a file that has arrived, and make room for the next one."""
        openings.end_upload(path)
        return extended(UploadedUpdate, self.cleared(), film=None)

    def on_open_row(self, row: OpenedRow, openings: Openings) -> ClearedUpdate:
        """Clear the screen for a film of a worklist, and show the film's position in the list."""
        openings.open()
        return replace(self.cleared(), position=row.newest().position)

    def on_pick(self, openings: Openings, event: gr.EventData) -> PickedUpdate:
        """Keep which example was clicked; gradio passes the event to the first handler only."""
        openings.open()
        return extended(PickedUpdate, self.cleared(), picked=int(event.index))

    def on_switch(
        self, shown: ShownFilm | None, held: OpenedFilm | None, openings: Openings
    ) -> WaitingUpdate:
        """Remove picture and verdict, but keep the film for another reading of it.

        Nothing changes where there is no film to read, and where the reader's answer comes first.
        """
        openings.request()
        if held is None and (shown is None or shown.reading is None):
            return WaitingUpdate()
        return WaitingUpdate(
            viewer=READING_HTML,
            verdict=verdict_card.waiting_html(),
            point=gr.Radio(interactive=False),  # it would decide the reading before
            region=gr.Dropdown(interactive=False),
        )

    def on_refused(self, *, why: str, openings: Openings, choices: Choices) -> RefusedUpdate:
        """Show why an upload failed."""
        openings.end_upload()
        update = self.updates.without_film(
            verdict_card.not_read_html(upload_failure_text(why)), choices=choices
        )
        return extended(RefusedUpdate, replace(update, film=None))

    def on_upload(self, *, openings: Openings, choices: Choices) -> ReadUpdate:
        """Read the upload that waits to be read, and delete it.

        Nothing changes where another film has been opened since the file arrived.
        """
        path = openings.take_upload()
        if path is None:
            return ReadUpdate()
        update = self._open(lambda: open_and_delete(path), choices=choices)
        return replace(with_origin(UPLOADED, update), position=NO_POSITION)

    def on_example(self, *, index: int, choices: Choices) -> ReadUpdate:
        """Read the example that was clicked."""
        example = self.examples[index]
        facts = (("Example", f"FracAtlas {example.file}, labelled {example.truth}"),)
        film = ShownFilm(opened=open_example(example.path), reading=None, facts=facts)
        update = self.updates.read_or_ask(film, choices=choices)
        return replace(with_origin(film_origin("example", index), update), position=NO_POSITION)

    def on_row(self, *, row: OpenedRow, ahead: ReadyFilm | None, choices: Choices) -> ReadUpdate:
        """Read a film of a worklist, or show it if it was read ahead.

        The update carries the film's position in the list.
        """
        newest = row.newest()
        if ahead is not None and ahead.is_of(newest.source, choices.model):
            update = self.updates.show_or_ask(ahead.opened_now(), choices=choices)
        else:
            update = self._open(lambda: open_source(newest.source), choices=choices)
        return replace(with_origin(FROM_ROW, update), position=newest.position)

    def on_model(
        self, *, shown: ShownFilm | None, held: OpenedFilm | None, choices: Choices
    ) -> ReadUpdate:
        """Offer another model's operating points, and read the film on screen with that model."""
        default = self.reader.model(choices.model).manifest.default_point
        choices = replace(choices, point=default)
        if held is not None:  # the question about the damaged film stays open
            return replace(self._offer_damaged(held, choices=choices), origin=choices.origin)
        if is_gone(choices.origin, shown):
            return self.updates.film_gone(choices)
        if shown is not None:
            return self.updates.read_again(shown, choices=choices)
        return self.updates.without_film(verdict_card.idle_html(), choices=choices)

    def on_invert(self, *, shown: ShownFilm | None, choices: Choices) -> ReadUpdate:
        """Read the film on screen with black and white swapped, after the screen offered it."""
        if shown is None:
            return self.updates.film_gone(choices)
        if shown.reading is None or not shown.reading.looks_inverted:  # a second click
            return ReadUpdate()
        edit = edit_after_inverting(shown.film)
        return self.updates.read_or_ask(replace(shown, edit=edit), choices=choices)

    def on_outside_scope(self, *, shown: ShownFilm | None, choices: Choices) -> ReadUpdate:
        """Read a film that is out of scope anyway, after the screen offered it."""
        if shown is None:
            return self.updates.film_gone(choices)
        if shown.reading is None or not shown.reading.can_be_overridden:  # a second click
            return ReadUpdate()
        return self.updates.read(shown, choices=choices, outside_scope=True)

    def on_damaged(
        self, *, held: OpenedFilm | None, shown: ShownFilm | None, choices: Choices
    ) -> ReadUpdate:
        """Read a damaged film anyway, after the screen offered it."""
        if held is None:  # expired, or a second click
            return self.updates.film_gone(choices) if shown is None else ReadUpdate()
        return self.updates.read_or_ask(ShownFilm(opened=held, reading=None), choices=choices)

    def on_change(self, *, change: str, shown: ShownFilm | None, choices: Choices) -> ReadUpdate:
        """Turn or mirror the film on screen, by the words of the button, and read it again."""
        if shown is None:
            return self.updates.film_gone(choices)
        edit = CHANGES[change](shown.film).edit
        return self.updates.read_again(replace(shown, edit=edit), choices=choices)

    def on_undo(self, *, shown: ShownFilm | None, choices: Choices) -> ReadUpdate:
        """Read the film on screen as it is in its file."""
        if shown is None:
            return self.updates.film_gone(choices)
        return self.updates.read_again(replace(shown, edit=NOT_EDITED), choices=choices)

    def on_crop(self, *, crop: str | None, shown: ShownFilm | None, choices: Choices) -> ReadUpdate:
        """Read the part of the film on screen that was drawn; see edit_after_crop."""
        if shown is None:
            return self.updates.film_gone(choices)
        try:
            edit = edit_after_crop(shown.film, crop)
        except SettingsError as error:
            gr.Warning(as_sentence(error))
            edit = shown.edit
        return self.updates.read_again(replace(shown, edit=edit), choices=choices)

    @show_errors_to_user
    def on_point(
        self,
        *,
        shown: ShownFilm | None,
        held: OpenedFilm | None,
        openings: Openings,
        choices: Choices,
    ) -> PointUpdate:
        """Decide again at another operating point; the network does not run."""
        openings.point = choices.point
        point = self.reader.model(choices.model).point(choices.point)
        measured = self.updates.measured_html(point, choices=choices)
        if is_gone(choices.origin, shown, held):
            gone = self.updates.film_gone(choices)
            return PointUpdate(measured=measured, verdict=gone.verdict, origin=gone.origin)
        if shown is None or shown.reading is None:
            return PointUpdate(measured=measured)
        shown = replace(shown, reading=at_point(self.reader, shown.reading, point.name))
        return PointUpdate(
            measured=measured,
            verdict=self.updates.verdict_html(shown),
            judgement=gr.Radio(value=None),  # one of the verdict before says nothing of this one
            shown=shown,
        )

    def on_prevalence(self, *, choices: Choices) -> MeasuredUpdate:
        """Compute the predictive values at another prevalence."""
        point = self.reader.model(choices.model).point(choices.point)
        return MeasuredUpdate(measured=self.updates.measured_html(point, choices=choices))

    def on_report(
        self, *, shown: ShownFilm | None, held: OpenedFilm | None, choices: Choices
    ) -> ReadUpdate:
        """Offer to open a film again that is to be reported and is no longer on the server."""
        if is_gone(choices.origin, shown, held):
            return self.updates.film_gone(choices)
        return ReadUpdate()

    def on_fault(self, *, openings: Openings, choices: Choices) -> ReadUpdate:
        """Clear the screen when the program fails on the newest film, so that no other stays."""
        if not openings.newest_failed:
            return ReadUpdate()
        return self.updates.not_read(with_reference(READING_FAULT), choices=choices)

    def _open(self, open_film: Callable[[], OpenedFilm], *, choices: Choices) -> ReadUpdate:
        """Open a film and read it; show why if it cannot be opened or read."""
        try:
            opened = open_film()
            if not opened.damage:
                film = ShownFilm(opened=opened, reading=None)
                return self.updates.read_or_ask(film, choices=choices)
        except BonefxError as error:
            return self.updates.not_read(as_sentence(error), choices=choices)
        return self._offer_damaged(opened, choices=choices)

    def _offer_damaged(self, opened: OpenedFilm, *, choices: Choices) -> ReadUpdate:
        """Show why a film is damaged, and offer to read it anyway."""
        update = self.updates.not_read(as_sentence(opened.damage), choices=choices)
        return replace(update, damaged=gr.Button(visible=True), held=opened)
