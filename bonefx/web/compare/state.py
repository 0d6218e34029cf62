"""State of the Compare screen, and the updates that its handlers return."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from bonefx.records import Radiograph


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds an array
class ComparedFilm:
    """The film on screen, kept for a session until it expires, so that other models can read it.

    Attributes:
        film: The film.
        extra: Facts that are not of the film, such as an example's label, as name and value.
    """

    film: Radiograph
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnsUpdate:
    """New columns and legend; the film on screen stays.

    Attributes:
        sides: HTML of the columns, or of a message in their place.
        legend: HTML of the colour scale; empty for none.
    """

    sides: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmUpdate(ColumnsUpdate):
    """New columns and legend, and the film that they show; None while another one is read."""

    compared: ComparedFilm | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleUpdate(FilmUpdate):
    """The same, and the index of the example that was clicked."""

    picked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonUpdate(FilmUpdate):
    """The whole screen.

    Attributes:
        performance: HTML of the models' measured performance.
        film: None empties the file input once its file is read; by default it stays, as another
            file may have been uploaded meanwhile.
    """

    performance: str
    film: Any = field(default_factory=gr.skip)
