"""Handlers of the reader's own answers: before the model's, and about its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import gradio as gr

from bonefx.web.read.answers.read_first import (
    ANSWERS,
    JUDGEMENTS,
    ReaderAnswer,
    agreement_csv,
    agreement_html,
    with_judgement,
    with_own_answer,
    without_own_answer,
)
from bonefx.web.read.choices import Choices
from bonefx.web.read.film_updates import FilmUpdates
from bonefx.web.read.state import AnsweredUpdate, ReadUpdate, ShownFilm, extended
from bonefx.web.shared.downloads import Download
from bonefx.web.shared.newest_film import Openings


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAnswers:
    """Handlers; each returns the session's answers as they are afterwards."""

    updates: FilmUpdates

    def on_answer(
        self, *, answer: str, shown: ShownFilm | None, choices: Choices
    ) -> AnsweredUpdate:
        """Record the reader's own answer, then run the model and count how often both agree."""
        if shown is None:
            return self._gone(choices)
        if shown.reading is not None:  # a second click, sent before the first was answered
            return AnsweredUpdate()
        update = self.updates.read(shown, choices=choices)
        reading = update.shown.reading
        if reading.probability is None:  # a film out of scope is not counted
            return _with_reads(update, choices.reads)
        reads = with_own_answer(
            choices.reads, ANSWERS[answer], reading=reading, revised=shown.taken_back
        )
        return replace(_with_reads(update, reads), take_back=gr.Button(visible=True))

    def on_take_back(
        self, *, shown: ShownFilm | None, openings: Openings, choices: Choices
    ) -> AnsweredUpdate:
        """Forget the reader's own answer about the film on screen, and ask again.

        The next answer is marked as revised, since the reader has seen the model's.
        """
        if shown is None:
            return self._gone(choices)
        openings.request()  # the second model's answer, if it still reads, is not shown
        asked = self.updates.ask_reader(replace(shown, taken_back=True), choices=choices)
        return _with_reads(asked, without_own_answer(choices.reads, shown.opened.film.sha256))

    def on_judgement(
        self, *, judgement: str | None, shown: ShownFilm | None, choices: Choices
    ) -> AnsweredUpdate:
        """Record whether the reader agrees with the verdict on screen."""
        if shown is None:
            return self._gone(choices)
        if shown.reading is None or judgement is None:
            return AnsweredUpdate()
        reads = with_judgement(choices.reads, agrees=JUDGEMENTS[judgement], reading=shown.reading)
        return _with_reads(ReadUpdate(), reads)

    def on_session(self, reads: list[ReaderAnswer]) -> Download:
        """Return the table of the session as a CSV file."""
        return Download(name="my-reads.csv", media_type="text/csv", content=agreement_csv(reads))

    def _gone(self, choices: Choices) -> AnsweredUpdate:
        return extended(AnsweredUpdate, self.updates.film_gone(choices), reads=choices.reads)


def _with_reads(update: ReadUpdate, reads: Sequence[ReaderAnswer]) -> AnsweredUpdate:
    return extended(
        AnsweredUpdate,
        update,
        reads=list(reads),
        agreement=agreement_html(reads),
        session=gr.Column(visible=bool(reads)),
    )
