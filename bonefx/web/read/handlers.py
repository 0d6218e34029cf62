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

from bonefx.errors import BonefxError
from bonefx.films.sources import FilmSource
from bonefx.models.decision import reading_at_point
from bonefx.models.registry import LoadedModel
from bonefx.reading.reader import Reader
from bonefx.reading.second_opinion import with_second_opinion
from bonefx.records import OperatingPoint, invert_radiograph
from bonefx.web.read.read_first import (
    ANSWERS,
    ReaderAnswer,
    agreement_csv,
    agreement_html,
    answered,
)
from bonefx.web.read.state import (
    AnsweredUpdate,
    Choices,
    ClearedUpdate,
    Facts,
    MeasuredUpdate,
    PickedUpdate,
    PointUpdate,
    ReadUpdate,
    ShownFilm,
    WaitingUpdate,
)
from bonefx.web.shared import verdict_card
from bonefx.web.shared.components import point_choice
from bonefx.web.shared.downloads import Download
from bonefx.web.shared.error_messages import READING_FAULT, as_sentence, show_errors_to_user
from bonefx.web.shared.examples import Example
from bonefx.web.shared.navigation import NO_POSITION, ListPosition
from bonefx.web.shared.uploads import (
    FILM_LIFETIME_S,
    OpenedFilm,
    open_and_delete,
    open_example,
    open_source,
    upload_failure_text,
)
from bonefx.web.shared.viewer import NO_FILM_HTML, READING_HTML, film_figure

FILM_EXPIRED = f"This film was removed after {FILM_LIFETIME_S // 60} minutes; load it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadHandlers:
    """Handlers of the screen; each takes the user's choices as an argument."""

    reader: Reader
    examples: tuple[Example, ...]

    def on_start(self) -> ClearedUpdate:
        """Remove the last film, its verdict and its buttons before the next film is read."""
        return ClearedUpdate(
            viewer=READING_HTML,
            verdict=verdict_card.waiting_html(),
            shown=None,
            position=NO_POSITION,
            own_answer=gr.Row(visible=False),
            invert=gr.Button(visible=False),
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
        update = self._without_film(
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
        update = self._read_or_ask(open_example(example.path), choices=choices, facts=facts)
        return replace(update, position=NO_POSITION)

    def on_source(
        self, *, source: FilmSource, position: ListPosition, choices: Choices
    ) -> ReadUpdate:
        """Read a film of a worklist; the update carries the film's position in the list."""
        update = self._open(lambda: open_source(source), choices=choices)
        return replace(update, position=position)

    def on_model(self, *, shown: ShownFilm | None, choices: Choices) -> ReadUpdate:
        """Offer another model's operating points, and read the film on screen with that model."""
        default = self.reader.model(choices.model).manifest.default_point
        choices = replace(choices, point=default)
        if shown is None:
            return self._without_film(verdict_card.idle_html(), choices=choices)
        if shown.reading is None:
            return self._ask_reader(shown.opened, choices=choices, facts=shown.facts)
        if shown.reading.probability is None:  # refused so far: the user has seen no answer yet
            return self._read_or_ask(shown.opened, choices=choices, facts=shown.facts)
        return self._read(shown.opened, choices=choices, facts=shown.facts)

    def on_invert(self, *, shown: ShownFilm | None, choices: Choices) -> ReadUpdate:
        """Read the film on screen with black and white swapped, after the screen offered it."""
        if shown is None:
            return self._without_film(verdict_card.not_read_html(FILM_EXPIRED), choices=choices)
        if shown.reading is None or not shown.reading.looks_inverted:  # a second click
            return ReadUpdate()
        opened = replace(shown.opened, film=invert_radiograph(shown.opened.film))
        return self._read_or_ask(opened, choices=choices, facts=shown.facts)

    @show_errors_to_user
    def on_point(self, *, shown: ShownFilm | None, choices: Choices) -> PointUpdate:
        """Decide again at another operating point; the network does not run."""
        loaded = self.reader.model(choices.model)
        point = loaded.point(choices.point)
        measured = self._measured_html(point, choices=choices)
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
        return MeasuredUpdate(measured=self._measured_html(point, choices=choices))

    def on_answer(
        self, *, answer: str, shown: ShownFilm | None, choices: Choices
    ) -> AnsweredUpdate:
        """Record the reader's own answer, then run the model and count how often both agree."""
        if shown is None:
            expired = self._without_film(verdict_card.not_read_html(FILM_EXPIRED), choices=choices)
            return _answered_update(expired, reads=choices.reads)
        if shown.reading is not None:  # a second click, sent before the first was answered
            return AnsweredUpdate()
        update = self._read(shown.opened, choices=choices, facts=shown.facts)
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
        update = self._without_film(verdict_card.not_read_html(READING_FAULT), choices=choices)
        return replace(update, film=None)

    def _open(self, open_film: Callable[[], OpenedFilm], *, choices: Choices) -> ReadUpdate:
        """Open a film and read it; show why if it cannot be opened or read."""
        try:
            return self._read_or_ask(open_film(), choices=choices)
        except BonefxError as error:
            return self._without_film(
                verdict_card.not_read_html(as_sentence(error)), choices=choices
            )

    def _read_or_ask(
        self, opened: OpenedFilm, *, choices: Choices, facts: Facts = ()
    ) -> ReadUpdate:
        """Read a film, or ask the reader first where the user wants that."""
        if choices.read_first and not answered(opened.film.sha256, choices.reads):
            return self._ask_reader(opened, choices=choices, facts=facts)
        return self._read(opened, choices=choices, facts=facts)

    def _read(self, opened: OpenedFilm, *, choices: Choices, facts: Facts) -> ReadUpdate:
        """Read a film with the chosen model, and show its verdict and heat map."""
        film, loaded = opened.film, self.reader.model(choices.model)
        reading = self.reader.read(film, point=choices.point, model=choices.model)
        reading = with_second_opinion(self.reader, film, reading)
        return replace(
            self._without_film(
                verdict_card.verdict_html(reading, loaded.manifest.calibration),
                choices=replace(choices, point=reading.point.name),
            ),
            viewer=film_figure(film, reading, heat_floor=loaded.manifest.heat_floor),
            details=verdict_card.details_html(
                loaded.manifest, reading.device, film=film, reading=reading, extra=facts
            ),
            invert=gr.Button(visible=reading.looks_inverted),
            shown=ShownFilm(opened=opened, reading=replace(reading, heat=None), facts=facts),
        )

    def _ask_reader(self, opened: OpenedFilm, *, choices: Choices, facts: Facts) -> ReadUpdate:
        """Show a film and ask the reader; the model has not run yet."""
        film, loaded = opened.film, self.reader.model(choices.model)
        return replace(
            self._without_film(verdict_card.your_turn_html(), choices=choices),
            viewer=film_figure(film, None, heat_floor=loaded.manifest.heat_floor),
            details=verdict_card.details_html(loaded.manifest, str(loaded.device), film=film),
            own_answer=gr.Row(visible=True),
            shown=ShownFilm(opened=opened, reading=None, facts=facts),
        )

    def _without_film(self, verdict: str, *, choices: Choices) -> ReadUpdate:
        """Show a verdict card without a film; position and a file being uploaded stay."""
        loaded = self.reader.model(choices.model)
        point = loaded.point(choices.point)
        return ReadUpdate(
            viewer=NO_FILM_HTML,
            verdict=verdict,
            measured=self._measured_html(point, choices=choices),
            details=verdict_card.details_html(loaded.manifest, str(loaded.device)),
            point=point_choice(loaded, point),
            own_answer=gr.Row(visible=False),
            invert=gr.Button(visible=False),
            caution=verdict_card.caution_html(self.reader.caution(choices.model)),
            shown=None,
        )

    def _measured_html(self, point: OperatingPoint, *, choices: Choices) -> str:
        loaded, prevalence = self.reader.model(choices.model), choices.prevalence_percent / 100
        return measured_html_of(self.reader, loaded, point, prevalence)


def _answered_update(update: ReadUpdate, **session: Any) -> AnsweredUpdate:
    named = {field.name: getattr(update, field.name) for field in fields(update)}
    return AnsweredUpdate(**named, **session)


def measured_html_of(
    reader: Reader, model: LoadedModel, point: OperatingPoint, prevalence: float
) -> str:
    """Render what a model did on test films at an operating point.

    Args:
        reader: Holds the model and the name of its test set.
        model: The model.
        point: One of its operating points.
        prevalence: Share of fractures among the user's own films, in (0, 1).
    """
    return verdict_card.measured_html(
        point,
        test_set=reader.tested_on(model.name),
        val_share=model.manifest.training_data.share_of("val"),
        prevalence=prevalence,
    )
