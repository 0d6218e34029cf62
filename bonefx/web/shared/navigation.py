"""Navigation bar of the Read screen: previous film, next film, or back to the worklist.

The page holds the list in the order in which it is sorted there. The bar's script opens the next
row of that order, and only that film is loaded. Below the bar it shows the films of the case.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """A row of a worklist that is opened.

    Attributes:
        source: Of its film.
        position: Its position in the list.
        case: Returns the files of the films of its case by their places in the list, in that
            order, as they are grouped when it is called.
        following: Of the film that Next would open; None at the end of the list.
    """

    source: FilmSource
    position: ListPosition
    case: Callable[[], Mapping[int, FilmSource]] = dict
    following: FilmSource | None = None


@dataclass(slots=True)
class OpenedRow:
    """The row of a worklist that was opened last.

    A gr.State holds it, and its handlers share the one object of their session: requests that
    overtake each other cannot bring an earlier row back.

    Attributes:
        row: None before a row is opened.
    """

    row: ListRow | None = None

    def open(self, row: ListRow) -> None:
        """Keep a row, unless a later one of the same list was opened before."""
        with _opening:
            before = NO_POSITION if self.row is None else self.row.position
            same_list = row.position["list"] == before["list"]
            if not (same_list and row.position["opening"] < before["opening"]):
                self.row = row

    def at(self, position: ListPosition) -> ListRow | None:
        """Return the row at a position; None if another one was opened since."""
        row = self.row
        return row if row is not None and row.position == position else None

    def newest(self) -> ListRow:
        """Return the row that was opened last."""
        assert self.row is not None  # its film is opened after the row
        return self.row


def navigation_bar() -> gr.HTML:
    """Build the bar; the page hides it for a film outside a list."""
    return gr.HTML(
        NO_POSITION,
        html_template=render("shared/navigation.html.j2", case_limits=CASE_LIMITS),
        js_on_load=NAVIGATION_JS,
        elem_id="film-navigation",
        apply_default_css=False,
    )
