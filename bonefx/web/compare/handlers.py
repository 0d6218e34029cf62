"""Event handlers of the Compare screen. Each takes the user's choices as arguments.

A handler that ends a reading updates the whole screen, so that nothing of an earlier film remains.
An upload is deleted as soon as it is read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from markupsafe import Markup

from bonefx.errors import BonefxError, SettingsError
from bonefx.films.decoding.pool import decode_film
from bonefx.reading.reader import Reader
from bonefx.web.compare.api import choose_models, compare_models
from bonefx.web.compare.columns import comparison_html, legend_html, message_html
from bonefx.web.compare.state import (
    ColumnsUpdate,
    ComparedFilm,
    ComparisonUpdate,
    ExampleUpdate,
    FilmUpdate,
    UploadedUpdate,
)
from bonefx.web.service.faults import with_reference
from bonefx.web.shared import verdict_card
from bonefx.web.shared.error_messages import READING_FAULT, as_sentence
from bonefx.web.shared.examples import Example
from bonefx.web.shared.gone_film import (
    FILM_GONE,
    UPLOADED,
    FilmOrigin,
    film_origin,
    gone,
    is_gone,
)
from bonefx.web.shared.newest_film import Openings
from bonefx.web.shared.performance import performance_html
from bonefx.web.shared.uploads import read_and_delete, upload_failure_text
from bonefx.web.shared.viewer import NO_FILM_HTML, READING_HTML


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareHandlers:
    """Handlers of the screen.

    Attributes:
        reader: Holds the loaded models.
        examples: The example films that the screen offers.
    """

    reader: Reader
    examples: tuple[Example, ...]

    def on_sent(self, openings: Openings) -> FilmUpdate:
        """Clear columns, legend and film when a file begins to be sent, unless it has arrived."""
        if openings.announce():
            return FilmUpdate(sides=message_html(READING_HTML), legend="", compared=None)
        same: Any = gr.skip()
        return FilmUpdate(sides=same, legend=same, compared=same, origin=same)

    def on_uploaded(self, path: str | None, openings: Openings) -> UploadedUpdate:
        """Clear the screen for a file that has arrived, and make room for the next one."""
        openings.end_upload(path)
        return UploadedUpdate(sides=message_html(READING_HTML), legend="", compared=None, film=None)

    def on_pick(self, openings: Openings, event: gr.EventData) -> ExampleUpdate:
        """Clear the screen and keep the example's index; only the first handler gets the event."""
        openings.open()
        return ExampleUpdate(
            sides=message_html(READING_HTML), legend="", compared=None, picked=int(event.index)
        )

    def on_switch(self, compared: ComparedFilm | None) -> ColumnsUpdate:
        """Clear columns and legend of a film, but keep the film for other models."""
        if compared is None:
            same: Any = gr.skip()
            return ColumnsUpdate(sides=same, legend=same)
        return ColumnsUpdate(sides=message_html(READING_HTML), legend="")

    def on_tab(
        self, read: ComparedFilm | None, compared: ComparedFilm | None, openings: Openings
    ) -> FilmUpdate:
        """Clear the columns if the film of the Read screen is not the one that they show.

        Args:
            read: The film on the Read screen; None without one that a model has answered.
            compared: The film on this screen.
            openings: Of this screen; once the user has opened a film here, it no longer follows.
        """
        openings.request()  # what was begun for another film is dropped
        if openings.number or _is_same(read, compared):
            same: Any = gr.skip()
            return FilmUpdate(sides=same, legend=same, compared=same, origin=same)
        shown = NO_FILM_HTML if read is None else READING_HTML
        return FilmUpdate(sides=message_html(shown), legend="", compared=None)

    def on_follow(
        self,
        read: ComparedFilm | None,
        compared: ComparedFilm | None,
        names: list[str],
        openings: Openings,
    ) -> ComparisonUpdate:
        """Compare the models on the film of the Read screen; see on_tab."""
        if read is None or openings.number or _is_same(read, compared):
            return _unchanged()
        requests = openings.requests
        update = openings.newest_only(
            lambda: self._comparison(read, names), outdated=ComparisonUpdate.outdated
        )
        return update if openings.requests == requests else update.outdated()

    def on_refused(self, why: str, names: list[str], openings: Openings) -> ComparisonUpdate:
        """Show why an upload failed."""
        openings.end_upload()
        message = self._message(names, verdict_card.not_read_html(upload_failure_text(why)))
        return replace(message, film=None)

    def on_upload(self, openings: Openings, names: list[str]) -> ComparisonUpdate:
        """Read the upload that waits to be read, and delete it.

        Nothing changes where another film has been opened since the file arrived.
        """
        path = openings.take_upload()
        if path is None:
            return _unchanged()
        try:
            compared = ComparedFilm(film=read_and_delete(path))
        except BonefxError as error:
            return self._message(names, verdict_card.not_read_html(as_sentence(error)))
        return replace(self._comparison(compared, names), origin=UPLOADED)

    def on_example(self, picked: int, names: list[str]) -> ComparisonUpdate:
        """Read the example that was clicked."""
        example = self.examples[picked]
        extra = (("Example", f"FracAtlas {example.file}, labelled {example.truth}"),)
        film = decode_film(example.path)
        comparison = self._comparison(ComparedFilm(film=film, extra=extra), names)
        return replace(comparison, origin=film_origin("example", picked))

    def on_models(
        self, names: list[str], compared: ComparedFilm | None, origin: FilmOrigin
    ) -> ComparisonUpdate:
        """Read the film on screen with the chosen models."""
        if compared is not None:
            return replace(self._comparison(compared, names), origin=origin)
        if is_gone(origin, compared):
            message = self._message(names, verdict_card.not_read_html(FILM_GONE))
            return replace(message, origin=gone(origin))
        return self._message(names, NO_FILM_HTML)

    def on_fault(self, names: list[str], openings: Openings) -> ComparisonUpdate:
        """Clear the screen and report that the program failed, if it did on the newest film."""
        if not openings.newest_failed:
            return _unchanged()
        return self._message(names, verdict_card.not_read_html(with_reference(READING_FAULT)))

    def _comparison(self, compared: ComparedFilm, names: list[str]) -> ComparisonUpdate:
        try:
            chosen = choose_models(self.reader, names)
        except SettingsError as error:
            message = self._message(names, verdict_card.not_read_html(as_sentence(error)))
            return replace(message, compared=compared)  # for another choice of models
        comparison = compare_models(self.reader, compared.film, chosen)
        return ComparisonUpdate(
            sides=comparison_html(
                compared.film,
                comparison,
                chosen,
                test_sets=[self.reader.tested_on(model.name) for model in chosen],
                extra=compared.extra,
                opening=compared.opening,
            ),
            legend=legend_html(comparison),
            performance=performance_html(chosen),
            compared=compared,
        )

    def _message(self, names: list[str], content_html: Markup) -> ComparisonUpdate:
        chosen = [model for model in self.reader.models if model.name in names]
        return ComparisonUpdate(
            sides=message_html(content_html),
            legend="",
            performance=performance_html(chosen),
            compared=None,
        )


def _unchanged() -> ComparisonUpdate:
    same: Any = gr.skip()
    return ComparisonUpdate(sides=same, legend=same, compared=same, origin=same, performance=same)


def _is_same(first: ComparedFilm | None, second: ComparedFilm | None) -> bool:
    """Return whether two screens show the same film with the same changes, or both show none."""
    if first is None or second is None:
        return first is second
    return (first.film.sha256, first.film.edit) == (second.film.sha256, second.film.edit)
