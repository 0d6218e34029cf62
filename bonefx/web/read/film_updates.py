"""Updates of the Read screen for one film: read, asked about, not read, or removed.

Each update replaces the whole screen, so that nothing of an earlier film remains.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from bonefx.models.registry import LoadedModel
from bonefx.reading.reader import Reader
from bonefx.reading.second_opinion import with_second_opinion
from bonefx.records import NOT_EDITED, OperatingPoint
from bonefx.web.read.read_first import answered
from bonefx.web.read.state import Choices, ReadUpdate, ShownFilm
from bonefx.web.shared import verdict_card
from bonefx.web.shared.components import point_choice
from bonefx.web.shared.uploads import FILM_LIFETIME_S
from bonefx.web.shared.viewer import NO_FILM_HTML, film_figure

FILM_EXPIRED = f"This film was removed after {FILM_LIFETIME_S // 60} minutes; load it again."


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
        """Read a film with the chosen model, and show its verdict and heat map."""
        film, loaded = shown.film, self.reader.model(choices.model)
        reading = self.reader.read(
            film, point=choices.point, model=choices.model, outside_scope=outside_scope
        )
        reading = with_second_opinion(self.reader, film, reading)
        return replace(
            self.without_film(
                verdict_card.verdict_html(reading, loaded.manifest.calibration),
                choices=replace(choices, point=reading.point.name),
            ),
            viewer=film_figure(film, reading, heat_floor=loaded.manifest.heat_floor),
            details=verdict_card.details_html(
                loaded.manifest, reading.device, film=film, reading=reading, extra=shown.facts
            ),
            invert=gr.Button(visible=reading.looks_inverted),
            outside=gr.Button(visible=reading.can_be_overridden),
            **_change_tools(shown),
            shown=replace(shown, reading=replace(reading, heat=None)),
        )

    def ask_reader(self, shown: ShownFilm, *, choices: Choices) -> ReadUpdate:
        """Show a film and ask the reader; the model has not run yet."""
        film, loaded = shown.film, self.reader.model(choices.model)
        return replace(
            self.without_film(verdict_card.your_turn_html(), choices=choices),
            viewer=film_figure(film, None, heat_floor=loaded.manifest.heat_floor),
            details=verdict_card.details_html(loaded.manifest, str(loaded.device), film=film),
            own_answer=gr.Row(visible=True),
            **_change_tools(shown),
            shown=replace(shown, reading=None),
        )

    def expired(self, choices: Choices) -> ReadUpdate:
        """Show that the film on screen is no longer in memory."""
        return self.not_read(FILM_EXPIRED, choices=choices)

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
            point=point_choice(loaded, point),
            own_answer=gr.Row(visible=False),
            **hidden_offers(),
            caution=verdict_card.caution_html(self.reader.caution(choices.model)),
            shown=None,
        )

    def measured_html(self, point: OperatingPoint, *, choices: Choices) -> str:
        """Render what an operating point of the chosen model did on test films."""
        loaded, prevalence = self.reader.model(choices.model), choices.prevalence_percent / 100
        return measured_html_of(self.reader, loaded, point, prevalence)


def hidden_offers() -> dict[str, Any]:
    """Hide what is offered about a film, and drop a damaged film that waits for a decision."""
    return {
        "invert": gr.Button(visible=False),
        "outside": gr.Button(visible=False),
        "damaged": gr.Button(visible=False),
        "held": None,
        "changes": gr.Row(visible=False),
    }


def _change_tools(shown: ShownFilm) -> dict[str, Any]:
    return {
        "changes": gr.Row(visible=True),
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
