"""The body region of the film on screen, which the reader may name."""

from __future__ import annotations

from dataclasses import dataclass, replace

import gradio as gr

from bonefx.scope.statistics import REGIONS
from bonefx.web.read.choices import Choices
from bonefx.web.read.film_updates import FilmUpdates
from bonefx.web.read.state import NOT_NAMED, ReadUpdate, ShownFilm
from bonefx.web.shared.newest_film import Openings


def region_choice() -> gr.Dropdown:
    """Build the choice of a body region; call it inside the row of the film's tools."""
    named = [(f"Region: {name}", name) for name in REGIONS]
    return gr.Dropdown(
        [("Region as recognised", NOT_NAMED), *named], value=NOT_NAMED,
        label="Body region", show_label=False, container=False, elem_id="region", min_width=180,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionChoice:
    """Handler of the choice."""

    updates: FilmUpdates

    def on_region(
        self, *, region: str, shown: ShownFilm | None, openings: Openings, choices: Choices
    ) -> ReadUpdate:
        """Name the region of the film on screen, or leave it to the model and the header again.

        The answers of the models do not depend on it; the card shows the figures of the region.
        """
        openings.region = region
        if shown is None:
            return self.updates.film_gone(choices)
        named = replace(shown, region=region)
        if named.reading is None:  # the screen waits for the reader's own answer
            return ReadUpdate(shown=named)
        return ReadUpdate(verdict=self.updates.verdict_html(named), shown=named)
