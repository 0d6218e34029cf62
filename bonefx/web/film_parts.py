"""Parts of a film at full resolution, for a page that shows the film reduced.

The page asks for the part that it shows magnified, through a hidden button. The part is cut from
the film that the session keeps anyway, and passes through a hidden component, which is emptied at
once: nothing more of the film is kept, on the server or in gradio's cache.
"""

from __future__ import annotations

from typing import Protocol, TypedDict

import gradio as gr

from bonefx.records import PixelBox, Radiograph
from bonefx.web.film_memory import with_films
from bonefx.web.shared.components import UNQUEUED_EVENT
from bonefx.web.shared.viewer import values_url, view_name

# The page's script, assets/js/viewer_parts.js, prepares the request and takes the answer.
REQUEST_JS = "(request, ...others) => [window.bonefx.viewer.partRequest(), ...others]"
ANSWER_JS = "(answer) => { window.bonefx.viewer.showPart(answer); return null; }"
FAILED_JS = "() => { window.bonefx.viewer.showPart(null); }"
NO_FULL_RESOLUTION = (
    "Full resolution is not available: the film is no longer on the server. Load it again."
)


class KeptFilm(Protocol):
    """The film on a screen, as a session keeps it."""

    @property
    def film(self) -> Radiograph:
        """The film as it is shown."""

    @property
    def opening(self) -> str:
        """Name of its opening, from new_opening."""


class PartRequest(TypedDict):
    """A rectangle of the film on the page: the film's view_name, and its edges in pixels."""

    view: str
    left: int
    top: int
    right: int
    bottom: int


class PartAnswer(TypedDict):
    """A part of a film for the page.

    Attributes:
        view: view_name of the film that was asked for.
        left: First column of the part.
        top: First row of the part.
        url: PNG of its values as a data URL; empty where the server has no such film.
        why: Why there is no part, for the user; empty otherwise.
    """

    view: str
    left: int
    top: int
    url: str
    why: str


def film_part(request: PartRequest, kept: KeptFilm | None) -> PartAnswer:
    """Cut a part of the film on a screen, at its full depth and resolution.

    Args:
        request: From the page; edges beyond the film are moved to its border.
        kept: The film on the screen; None if the session no longer keeps it.

    Returns:
        The part; without pixels if the film is gone, or another one has been opened meanwhile.
    """
    answer = PartAnswer(view=request["view"], left=0, top=0, url="", why="")
    if kept is None:
        return {**answer, "why": NO_FULL_RESOLUTION}
    film = kept.film
    if view_name(film, kept.opening) != request["view"]:
        return answer
    box = _box_on_film(request, film)
    url = values_url(film.values[box.slices], film)
    return {**answer, "left": box.left, "top": box.top, "url": url}


def offer_film_parts(screen: str, kept: gr.State) -> None:
    """Add the hidden button through which the page asks for parts; call it inside gr.Blocks.

    Args:
        screen: Prefix of the screen's element ids; empty for Read.
        kept: Session state with the KeptFilm of the screen.
    """
    asked = gr.Button(elem_id=f"{screen}part", visible="hidden")
    request, answer = gr.JSON(visible=False), gr.JSON(visible=False)
    cut = asked.click(
        with_films(film_part), [request, kept], answer, js=REQUEST_JS, **UNQUEUED_EVENT
    )
    cut.success(None, answer, answer, js=ANSWER_JS, **UNQUEUED_EVENT)
    cut.failure(None, js=FAILED_JS, **UNQUEUED_EVENT)


def _box_on_film(request: PartRequest, film: Radiograph) -> PixelBox:
    height, width = film.pixels.shape
    left = min(max(request["left"], 0), width - 1)
    top = min(max(request["top"], 0), height - 1)
    return PixelBox(
        top=top,
        left=left,
        bottom=max(min(request["bottom"], height), top + 1),
        right=max(min(request["right"], width), left + 1),
    )
