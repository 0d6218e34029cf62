"""A film that the page shows and the server no longer has, and a button that opens it again.

A session keeps its film for FILM_LIFETIME_S, and loses it when the program ends, or earlier where
the films of all sessions take too much memory. The page knows what it shows and where that came
from, so each action on the film tells the server; if the film is gone, the screen says so, and the
button's script opens the film again.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import gradio as gr

from bonefx.web.shared.templates import render

FILM_LIFETIME_S = 600  # a session keeps the film on screen for this long
GONE_JS = (Path(__file__).parents[1] / "assets" / "js" / "gone_film.js").read_text()
FILM_GONE = (
    f"This film is no longer on the server: films are removed after {FILM_LIFETIME_S // 60} "
    "minutes, earlier if many are open, and when the program restarts. Load it again."
)
LIST_GONE = (
    "The films of this list are no longer on the server: they are deleted after one hour, and when "
    "the program restarts. Choose the films again to read them."
)


class FilmOrigin(TypedDict):
    """Where the film on the page came from; the page keeps it and sends it with each action.

    Attributes:
        kind: "upload", "example" or "row" of a worklist; empty for a page without a film.
        index: Of the example; else 0.
        gone: The server no longer has the film, and the page offers to open it again.
    """

    kind: str
    index: int
    gone: bool


def film_origin(kind: str, index: int = 0) -> FilmOrigin:
    """Return the origin of a film that the server has."""
    return FilmOrigin(kind=kind, index=index, gone=False)


NO_FILM = film_origin("")
UPLOADED = film_origin("upload")
FROM_ROW = film_origin("row")


def is_gone(origin: FilmOrigin, *kept: object) -> bool:
    """Return whether the page shows a film that the server no longer has.

    Args:
        origin: As the page sent it.
        kept: What the session keeps of a film on the page; None where that is gone.
    """
    return origin["kind"] != "" and all(film is None for film in kept)


def gone(origin: FilmOrigin) -> FilmOrigin:
    """Return the origin of a film that the server no longer has."""
    return FilmOrigin(kind=origin["kind"], index=origin["index"], gone=True)


def load_again_button(elem_id: str) -> gr.HTML:
    """Build the button, which the page shows only for a film that is gone.

    Args:
        elem_id: "load-again", with the prefix of the screen's other ids.
    """
    return gr.HTML(
        NO_FILM,
        html_template=render("shared/load_again.html.j2"),
        js_on_load=GONE_JS,
        elem_id=elem_id,
        apply_default_css=False,
    )
