"""Layout of the Read screen."""

from __future__ import annotations

from typing import Any

import gradio as gr

from bonefx.reading.reader import Reader
from bonefx.web.film_parts import offer_film_parts
from bonefx.web.read.answers.read_first import ANSWERS, JUDGEMENTS
from bonefx.web.read.case_films import hanging_choices
from bonefx.web.read.components import ReadComponents
from bonefx.web.read.events import ReadEvents
from bonefx.web.read.film_changes import CHANGES, region_choice
from bonefx.web.read.film_updates import measured_html_of
from bonefx.web.read.handlers import ReadHandlers
from bonefx.web.read.report_panel import build_report_panel
from bonefx.web.shared import verdict_card
from bonefx.web.shared.components import html_block, model_choices, point_choice
from bonefx.web.shared.examples import ON_LOAD, Example, gallery_html, load_examples
from bonefx.web.shared.gone_film import FILM_LIFETIME_S, load_again_button
from bonefx.web.shared.navigation import navigation_bar
from bonefx.web.shared.newest_film import Openings
from bonefx.web.shared.viewer import NO_FILM_HTML


def build_read(reader: Reader) -> ReadEvents:
    """Build the screen and connect it to its handlers; call it inside gr.Blocks."""
    screen = ReadHandlers(reader=reader, examples=load_examples())
    events = ReadEvents(screen=screen, components=_build_components(reader, screen.examples))
    events.connect_all()
    return events


def _build_components(reader: Reader, examples: tuple[Example, ...]) -> ReadComponents:
    """Lay out the film on the left and the answers on the right.

    The right column comes first in the page, so that the keyboard reaches the choices first; the
    style sheet puts the film on the left.
    """
    with gr.Row(elem_id="single"):
        with gr.Column(elem_id="right"):
            shown = gr.State(None, time_to_live=FILM_LIFETIME_S)
            right = {
                "position": navigation_bar(),
                "side_by_side": hanging_choices(),
                **_film_and_verdict(reader),
                **_model_and_point(reader),
            }
            right |= build_report_panel(
                reader, shown=shown, held=right["held"], origin=right["origin"]
            )
            right |= {**_session(), **_details(reader)}
        with gr.Column(elem_id="left"):
            viewer = html_block(NO_FILM_HTML, "viewer")
            beside = html_block("", "beside")
            changes = _changes()
            gallery = html_block(gallery_html(examples), "examples", js_on_load=ON_LOAD)
    offer_film_parts("", shown)
    return ReadComponents(
        viewer=viewer, beside=beside, gallery=gallery, shown=shown, picked=gr.State(0),
        **changes, **right,
    )  # fmt: skip


def _film_and_verdict(reader: Reader) -> dict[str, Any]:
    film = gr.File(label="Film", show_label=False, elem_id="film", height=56)
    read_first = gr.Checkbox(label="My read first", elem_id="read_first", container=False)
    verdict = html_block(verdict_card.idle_html(), "verdict")
    with gr.Row(visible=False, elem_id="own") as own_answer:
        buttons = tuple(gr.Button(words) for words in ANSWERS)
    return {
        "film": film,
        "openings": gr.State(Openings()),
        "read_first": read_first,
        "verdict": verdict,
        "own_answer": own_answer,
        "answer_buttons": buttons,
        "judgement": gr.Radio(
            list(JUDGEMENTS),
            value=None,
            visible=False,
            label="Do you agree with the verdict?",
            elem_id="judgement",
        ),
        "take_back": gr.Button(
            "Take my answer back", visible=False, size="sm", elem_id="take-back"
        ),
        "invert": gr.Button("Read it inverted", visible=False, elem_id="invert"),
        "outside": gr.Button("Read anyway", visible=False, elem_id="outside"),
        "damaged": gr.Button("Read the damaged film", visible=False, elem_id="damaged"),
        "origin": load_again_button("load-again"),
        "held": gr.State(None, time_to_live=FILM_LIFETIME_S),
        "ahead": gr.State(None, time_to_live=FILM_LIFETIME_S),
        "caution": html_block(verdict_card.caution_html(reader.caution()), "caution"),
    }


def _changes() -> dict[str, Any]:
    """Lay out the tools of the film on screen; the page's script handles that of cropping."""
    with gr.Row(visible=False, elem_id="changes") as changes:
        buttons = tuple(gr.Button(words, size="sm") for words in CHANGES)
        gr.Button("Crop", size="sm", elem_id="crop")
        undo = gr.Button("Undo changes", size="sm", elem_id="undo")
        region = region_choice()
    return {"changes": changes, "change_buttons": buttons, "undo": undo, "region": region}


def _model_and_point(reader: Reader) -> dict[str, Any]:
    first = reader.model()
    prevalence_percent = round(100 * verdict_card.own_prevalence(first.point()))
    measured = measured_html_of(reader, first, first.point(), prevalence_percent / 100)
    return {
        "model": gr.Radio(
            model_choices(reader), value=first.name,
            label="Model", elem_id="model", visible=len(reader.models) > 1,
        ),
        "point": point_choice(first, first.point(), label="Operating point", elem_id="point"),
        "measured": html_block(measured, "measured"),
        "prevalence_percent": gr.Slider(
            1, 90, prevalence_percent, step=1, label="Fractures among your films, %",
            elem_id="prevalence", buttons=[],
        ),
    }  # fmt: skip


def _session() -> dict[str, Any]:
    with gr.Column(visible=False, elem_id="session") as session:
        agreement = html_block("", "agreement")
        save = gr.Button("Download this session as CSV", size="sm")
    return {
        "session": session,
        "agreement": agreement,
        "save_session": save,
        "reads": gr.State([]),
    }


def _details(reader: Reader) -> dict[str, Any]:
    first = reader.model()
    details = verdict_card.details_html(first.manifest, str(first.device))
    return {"details": html_block(details, "details")}
