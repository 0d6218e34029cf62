"""Hang the other films of a case beside the film on screen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import gradio as gr
from markupsafe import Markup

from bonefx.errors import BonefxError
from bonefx.films.sources import FilmSource
from bonefx.reading.case import study_part
from bonefx.report.wording.cases import film_words
from bonefx.web.read.choices import Choices
from bonefx.web.read.state import ShownFilm
from bonefx.web.shared.error_messages import as_sentence, show_errors_to_user
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


@show_errors_to_user
def on_hang(
    *,
    row: OpenedRow,
    position: ListPosition,
    side_by_side: bool,
    shown: ShownFilm | None,
    choices: Choices,
) -> BesideUpdate:
    """Show the other films of the case as they are in their files, without maps or verdicts.

    The films that follow in the list come first. Nothing of them is kept on the server.

    Raises:
        gradio.Error: The list expired.
    """
    del choices  # no model reads these films
    opened = row.at(position)
    if not side_by_side or shown is None or opened is None:
        return BesideUpdate(beside="")
    own, films = position["place"], opened.case()
    others = sorted(films.keys() - {own}, key=lambda place: (place < own, place))
    beside = [_film_beside(films[place], place) for place in others[:MAX_BESIDE]]
    return BesideUpdate(
        beside=render(
            "read/films_beside.html.j2", films=beside, not_shown=len(others) - len(beside)
        )
    )


def _film_beside(source: FilmSource, place: int) -> FilmBeside:
    """Open a film of the case; its name has the number that the list gives it."""
    name = f"Number {place}"
    try:
        opened = open_source(source)
    except BonefxError as error:
        return FilmBeside(name, problem=as_sentence(error))
    if opened.damage:
        return FilmBeside(name, problem=as_sentence(opened.damage))
    film = opened.film
    words = film_words(study_part(film), film.view)
    return FilmBeside(
        f"{name}: {words}" if words else name,
        stage=stage_html(film, Markup(), label=f"Radiograph, {name.lower()}"),
        tools=tools_html(film, has_map=False, map_shown=False),
    )
