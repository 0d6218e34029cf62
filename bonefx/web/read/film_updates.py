"""Updates of the Read screen for one film: read, asked about, not read, or removed.

Each update replaces the whole screen, so that nothing of an earlier film remains.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from bonefx.models.registry import LoadedModel
from bonefx.reading.reader import Reader
from bonefx.reading.second_opinion import at_point, second_model
from bonefx.records import NOT_EDITED, OperatingPoint, Reading
from bonefx.scope.body_parts import with_named_region
from bonefx.web.read.answers.read_first import answered
from bonefx.web.read.choices import Choices
from bonefx.web.read.state import NOT_NAMED, ReadUpdate, RowGoneUpdate, ShownFilm
from bonefx.web.shared import verdict_card
from bonefx.web.shared.components import point_choice
from bonefx.web.shared.gone_film import (
    FILM_GONE,
    LIST_GONE,
    NO_FILM,
    FilmOrigin,
    gone,
    is_gone,
)
from bonefx.web.shared.navigation import NO_POSITION
from bonefx.web.shared.viewer import NO_FILM_HTML, film_figure


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmUpdates:
    """Updates for films that the loaded models read."""

    reader: Reader

    def read_again(self, shown: ShownFilm, *, choices: Choices) -> ReadUpdate:
        """Read a film again after a choice or a change; a question to the reader stays open."""
        if shown.reading is None:
            return self.ask_reader(shown, choices=choices)
        if shown.reading.probability is None:  # refused so far: the user has seen no answer yet
            return self.read_or_ask(shown, choices=choices)
        return self.read(shown, choices=choices)

    def read_or_ask(self, shown: ShownFilm, *, choices: Choices) -> ReadUpdate:
        """Read a film, or ask the reader first where the user wants that."""
        if choices.read_first and not answered(shown.opened.film.sha256, choices.reads):
            return self.ask_reader(shown, choices=choices)
        return self.read(shown, choices=choices)

    def read(
        self, shown: ShownFilm, *, choices: Choices, outside_scope: bool = False
    ) -> ReadUpdate:
        """Read a film with the chosen model, and show its verdict and heat map.

        A second model reads it afterwards; see after_verdict.AwaitedOpinion.
        """
        reading = self.reader.read(
            shown.film, point=choices.point, model=choices.model, outside_scope=outside_scope
        )
        return self._with_reading(shown, reading, choices=choices)

    def show_or_ask(self, ready: ShownFilm, *, choices: Choices) -> ReadUpdate:
        """Show a film that was read ahead, or ask the reader first where the user wants that."""
        if choices.read_first or ready.reading is None:
            return self.read_or_ask(replace(ready, reading=None), choices=choices)
        reading = at_point(self.reader, ready.reading, choices.point)
        return self._with_reading(ready, reading, choices=choices)

    def _with_reading(self, shown: ShownFilm, reading: Reading, *, choices: Choices) -> ReadUpdate:
        film, loaded = shown.film, self.reader.model(choices.model)
        shown = replace(shown, reading=reading, second_failed=False)
        return replace(
            self.without_film(
                self.verdict_html(shown),
                choices=replace(choices, point=reading.point.name),
            ),
            viewer=film_figure(
                film, reading, heat_floor=loaded.manifest.heat_floor, opening=shown.opening
            ),
            details=verdict_card.details_html(
                loaded.manifest, reading.device, film=film, reading=reading, extra=shown.facts
            ),
            invert=gr.Button(visible=reading.looks_inverted),
            outside=gr.Button(visible=reading.can_be_overridden),
            judgement=gr.Radio(value=None, visible=reading.probability is not None),
            **_change_tools(shown),
            origin=gr.skip(),
            shown=shown,
        )

    def verdict_html(self, shown: ShownFilm) -> str:
        """Render the verdict of a film that was read; a second model may still have to read it."""
        assert shown.reading is not None  # otherwise the screen asks for the reader's answer
        reading = with_named_region(shown.reading, shown.region)
        calibration = self.reader.model(reading.model).manifest.calibration
        awaited = None if reading.second else second_model(self.reader, reading.model)
        return verdict_card.verdict_html(
            reading,
            calibration,
            test_set=self.reader.tested_on(reading.model),
            awaited=awaited.name if awaited else "",
            second_failed=shown.second_failed,
        )

    def ask_reader(self, shown: ShownFilm, *, choices: Choices) -> ReadUpdate:
        """Show a film and ask the reader; the model has not run yet."""
        film, loaded = shown.film, self.reader.model(choices.model)
        return replace(
            self.without_film(verdict_card.your_turn_html(), choices=choices),
            viewer=film_figure(
                film, None, heat_floor=loaded.manifest.heat_floor, opening=shown.opening
            ),
            details=verdict_card.details_html(loaded.manifest, str(loaded.device), film=film),
            own_answer=gr.Row(visible=True),
            **_change_tools(shown),
            origin=gr.skip(),
            shown=replace(shown, reading=None),
        )

    def film_gone(self, choices: Choices) -> ReadUpdate:
        """Keep the picture of a film that the server no longer has, and offer to open it again."""
        update = self.not_read(FILM_GONE, choices=choices)
        if not is_gone(choices.origin):
            return replace(update, viewer=gr.skip())
        return replace(update, viewer=gr.skip(), origin=gone(choices.origin))

    def not_read(self, why: str, *, choices: Choices) -> ReadUpdate:
        """Show why a film was not read, as sentences."""
        return self.without_film(verdict_card.not_read_html(why), choices=choices)

    def without_film(self, verdict: str, *, choices: Choices) -> ReadUpdate:
        """Show a verdict card without a film; position and a file being uploaded stay."""
        loaded = self.reader.model(choices.model)
        point = loaded.point(choices.point)
        return ReadUpdate(
            viewer=NO_FILM_HTML,
            verdict=verdict,
            measured=self.measured_html(point, choices=choices),
            details=verdict_card.details_html(loaded.manifest, str(loaded.device)),
            point=point_choice(loaded, point, interactive=True),
            own_answer=gr.Row(visible=False),
            **hidden_offers(),
            origin=NO_FILM,
            caution=verdict_card.caution_html(self.reader.caution(choices.model)),
            shown=None,
        )

    def measured_html(self, point: OperatingPoint, *, choices: Choices) -> str:
        """Render what an operating point of the chosen model did on test films."""
        loaded, prevalence = self.reader.model(choices.model), choices.prevalence_percent / 100
        return measured_html_of(self.reader, loaded, point, prevalence)


def with_origin(origin: FilmOrigin, update: ReadUpdate) -> ReadUpdate:
    """Return an update with the origin of its film; unchanged where it has none."""
    if update.shown is None and update.held is None:
        return update
    return replace(update, origin=origin)


def row_gone(origin: FilmOrigin) -> RowGoneUpdate:
    """End the position in a list whose row cannot be opened.

    Args:
        origin: Of the film on the page; if that is gone, it was to be opened again from its row,
            and the offer ends, too.
    """
    if not origin["gone"]:
        return RowGoneUpdate(position=NO_POSITION)
    return RowGoneUpdate(
        position=NO_POSITION, verdict=verdict_card.not_read_html(LIST_GONE), origin=NO_FILM
    )


def hidden_offers() -> dict[str, Any]:
    """Hide what is offered about a film, and drop a damaged film that waits for a decision."""
    return {
        "invert": gr.Button(visible=False),
        "outside": gr.Button(visible=False),
        "damaged": gr.Button(visible=False),
        "held": None,
        "judgement": gr.Radio(value=None, visible=False),
        "take_back": gr.Button(visible=False),
        "changes": gr.Row(visible=False),
        "region": NOT_NAMED,
    }


def _change_tools(shown: ShownFilm) -> dict[str, Any]:
    return {
        "changes": gr.Row(visible=True),
        "region": gr.update(value=shown.region, interactive=True),
        "undo": gr.Button(interactive=shown.edit != NOT_EDITED),
    }


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
