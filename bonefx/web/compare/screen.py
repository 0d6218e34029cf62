"""Layout of the Compare screen: several models read one film; and its connections to handlers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from bonefx.models.registry import LoadedModel
from bonefx.reading.reader import Reader
from bonefx.web.compare.api import CompareApi
from bonefx.web.compare.columns import message_html
from bonefx.web.compare.handlers import CompareHandlers
from bonefx.web.compare.state import (
    ColumnsUpdate,
    ComparedFilm,
    ComparisonUpdate,
    ExampleUpdate,
    FilmUpdate,
    UploadedUpdate,
)
from bonefx.web.film_parts import offer_film_parts
from bonefx.web.shared.components import (
    MODEL_EVENT,
    PRIVATE_EVENT,
    UNQUEUED_EVENT,
    html_block,
    model_choices,
)
from bonefx.web.shared.error_messages import show_errors_to_user
from bonefx.web.shared.examples import ON_LOAD, Example, gallery_html, load_examples
from bonefx.web.shared.gone_film import FILM_LIFETIME_S, load_again_button
from bonefx.web.shared.newest_film import Openings
from bonefx.web.shared.performance import performance_html
from bonefx.web.shared.templates import render
from bonefx.web.shared.updates import connect
from bonefx.web.shared.uploads import WHY_JS
from bonefx.web.shared.viewer import NO_FILM_HTML

DEFAULT_MODELS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareComponents:
    """Components that handlers read or update.

    Attributes:
        film: Input of a file; empty but for the moment between an upload and its reading.
        openings: The session's Openings.
        models: Choice of the models that are compared.
        gallery: Buttons of the example films.
        sides: The columns of the comparison.
        legend: The common colour scale of the maps.
        performance: What the chosen models do on test films.
        compared: The session's ComparedFilm.
        origin: Button that opens a film again which the server no longer has; its value is the
            FilmOrigin of the film on the page.
        picked: Index of the example that was clicked last.
    """

    film: gr.File
    openings: gr.State
    models: gr.CheckboxGroup
    gallery: gr.HTML
    sides: gr.HTML
    legend: gr.HTML
    performance: gr.HTML
    compared: gr.State
    origin: gr.HTML
    picked: gr.State


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareScreen:
    """The screen as built: its handlers and components."""

    handlers: CompareHandlers
    components: CompareComponents

    def follow(
        self,
        selected: Callable[..., Any],
        shown: gr.State,
        film_of: Callable[[Any], ComparedFilm | None],
    ) -> None:
        """Compare the models on the film of another screen when this screen is selected.

        Args:
            selected: Event of selecting this screen.
            shown: State of the other screen's film.
            film_of: Returns the film of that state; None if there is none to compare.
        """
        handlers, parts = self.handlers, self.components
        started = connect(
            selected, lambda state, *others: handlers.on_tab(film_of(state), *others),
            [shown, parts.compared, parts.openings],
            update=FilmUpdate, components=parts, **UNQUEUED_EVENT,
        )  # fmt: skip
        done = connect(
            started.then, lambda state, *others: handlers.on_follow(film_of(state), *others),
            [shown, parts.compared, parts.models, parts.openings],
            update=ComparisonUpdate, components=parts, trigger_mode="multiple",
            **MODEL_EVENT, **PRIVATE_EVENT,
        )  # fmt: skip
        _clear_on_fault(done, handlers, parts)


def build_compare(reader: Reader) -> CompareScreen:
    """Build the screen and connect it to its handlers; call it inside gr.Blocks."""
    several = len(reader.models) > 1
    examples = load_examples() if several else ()
    if not several:
        gr.HTML(
            render("compare/one_model.html.j2", model=reader.model().name), apply_default_css=False
        )
    parts = _build_components(reader, examples, visible=several)
    handlers = CompareHandlers(reader=reader, examples=examples)
    _connect_readings(handlers, parts)
    _connect_upload_notices(handlers, parts)
    offer_film_parts("compare-", parts.compared)
    gr.Button(visible=False).click(
        show_errors_to_user(CompareApi(reader=reader).compare), [parts.film, parts.models],
        gr.JSON(visible=False), api_name="compare", **MODEL_EVENT,
    )  # fmt: skip
    return CompareScreen(handlers=handlers, components=parts)


def default_models(reader: Reader) -> list[LoadedModel]:
    """Return the models that are compared at first; those without a caution come first."""
    ranked = sorted(reader.models, key=lambda model: bool(reader.caution(model.name)))
    return ranked[:DEFAULT_MODELS]


def _build_components(
    reader: Reader, examples: tuple[Example, ...], *, visible: bool
) -> CompareComponents:
    chosen = default_models(reader)
    with gr.Column(elem_id="compare", visible=visible):
        with gr.Row(elem_id="compare-choices"):
            film = gr.File(label="Film", show_label=False, elem_id="compare-film", height=56)
            models = gr.CheckboxGroup(
                model_choices(reader), value=[model.name for model in chosen], label="Models",
                elem_id="compare-models",
            )  # fmt: skip
            gallery = html_block(gallery_html(examples), "compare-examples", js_on_load=ON_LOAD)
        return CompareComponents(
            film=film,
            openings=gr.State(Openings()),
            models=models,
            gallery=gallery,
            origin=load_again_button("compare-load-again"),
            sides=html_block(message_html(NO_FILM_HTML), "compare-sides"),
            legend=html_block("", "compare-legend"),
            performance=html_block(performance_html(chosen), "compare-performance"),
            compared=gr.State(None, time_to_live=FILM_LIFETIME_S),
            picked=gr.State(0),
        )


def _connect_readings(handlers: CompareHandlers, parts: CompareComponents) -> None:
    """Connect each way to start a reading: clear the screen, read, and report a fault."""
    film, models, openings = parts.film, parts.models, parts.openings
    starts: tuple[tuple[Any, Any, Any, type[ColumnsUpdate], Any, list[Any]], ...] = (
        (
            film.upload, [film, openings], handlers.on_uploaded, UploadedUpdate,
            handlers.on_upload, [openings, models],
        ),
        (
            parts.gallery.select, openings, handlers.on_pick, ExampleUpdate,
            handlers.on_example, [parts.picked, models],
        ),
        (
            models.input, parts.compared, handlers.on_switch, ColumnsUpdate, handlers.on_models,
            [models, parts.compared, parts.origin],
        ),
    )  # fmt: skip
    for trigger, given, clear, cleared, read, inputs in starts:
        started = connect(trigger, clear, given, update=cleared, components=parts, **UNQUEUED_EVENT)
        done = connect(
            started.then, _newest_only(read), [*inputs, openings], update=ComparisonUpdate,
            components=parts, trigger_mode="multiple", **MODEL_EVENT, **PRIVATE_EVENT,
        )  # fmt: skip
        _clear_on_fault(done, handlers, parts)


def _clear_on_fault(done: Any, handlers: CompareHandlers, parts: CompareComponents) -> None:
    connect(
        done.failure, handlers.on_fault, [parts.models, parts.openings],
        update=ComparisonUpdate, components=parts, **PRIVATE_EVENT,
    )  # fmt: skip


def _newest_only(read: Callable[..., ComparisonUpdate]) -> Callable[..., ComparisonUpdate]:
    """Wrap a handler that reads a film: its last argument is the session's Openings."""

    def wrapped(*values: Any) -> ComparisonUpdate:
        openings: Openings
        *own, openings = values
        return openings.newest_only(lambda: read(*own), outdated=ComparisonUpdate.outdated)

    return wrapped


def _connect_upload_notices(handlers: CompareHandlers, parts: CompareComponents) -> None:
    """Connect two hidden buttons that the page's script clicks: upload started, upload failed."""
    sent = gr.Button(elem_id="compare-sent", visible="hidden")
    connect(
        sent.click,
        handlers.on_sent,
        parts.openings,
        update=FilmUpdate,
        components=parts,
        **UNQUEUED_EVENT,
    )
    refused = gr.Button(elem_id="compare-refused", visible="hidden")
    why = gr.Textbox(visible=False)
    connect(
        refused.click, handlers.on_refused, [why, parts.models, parts.openings],
        update=ComparisonUpdate, components=parts, js=WHY_JS, queue=False, **PRIVATE_EVENT,
    )  # fmt: skip
