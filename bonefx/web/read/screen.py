"""Lay the screen for one film out, and join its parts to their handlers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from bonefx.reading.reader import Reader
from bonefx.web.read.handlers import ReadScreen, measured_html_of
from bonefx.web.read.read_first import ANSWERS
from bonefx.web.read.report_panel import build_report_panel
from bonefx.web.shared import verdict_card
from bonefx.web.shared.components import (
    LATEST_ONLY_EVENT,
    MODEL_EVENT,
    PRIVATE_EVENT,
    SHOWN_FOR_S,
    UNQUEUED_EVENT,
    html_block,
    point_choice,
)
from bonefx.web.shared.downloads import offer_download
from bonefx.web.shared.error_messages import show_errors_to_user
from bonefx.web.shared.examples import ON_LOAD, gallery_html, load_examples
from bonefx.web.shared.navigation import NO_POSITION, navigation_bar
from bonefx.web.shared.uploads import WHY_JS
from bonefx.web.shared.viewer import NO_FILM_HTML


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadComponents:
    """The parts of the screen that handlers read or change.

    Attributes:
        answer: What single.Answer has values for, in its order.
        choices: What single.Choices is made of, in its order.
        screen: The handlers.
        own: The row that asks for the reader's own answer.
        walk: Leads from film to film of a worklist.
    """

    answer: list[Any]
    choices: list[Any]
    screen: ReadScreen
    own: gr.Row
    buttons: list[gr.Button]
    model: gr.Radio
    gallery: gr.HTML
    walk: gr.HTML

    @property
    def shown(self) -> gr.State:
        """What the session keeps of the film on screen."""
        state: gr.State = self.answer[-1]
        return state

    @property
    def cleared(self) -> list[Any]:
        """What goes before another film is read."""
        _, viewer, verdict, *_, own, invert, _, walk, shown = self.answer
        return [viewer, verdict, shown, walk, own, invert]

    def open_from(
        self, opened: Any, source: gr.State, *, step: gr.State, model: gr.Radio, point: gr.Radio
    ) -> None:
        """Read the film of a worklist's row when it is opened, as the list read it.

        Args:
            opened: The event.
            source: Holds the FilmSource.
            step: Holds where in the list it stands.
            model: That read the list.
            point: That the list's verdicts were taken at.
        """
        opened.success(lambda name: name, model, self.model, **UNQUEUED_EVENT)
        started = opened.success(
            self.screen.on_step, step, self.cleared,
            queue=False, trigger_mode="multiple", **PRIVATE_EVENT,
        )  # fmt: skip
        opened.failure(lambda: NO_POSITION, None, self.walk, **UNQUEUED_EVENT)
        choices = [point, model, *self.choices[2:]]
        reading = _read(self, started, self.screen.on_source, source, step, choices=choices)
        # a film that is still being read may not take the place of the one that was asked for
        opened.success(None, None, None, cancels=[reading], **PRIVATE_EVENT)


def build_read(reader: Reader) -> ReadComponents:
    """Lay the screen out and join it to its handlers; call it inside gr.Blocks."""
    screen = ReadScreen(reader=reader, examples=load_examples())
    with gr.Row(elem_id="single"):  # the style puts the film left; keys reach the choices first
        with gr.Column(elem_id="right"):
            shown = gr.State(None, time_to_live=SHOWN_FOR_S)
            walk = navigation_bar()
            parts = _right(reader, shown)
        with gr.Column(elem_id="left"):
            viewer = html_block(NO_FILM_HTML, "viewer")
            gallery = html_block(gallery_html(screen.examples), "examples", js_on_load=ON_LOAD)
    film, verdict, measured, details, point, own, invert, warned = parts.pop("answer")
    agreement = parts.pop("agreement")
    laid = ReadComponents(
        answer=[
            film, viewer, verdict, measured, details, point, own, invert, warned, walk, shown,
        ],
        screen=screen, own=own, gallery=gallery, walk=walk, **parts,
    )  # fmt: skip
    _join_readings(screen, laid)
    _join_choices(screen, laid)
    _join_read_first(screen, laid, agreement)
    inverting = invert.click(
        screen.on_switch, laid.shown, laid.cleared[:2],
        queue=False, trigger_mode="multiple", **PRIVATE_EVENT,
    )  # fmt: skip
    _read(laid, inverting, screen.on_invert, shown, choices=laid.choices)
    gr.Button(visible=False).click(
        show_errors_to_user(screen.on_api),
        [film, point, gr.Checkbox(label="Invert", visible=False)],
        gr.JSON(visible=False),
        api_name="read",
        **MODEL_EVENT,
    )
    return laid


def _right(reader: Reader, shown: gr.State) -> dict[str, Any]:
    """The column of choices and answers."""
    first = reader.model()
    prevalence = round(100 * verdict_card.own_prevalence(first.point()))
    film = gr.File(label="Film", show_label=False, elem_id="film", height=56)
    read_first = gr.Checkbox(label="My read first", elem_id="read_first", container=False)
    verdict = html_block(verdict_card.idle_html(), "verdict")
    with gr.Row(visible=False, elem_id="own") as own:
        buttons = [gr.Button(words) for words in ANSWERS]
    invert = gr.Button("Read it inverted", visible=False, elem_id="invert")
    warned = html_block(verdict_card.caution_html(reader.caution()), "caution")
    model = gr.Radio(
        [loaded.name for loaded in reader.models], value=first.name,
        label="Model", elem_id="model", visible=len(reader.models) > 1,
    )  # fmt: skip
    point = point_choice(first, first.point(), label="Operating point", elem_id="point")
    measured = html_block(
        measured_html_of(reader, first, first.point(), prevalence / 100), "measured"
    )
    share = gr.Slider(
        1, 90, prevalence, step=1, label="Fractures among your films, %", elem_id="prevalence",
        buttons=[],
    )  # fmt: skip
    build_report_panel(reader, shown)
    with gr.Column(visible=False, elem_id="session") as session:
        agreement = html_block("", "agreement")
        save = gr.Button("Download this session as CSV", size="sm")
    details = html_block(verdict_card.details_html(first.manifest, str(first.device)), "details")
    return {
        "answer": [film, verdict, measured, details, point, own, invert, warned],
        "choices": [point, model, share, read_first, gr.State([])],
        "buttons": buttons,
        "model": model,
        "agreement": (agreement, session, save),
    }


def _join_readings(screen: ReadScreen, laid: ReadComponents) -> None:
    """Clear the screen, read, and leave it clear if that failed."""
    film, picked, cleared = laid.answer[0], gr.State(0), laid.cleared
    for trigger, start, asked, to_clear, read, inputs in (
        (film.upload, screen.on_start, None, cleared, screen.on_upload, film),
        (
            laid.gallery.select, screen.on_pick, None, [*cleared, picked],
            screen.on_example, picked,
        ),
        (
            laid.model.input, screen.on_switch, laid.shown, cleared[:2],
            screen.on_model, laid.shown,
        ),
    ):  # fmt: skip
        started = trigger(
            start, asked, to_clear, queue=False, trigger_mode="multiple", **PRIVATE_EVENT
        )
        _read(laid, started, read, inputs, choices=laid.choices)
    # page.js presses these when a file is handed over, before gradio uploads or refuses it.
    sent = gr.Button(elem_id="sent", visible="hidden")
    sent.click(
        screen.on_start, None, cleared, queue=False, trigger_mode="multiple", **PRIVATE_EVENT
    )
    refused = gr.Button(elem_id="refused", visible="hidden")
    why = gr.Textbox(visible=False)
    refused.click(
        screen.on_refused,
        [why, *laid.choices],
        laid.answer,
        js=WHY_JS,
        queue=False,
        **PRIVATE_EVENT,
    )
    refused.click(lambda: NO_POSITION, None, laid.walk, **UNQUEUED_EVENT)


def _read(laid: ReadComponents, started: Any, read: Any, *inputs: Any, choices: list[Any]) -> Any:
    """Let a handler answer with a whole screen, and leave it clear if that failed.

    Returns:
        The event of reading.
    """
    done = started.then(
        read, [*inputs, *choices], laid.answer,
        trigger_mode="multiple", **MODEL_EVENT, **PRIVATE_EVENT,
    )  # fmt: skip
    done.failure(laid.screen.on_fault, choices, laid.answer, **PRIVATE_EVENT)
    return done


def _join_choices(screen: ReadScreen, laid: ReadComponents) -> None:
    """Answer to another operating point or prevalence without the network."""
    _, _, verdict, measured, *_ = laid.answer
    point, _, prevalence, *_ = laid.choices
    point.input(
        screen.on_point,
        [laid.shown, *laid.choices],
        [verdict, measured, laid.shown],
        **LATEST_ONLY_EVENT,
    )
    prevalence.input(screen.on_prevalence, laid.choices, measured, **LATEST_ONLY_EVENT)


def _join_read_first(
    screen: ReadScreen, laid: ReadComponents, session: tuple[gr.HTML, gr.Column, gr.Button]
) -> None:
    """Take the reader's own answer, and ask the model after it."""
    agreement, column, save = session
    *_, reads = laid.choices
    offer_download(save, screen.on_session, [reads])
    for button in laid.buttons:
        done = button.click(
            screen.on_own, [button, laid.shown, *laid.choices],
            [*laid.answer, reads, agreement, column], **MODEL_EVENT, **PRIVATE_EVENT,
        )  # fmt: skip
        done.failure(screen.on_fault, laid.choices, laid.answer, **PRIVATE_EVENT)
