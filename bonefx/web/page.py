"""Build the page from its screens."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from bonefx.reading.reader import Reader
from bonefx.report.wording.readings import NOTICE
from bonefx.web.compare.screen import build_compare
from bonefx.web.compare.state import ComparedFilm
from bonefx.web.html_pages import ASSETS_FOLDER
from bonefx.web.model_card.screen import build_model_card
from bonefx.web.read.screen import build_read
from bonefx.web.read.state import ShownFilm
from bonefx.web.service.faults import LoggedBlocks
from bonefx.web.shared.components import UNQUEUED_EVENT, html_block
from bonefx.web.shared.navigation import OpenedRow
from bonefx.web.shared.templates import render
from bonefx.web.shared.uploads import MAX_UPLOAD_MB, UPLOAD_FAILURES
from bonefx.web.theme import dark_theme
from bonefx.web.worklist.screen import build_worklist

STYLES = (  # a later sheet overrides an earlier one
    "css/base.css", "css/compare.css", "css/components.css", "css/viewer.css", "css/read.css",
    "css/worklist.css", "css/model_card.css", "css/touch.css", "css/small.css",
)  # fmt: skip


SCRIPTS = (  # called in this order; shared.js and viewer.js provide what later ones use
    "js/shared.js", "js/accessible_names.js", "js/logout_link.js", "js/address.js",
    "js/current_row.js", "js/read_first.js", "js/dropped_folders.js", "js/drop_and_paste.js",
    "js/uploads.js", "js/new_file.js", "js/old_messages.js", "js/film_focus.js",
    "js/viewer.js", "js/viewer_view.js", "js/viewer_parts.js", "js/viewer_magnifier.js",
    "js/viewer_findings.js", "js/viewer_linked.js",
    "js/viewer_measure.js", "js/film_crop.js", "js/viewer_gestures.js", "js/viewer_controls.js",
    "js/viewer_keys.js",
)  # fmt: skip


TO_THE_TOP = "(row) => { scrollTo(0, 0); return [row]; }"


def build_page(reader: Reader) -> gr.Blocks:
    """Build the page around loaded models."""
    page = LoggedBlocks(title="bonefx", fill_width=True, analytics_enabled=False)
    with page:
        html_block(render("shared/header.html.j2", notice=NOTICE), "head")
        html_block(render("shared/keys.html.j2"), "keys-and-gestures")
        with gr.Tabs(elem_id="screens") as tabs:
            with gr.Tab("Read", id="read"):
                read = build_read(reader)
            with gr.Tab("Compare", id="compare") as compare_tab:
                compare = build_compare(reader)
            with gr.Tab("Worklist", id="worklist"):
                worklist = build_worklist(reader)
            with gr.Tab("Model card", id="card"):
                build_model_card(reader)
        compare.follow(compare_tab.select, read.components.shown, film_to_compare)
        worklist.opened.success(to_read, worklist.row, tabs, js=TO_THE_TOP, **UNQUEUED_EVENT)
        read.open_from(
            worklist.opened,
            row=worklist.row,
            model=worklist.model,
            point=worklist.point,
        )
        page.unload(worklist.on_unload)
    return page


def film_to_compare(shown: ShownFilm | None) -> ComparedFilm | None:
    """Return the film of the Read screen, unless the reader is still to answer about it."""
    if shown is None or shown.reading is None:
        return None
    return ComparedFilm(film=shown.film, extra=shown.facts)


def to_read(row: OpenedRow) -> Any:
    """Show the Read tab for a film opened from the table; otherwise that tab is shown already."""
    return gr.skip() if row.newest().position["by_navigation"] else gr.Tabs(selected="read")


def appearance() -> dict[str, Any]:
    """Return the settings of gradio's launch for styles and scripts."""
    return {
        "theme": dark_theme(),
        "css_paths": [ASSETS_FOLDER / name for name in STYLES],
        "js": _script(),
        "favicon_path": ASSETS_FOLDER / "favicon.svg",
        "footer_links": [],
    }


def _script() -> str:
    """Return the JavaScript function that gradio calls once the page has loaded.

    Each file of SCRIPTS holds one function `(settings) => {...}`; all get the same settings.
    """
    settings = {"max_upload_mb": MAX_UPLOAD_MB, "upload_failures": UPLOAD_FAILURES}
    parts = [(ASSETS_FOLDER / name).read_text().strip() for name in SCRIPTS]
    calls = "\n".join(f"({part})(settings);" for part in parts)
    return f"() => {{\nconst settings = {json.dumps(settings)};\n{calls}\n}}"
