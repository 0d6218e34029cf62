"""State of the Compare screen, and the updates that its handlers return."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from bonefx.records import Radiograph
from bonefx.web.shared.gone_film import NO_FILM
from bonefx.web.shared.viewer import new_opening


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds an array
class ComparedFilm:
    """The film on screen, kept for a session until it expires, so that other models can read it.

    Attributes:
        film: The film.
        extra: Facts that are not of the film, such as an example's label, as name and value.
        opening: Name of this opening; see viewer.new_opening.
    """

    film: Radiograph
    extra: tuple[tuple[str, str], ...] = ()
    opening: str = field(default_factory=new_opening)

    @property
    def nbytes(self) -> int:
        """Bytes of the film in memory."""
        return self.film.nbytes


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
    """New columns and legend, and the film that they show; None while another one is read.

    Attributes:
        compared: The film.
        origin: Where the film on the page came from.
    """

    compared: ComparedFilm | None
    origin: Any = field(default_factory=lambda: NO_FILM)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedUpdate(FilmUpdate):
    """The same, and a file input that takes another file."""

    film: None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleUpdate(FilmUpdate):
    """The same, and the index of the example that was clicked."""

    picked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonUpdate(FilmUpdate):
    """The whole screen.

    Attributes:
        performance: HTML of the models' measured performance.
        film: None empties the file input after a refused upload; by default it stays, as another
            file may have been uploaded meanwhile.
    """

    performance: str
    film: Any = field(default_factory=gr.skip)

    def outdated(self) -> ComparisonUpdate:
        """Return what still holds once another film is opened: the models' performance."""
        same: Any = gr.skip()
        return ComparisonUpdate(
            sides=same, legend=same, compared=same, origin=same, performance=self.performance
        )
