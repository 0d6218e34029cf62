"""Handlers of the Read screen: one film, its verdict, the evidence and the heat map.

A handler that reads a film updates the whole screen at once, so that a film is never shown beside
another film's verdict. ReadHandlers holds the loaded models and the example films; nothing of a
request is stored in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import gradio as gr

from bonefx.errors import BonefxError, SettingsError
from bonefx.films.sources import FilmSource
from bonefx.models.decision import reading_at_point
from bonefx.reading.reader import Reader
from bonefx.records import NOT_EDITED
from bonefx.web.read.film_changes import CHANGES, edit_after_crop, edit_after_inverting
from bonefx.web.read.film_updates import FilmUpdates, hidden_offers
from bonefx.web.read.read_first import (
    ANSWERS,
    ReaderAnswer,
    agreement_csv,
    agreement_html,
)
from bonefx.web.read.state import (
    AnsweredUpdate,
    Choices,
    ClearedUpdate,
    MeasuredUpdate,
    PickedUpdate,
    PointUpdate,
    ReadUpdate,
    ShownFilm,
    WaitingUpdate,
)
from bonefx.web.shared import verdict_card
from bonefx.web.shared.downloads import Download
from bonefx.web.shared.error_messages import READING_FAULT, as_sentence, show_errors_to_user
from bonefx.web.shared.examples import Example
from bonefx.web.shared.navigation import NO_POSITION, ListPosition
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

    def on_start(self) -> ClearedUpdate:
        """Remove the last film, its verdict and its buttons before the next film is read."""
        return ClearedUpdate(
            viewer=READING_HTML,
            verdict=verdict_card.waiting_html(),
            shown=None,
            position=NO_POSITION,
            own_answer=gr.Row(visible=False),
            **hidden_offers(),
        )

    def on_open_row(self, position: ListPosition) -> ClearedUpdate:
        """Do the same for a film of a worklist, and show the film's position in the list."""
        return replace(self.on_start(), position=position)

    def on_pick(self, event: gr.EventData) -> PickedUpdate:
        """Remember which example was clicked; gradio passes the event to the first handler only."""
        cleared = self.on_start()
        named = {field.name: getattr(cleared, field.name) for field in fields(cleared)}
        return PickedUpdate(picked=int(event.index), **named)

    def on_switch(self, shown: ShownFilm | None) -> WaitingUpdate:
        """Remove picture and verdict, but keep the film for another reading of it."""
        if shown is not None and shown.reading is None:  # the reader's answer comes first
            return WaitingUpdate()
        return WaitingUpdate(viewer=READING_HTML, verdict=verdict_card.waiting_html())

    def on_refused(self, *, why: str, choices: Choices) -> ReadUpdate:
        """Show why an upload failed."""
        update = self.updates.without_film(
            verdict_card.not_read_html(upload_failure_text(why)), choices=choices
        )
        return replace(update, film=None)

    def on_upload(self, *, path: str | None, choices: Choices) -> ReadUpdate:
        """Read an uploaded film, and delete the upload."""
        update = self._open(lambda: open_and_delete(path), choices=choices)
        return replace(update, position=NO_POSITION, film=None)

    def on_example(self, *, index: int, choices: Choices) -> ReadUpdate:
        """Read the example that was clicked."""
        example = self.examples[index]
        facts = (("Example", f"FracAtlas {example.file}, labelled {example.truth}"),)
        film = ShownFilm(opened=open_example(example.path), reading=None, facts=facts)
        update = self.updates.read_or_ask(film, choices=choices)
        return replace(update, position=NO_POSITION)

    def on_source(
        self, *, source: FilmSource, position: ListPosition, choices: Choices
    ) -> ReadUpdate:
        """Read a film of a worklist; the update carries the film's position in the list."""
        update = self._open(lambda: open_source(source), choices=choices)
        return replace(update, position=position)

    def on_model(
        self, *, shown: ShownFilm | None, held: OpenedFilm | None, choices: Choices
    ) -> ReadUpdate:
        """Offer another model's operating points, and read the film on screen with that model."""
        default = self.reader.model(choices.model).manifest.default_point
        choices = replace(choices, point=default)
        if held is not None:  # the question about the damaged film stays open
            return self._offer_damaged(held, choices=choices)
        if shown is None:
            return self.updates.without_film(verdict_card.idle_html(), choices=choices)
        return self.updates.read_again(shown, choices=choices)

    def on_invert(self, *, shown: ShownFilm | None, choices: Choices) -> ReadUpdate:
        """Read the film on screen with black and white swapped, after the screen offered it."""
        if shown is None:
            return self.updates.expired(choices)
        if shown.reading is None or not shown.reading.looks_inverted:  # a second click
            return ReadUpdate()
        edit = edit_after_inverting(shown.film)
        return self.updates.read_or_ask(replace(shown, edit=edit), choices=choices)

    def on_outside_scope(self, *, shown: ShownFilm | None, choices: Choices) -> ReadUpdate:
        """Read a film that is out of scope anyway, after the screen offered it."""
        if shown is None:
            return self.updates.expired(choices)
        if shown.reading is None or not shown.reading.can_be_overridden:  # a second click
            return ReadUpdate()
        return self.updates.read(shown, choices=choices, outside_scope=True)

    def on_damaged(self, *, held: OpenedFilm | None, choices: Choices) -> ReadUpdate:
        """Read a damaged film anyway, after the screen offered it."""
        if held is None:
            return self.updates.expired(choices)
        return self.updates.read_or_ask(ShownFilm(opened=held, reading=None), choices=choices)

    def on_change(self, *, change: str, shown: ShownFilm | None, choices: Choices) -> ReadUpdate:
        """Turn or mirror the film on screen, by the words of the button, and read it again."""
        if shown is None:
            return self.updates.expired(choices)
        edit = CHANGES[change](shown.film).edit
        return self.updates.read_again(replace(shown, edit=edit), choices=choices)

    def on_undo(self, *, shown: ShownFilm | None, choices: Choices) -> ReadUpdate:
        """Read the film on screen as it is in its file."""
        if shown is None:
            return self.updates.expired(choices)
        return self.updates.read_again(replace(shown, edit=NOT_EDITED), choices=choices)

    def on_crop(self, *, crop: str | None, shown: ShownFilm | None, choices: Choices) -> ReadUpdate:
        """Read the part of the film on screen that was drawn; see edit_after_crop."""
        if shown is None:
            return self.updates.expired(choices)
        try:
            edit = edit_after_crop(shown.film, crop)
        except SettingsError as error:
            gr.Warning(as_sentence(error))
            edit = shown.edit
        return self.updates.read_again(replace(shown, edit=edit), choices=choices)

    @show_errors_to_user
    def on_point(self, *, shown: ShownFilm | None, choices: Choices) -> PointUpdate:
        """Decide again at another operating point; the network does not run."""
        loaded = self.reader.model(choices.model)
        point = loaded.point(choices.point)
        measured = self.updates.measured_html(point, choices=choices)
        if shown is None or shown.reading is None:
            return PointUpdate(measured=measured)
        reading = reading_at_point(shown.reading, point)
        return PointUpdate(
            measured=measured,
            verdict=verdict_card.verdict_html(reading, loaded.manifest.calibration),
            shown=replace(shown, reading=reading),
        )

    def on_prevalence(self, *, choices: Choices) -> MeasuredUpdate:
        """Compute the predictive values at another prevalence."""
        point = self.reader.model(choices.model).point(choices.point)
        return MeasuredUpdate(measured=self.updates.measured_html(point, choices=choices))

    def on_answer(
        self, *, answer: str, shown: ShownFilm | None, choices: Choices
    ) -> AnsweredUpdate:
        """Record the reader's own answer, then run the model and count how often both agree."""
        if shown is None:
            return _answered_update(self.updates.expired(choices), reads=choices.reads)
        if shown.reading is not None:  # a second click, sent before the first was answered
            return AnsweredUpdate()
        update = self.updates.read(shown, choices=choices)
        reading, reads = update.shown.reading, choices.reads
        if reading.probability is not None:  # a film out of scope is not counted
            reads = [*reads, ReaderAnswer(own=ANSWERS[answer], reading=reading)]
        return _answered_update(
            update,
            reads=reads,
            agreement=agreement_html(reads),
            session=gr.Column(visible=bool(reads)),
        )

    def on_session(self, reads: list[ReaderAnswer]) -> Download:
        """Return the table of the session as a CSV file."""
        return Download(name="my-reads.csv", media_type="text/csv", content=agreement_csv(reads))

    def on_fault(self, *, choices: Choices) -> ReadUpdate:
        """Clear the screen when the program fails, so that nothing of an earlier film remains."""
        update = self.updates.not_read(READING_FAULT, choices=choices)
        return replace(update, film=None)

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


def _answered_update(update: ReadUpdate, **session: Any) -> AnsweredUpdate:
    named = {field.name: getattr(update, field.name) for field in fields(update)}
    return AnsweredUpdate(**named, **session)
