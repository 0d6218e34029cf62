"""Navigation bar of the Read screen: previous film, next film, or back to the worklist.

The page holds the list in the order in which it is sorted there. The bar's script opens the next
row of that order, and only that film is loaded. Below the bar it shows the films of the case.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import gradio as gr

from bonefx.films.sources import FilmSource
from bonefx.report.wording.cases import CASE_LIMITS
from bonefx.web.shared.templates import render

NAVIGATION_JS = (Path(__file__).parents[1] / "assets" / "js" / "film_navigation.js").read_text()


class ListPosition(TypedDict):
    """Position in a worklist of the film on screen; sent to the page as JSON.

    Attributes:
        list: Key of the SessionList; 0 for a film outside a list.
        place: Number of the film in the order of upload, from 1.
        by_navigation: The film was opened from another film of the list, not from the table.
        opening: Rising number that the page gave to this request, so that it can drop answers to
            earlier requests; 0 for a film outside a list.
    """

    list: int
    place: int
    by_navigation: bool
    opening: int


def list_position(*, list_key: int, place: int, by_navigation: bool, opening: int) -> ListPosition:
    """Return a position with all the keys that film_navigation.js reads."""
    return ListPosition(list=list_key, place=place, by_navigation=by_navigation, opening=opening)


NO_POSITION = list_position(list_key=0, place=0, by_navigation=False, opening=0)
_opening = threading.Lock()


@dataclass(slots=True)
class OpenedRow:
    """The row of a worklist that was opened last.

    A gr.State holds it, and its handlers share the one object of their session: requests that
    overtake each other cannot bring an earlier row back.

    Attributes:
        source: Of its film; None before a row is opened.
        position: Its position in the list.
        case: Returns the files of the films of its case, in the order of the list, as they are
            grouped when it is called.
    """

    source: FilmSource | None = None
    position: ListPosition = field(default_factory=lambda: NO_POSITION)
    case: Callable[[], tuple[FilmSource, ...]] = tuple

    def open(
        self,
        source: FilmSource,
        position: ListPosition,
        case: Callable[[], tuple[FilmSource, ...]],
    ) -> None:
        """Keep a row, unless a later one of the same list was opened before."""
        with _opening:
            same_list = position["list"] == self.position["list"]
            if not (same_list and position["opening"] < self.position["opening"]):
                self.source, self.position, self.case = source, position, case

    def at(
        self, position: ListPosition
    ) -> tuple[FilmSource, Callable[[], tuple[FilmSource, ...]]] | None:
        """Return file and case of the row at a position; None if another one was opened since."""
        with _opening:
            if self.source is None or position != self.position:
                return None
            return self.source, self.case

    def newest(self) -> tuple[FilmSource, ListPosition]:
        """Return source and position of the row that was opened last."""
        with _opening:
            assert self.source is not None  # its film is opened after the row
            return self.source, self.position


def navigation_bar() -> gr.HTML:
    """Build the bar; the page hides it for a film outside a list."""
    return gr.HTML(
        NO_POSITION,
        html_template=render("shared/navigation.html.j2", case_limits=CASE_LIMITS),
        js_on_load=NAVIGATION_JS,
        elem_id="film-navigation",
        apply_default_css=False,
    )
