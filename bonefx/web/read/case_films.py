"""Hang the other films of a case beside the film on screen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import gradio as gr
from markupsafe import Markup

from bonefx.errors import BonefxError
from bonefx.films.sources import FilmSource
from bonefx.records import Radiograph
from bonefx.web.read.choices import Choices
from bonefx.web.read.state import ShownFilm
from bonefx.web.shared.error_messages import as_sentence
from bonefx.web.shared.navigation import ListPosition, OpenedRow
from bonefx.web.shared.templates import render
from bonefx.web.shared.uploads import open_source
from bonefx.web.shared.viewer import stage_html, tools_html

MAX_BESIDE = 3  # further films would be too small to read


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideUpdate:
    """The films beside the film on screen. An unset field changes nothing."""

    beside: Any = field(default_factory=gr.skip)

    def outdated(self) -> BesideUpdate:
        """Return what still holds once another film is opened: nothing."""
        return BesideUpdate()


class FilmBeside(NamedTuple):
    """A film of the case as the page shows it: its name, and its picture or why there is none."""

    name: str
    stage: Markup = Markup()
    tools: Markup = Markup()
    problem: str = ""


def hanging_choices() -> gr.Checkbox:
    """Lay out how the films of a case hang; the page shows it for films of a case.

    Returns:
        The check box that hangs them side by side. The other one is for the page's script.
    """
    with gr.Row(elem_id="hanging"):
        side_by_side = gr.Checkbox(label="Side by side", elem_id="side-by-side", container=False)
        gr.Checkbox(label="Window and zoom together", elem_id="linked", container=False)
    return side_by_side


def on_hang(
    *,
    row: OpenedRow,
    position: ListPosition,
    side_by_side: bool,
    shown: ShownFilm | None,
    choices: Choices,
) -> BesideUpdate:
    """Show the other films of the case as they are in their files, without maps or verdicts.

    Nothing of them is kept on the server.
    """
    del choices  # no model reads these films
    opened = row.at(position)
    if not side_by_side or shown is None or opened is None:
        return BesideUpdate(beside="")
    films = opened.case()
    at = films.index(opened.source) if opened.source in films else 0
    numbered = list(enumerate(films, start=1))
    others = [*numbered[at + 1 :], *numbered[:at]]
    beside = [_film_beside(source, number) for number, source in others[:MAX_BESIDE]]
    return BesideUpdate(
        beside=render(
            "read/films_beside.html.j2", films=beside, not_shown=len(others) - len(beside)
        )
    )


def _film_beside(source: FilmSource, number: int) -> FilmBeside:
    name = f"Film {number} of the case"
    try:
        opened = open_source(source)
    except BonefxError as error:
        return FilmBeside(name, problem=as_sentence(error))
    if opened.damage:
        return FilmBeside(name, problem=as_sentence(opened.damage))
    film = opened.film
    return FilmBeside(
        " ".join([name, *_view(film)]),
        stage=stage_html(film, Markup(), label=f"Radiograph, {name.lower()}"),
        tools=tools_html(film, has_map=False, map_shown=False),
    )


def _view(film: Radiograph) -> list[str]:
    """Return the view and side of a film, as far as its header names them."""
    return [part for part in (film.view, film.laterality) if part]
