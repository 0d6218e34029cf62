"""What the user does with the film on screen: turn, mirror, crop, invert it, name its region."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import gradio as gr

from bonefx.errors import SettingsError
from bonefx.records import (
    FilmEdit,
    PixelBox,
    Radiograph,
    crop_radiograph,
    invert_radiograph,
    mirror_radiograph,
    turn_radiograph,
)
from bonefx.scope.statistics import REGIONS
from bonefx.web.read.choices import Choices
from bonefx.web.read.film_updates import FilmUpdates
from bonefx.web.read.state import NOT_NAMED, ReadUpdate, ShownFilm
from bonefx.web.shared.newest_film import Openings

CHANGES: dict[str, Callable[[Radiograph], Radiograph]] = {  # by the words of their buttons
    "Turn left": lambda film: turn_radiograph(film, -1),
    "Turn right": lambda film: turn_radiograph(film, 1),
    "Mirror": mirror_radiograph,
}
CROP_JS = "(crop, ...others) => [document.documentElement.dataset.crop, ...others]"


def edit_after_crop(film: Radiograph, shares: str | None) -> FilmEdit:
    """Return the edit of a film after cropping it to a rectangle that was drawn on the screen.

    Args:
        film: The film as it is shown.
        shares: Top, left, bottom and right as shares of its height and width, in [0, 1], separated
            by commas; the page's script sets them.

    Raises:
        SettingsError: The rectangle is too small, or was not drawn.
    """
    try:
        top, left, bottom, right = (float(part) for part in (shares or "").split(","))
    except ValueError as error:
        raise SettingsError("no part of the film was drawn; draw a rectangle on it") from error
    height, width = film.pixels.shape
    box = PixelBox(
        top=_clamped(top * height, height - 1),
        left=_clamped(left * width, width - 1),
        bottom=_clamped(bottom * height, height, lowest=_clamped(top * height, height - 1) + 1),
        right=_clamped(right * width, width, lowest=_clamped(left * width, width - 1) + 1),
    )
    return crop_radiograph(film, box).edit


def edit_after_inverting(film: Radiograph) -> FilmEdit:
    """Return the edit of a film after black and white were swapped."""
    return invert_radiograph(film).edit


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


def _clamped(value: float, highest: int, *, lowest: int = 0) -> int:
    return min(max(round(value), lowest), highest)
