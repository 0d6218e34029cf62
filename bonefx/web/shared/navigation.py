"""From film to film of a worklist without leaving the Read screen: one back, one on, or the list.

The page knows the list as it is sorted there; film_navigation.js takes its next row, and nothing
is loaded again but that film.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import gradio as gr

from bonefx.web.shared.templates import render

WALK_JS = (Path(__file__).parents[1] / "assets" / "js" / "film_navigation.js").read_text()


class ListPosition(TypedDict):
    """Where in a list the film on screen stands.

    Attributes:
        list: Key of the Listing; 0 for a film that is of none.
        place: Number in the list as it was given, from 1.
        walked: Whether it was reached from another film of the list, and not from the table.
        opening: Number that the page gave to this opening, rising, so that it knows which of its
            steps is answered; 0 for a film that is of no list.
    """

    list: int
    place: int
    walked: bool
    opening: int


def list_position(*, list_key: int, place: int, walked: bool, opening: int) -> ListPosition:
    """Return a position with all the keys that film_navigation.js reads."""
    return ListPosition(list=list_key, place=place, walked=walked, opening=opening)


NO_POSITION = list_position(list_key=0, place=0, walked=False, opening=0)


def navigation_bar() -> gr.HTML:
    """Build the bar that leads to the films before and after this one; hidden without a list."""
    return gr.HTML(
        NO_POSITION,
        html_template=render("shared/navigation.html.j2"),
        js_on_load=WALK_JS,
        elem_id="walk",
        apply_default_css=False,
    )
