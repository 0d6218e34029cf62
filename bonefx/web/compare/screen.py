"""The screen for several models on one film: verdicts, maps on one scale, and where they agree.

Like the screen for one film it answers with a whole screen at once, deletes an upload when it is
read, and keeps nothing of a request but the film that a session looks at, for a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from bonefx.errors import BonefxError, SettingsError
from bonefx.films import images
from bonefx.models.registry import LoadedModel
from bonefx.reading.comparison import compare_readings, comparison_table
from bonefx.reading.reader import Reader
from bonefx.records import Radiograph
from bonefx.web.compare import columns
from bonefx.web.shared import verdict_card
from bonefx.web.shared.components import (
    MODEL_EVENT,
    PRIVATE_EVENT,
    html_block,
)
from bonefx.web.shared.error_messages import READING_FAULT, as_sentence, show_errors_to_user
from bonefx.web.shared.examples import ON_LOAD, Example, gallery_html, load_examples
from bonefx.web.shared.performance import performance_html
from bonefx.web.shared.uploads import FILM_LIFETIME_S, WHY_JS, read_and_delete, upload_failure_text
from bonefx.web.shared.viewer import NO_FILM_HTML, READING_HTML

DEFAULT_MODELS = 2
ONE_MODEL = (
    "<p>Only {name} is loaded, and it takes two models to compare.</p><p>Start the program with "
    "another one: <code>python app.py --model PATH</code> for a model folder, or <code>python "
    "app.py --model hf:OWNER/NAME</code> for one of the Hugging Face Hub. Every folder in "
    "<code>weights/</code> is loaded without being asked for.</p>"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds an array
class Compared:
    """What a session keeps of the film on screen, until it expires, for another choice of models.

    Attributes:
        film: That was read.
        extra: Facts that are not of the film, such as an example's label.
    """

    film: Radiograph
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareScreen:
    """Handlers of the screen; each takes the user's choices as arguments.

    Answers are values for: film, sides, legend, worth, compared.
    """

    reader: Reader
    examples: tuple[Example, ...]

    def on_start(self) -> tuple[str, str, None]:
        """Take the last film's columns, legend and state away before the next one is read."""
        return columns.message_html(READING_HTML), "", None

    def on_pick(self, event: gr.EventData) -> tuple[str, str, None, int]:
        """Keep which example was clicked; gradio tells it to the first handler only."""
        return *self.on_start(), int(event.index)

    def on_switch(self) -> tuple[str, str]:
        """Take columns and legend away, but keep the film for other models."""
        return columns.message_html(READING_HTML), ""

    def on_refused(self, why: str, names: list[str]) -> tuple[Any, ...]:
        """Say why a file did not get here."""
        return self._no_answer(names, verdict_card.not_read_html(upload_failure_text(why)))

    def on_upload(self, path: str | None, names: list[str]) -> tuple[Any, ...]:
        """Read an uploaded film, and delete the upload."""
        try:
            compared = Compared(film=read_and_delete(path))
        except BonefxError as error:
            return self._no_answer(names, verdict_card.not_read_html(as_sentence(error)))
        return self._answer(compared, names)

    def on_example(self, picked: int, names: list[str]) -> tuple[Any, ...]:
        """Read the example that was clicked."""
        example = self.examples[picked]
        extra = (("Example", f"FracAtlas {example.file}, labelled {example.truth}"),)
        return self._answer(Compared(film=images.read_radiograph(example.path), extra=extra), names)

    def on_models(self, names: list[str], compared: Compared | None) -> tuple[Any, ...]:
        """Let other models read the film on screen."""
        if compared is None:
            return self._no_answer(names, NO_FILM_HTML)
        return self._answer(compared, names)

    def on_fault(self, names: list[str]) -> tuple[Any, ...]:
        """Leave nothing of an earlier film on screen when the program fails."""
        return self._no_answer(names, verdict_card.not_read_html(READING_FAULT))

    def on_api(self, film: str, models: list[str]) -> dict[str, Any]:
        """Read one bone radiograph with two or more models. Research software, no medical device.

        Args:
            film: A file of PNG, JPEG, TIFF, WebP, BMP or DICOM; deleted when read.
            models: Names of two or more loaded models; each answers at its own default point.

        Returns:
            readings (one a model, as of /read), verdicts_agree, peak (the largest map peak, in
            logits; null without map) and agreements: for every two models, overlap (intersection
            over union of the regions where each map is at half of its peak or more, 0 to 1; null
            without two maps) and the reason why there is none.
        """
        radiograph = read_and_delete(film)
        chosen = self._chosen(models)
        return comparison_table(
            compare_readings([self.reader.read(radiograph, model=model.name) for model in chosen])
        )

    def _chosen(self, names: list[str]) -> list[LoadedModel]:
        chosen = [model for model in self.reader.models if model.name in names]
        if len(chosen) < 2:
            loaded = ", ".join(model.name for model in self.reader.models)
            raise SettingsError(f"choose two or more models; loaded: {loaded}")
        return chosen

    def _answer(self, compared: Compared, names: list[str]) -> tuple[Any, ...]:
        try:
            chosen = self._chosen(names)
        except SettingsError as error:
            return *self._no_answer(names, verdict_card.not_read_html(as_sentence(error)))[
                :-1
            ], compared
        film = compared.film
        comparison = compare_readings(
            [self.reader.read(film, model=model.name) for model in chosen]
        )
        return (
            None,
            columns.sides_html(film, comparison, chosen, extra=compared.extra),
            columns.legend_html(comparison),
            performance_html(chosen),
            compared,
        )

    def _no_answer(self, names: list[str], inside: str) -> tuple[Any, ...]:
        chosen = [model for model in self.reader.models if model.name in names]
        return None, columns.message_html(inside), "", performance_html(chosen), None


def default_models(reader: Reader) -> list[LoadedModel]:
    """Choose the models that stand side by side at first: those without a caution come first."""
    ranked = sorted(reader.models, key=lambda model: bool(reader.caution(model.name)))
    return ranked[:DEFAULT_MODELS]


def build_compare(reader: Reader) -> None:
    """Lay the screen out and join it to its handlers; call it inside gr.Blocks."""
    several = len(reader.models) > 1
    screen = CompareScreen(reader=reader, examples=load_examples() if several else ())
    if not several:
        alone = ONE_MODEL.format(name=escape(reader.model().name))
        gr.HTML(f'<div class="one_model">{alone}</div>', apply_default_css=False)
    names, first = [model.name for model in reader.models], default_models(reader)
    with gr.Column(elem_id="compare", visible=several):
        with gr.Row(elem_id="compare-choices"):
            film = gr.File(label="Film", show_label=False, elem_id="compare-film", height=56)
            models = gr.CheckboxGroup(
                names, value=[model.name for model in first], label="Models",
                elem_id="compare-models",
            )  # fmt: skip
            gallery = html_block(
                gallery_html(screen.examples), "compare-examples", js_on_load=ON_LOAD
            )
        sides = html_block(columns.message_html(NO_FILM_HTML), "compare-sides")
        legend = html_block("", "compare-legend")
        worth = html_block(performance_html(first), "compare-worth")
    compared = gr.State(None, time_to_live=FILM_LIFETIME_S)
    answer = [film, sides, legend, worth, compared]
    _join(screen, answer, gallery=gallery, models=models)
    gr.Button(visible=False).click(
        show_errors_to_user(screen.on_api), [film, models], gr.JSON(visible=False),
        api_name="compare", **MODEL_EVENT,
    )  # fmt: skip


def _join(
    screen: CompareScreen, answer: list[Any], *, gallery: gr.HTML, models: gr.CheckboxGroup
) -> None:
    """Clear the screen, read, and leave it clear if that failed; as in the screen for one film."""
    film, sides, legend, *_, compared = answer
    picked = gr.State(0)
    cleared = [sides, legend, compared]
    for trigger, start, to_clear, read, inputs in (
        (film.upload, screen.on_start, cleared, screen.on_upload, [film, models]),
        (gallery.select, screen.on_pick, [*cleared, picked], screen.on_example, [picked, models]),
        (models.input, screen.on_switch, cleared[:2], screen.on_models, [models, compared]),
    ):
        started = trigger(
            start, None, to_clear, queue=False, trigger_mode="multiple", **PRIVATE_EVENT
        )
        done = started.then(
            read, inputs, answer, trigger_mode="multiple", **MODEL_EVENT, **PRIVATE_EVENT
        )
        done.failure(screen.on_fault, models, answer, **PRIVATE_EVENT)
    sent = gr.Button(elem_id="compare-sent", visible="hidden")
    sent.click(
        screen.on_start, None, cleared, queue=False, trigger_mode="multiple", **PRIVATE_EVENT
    )
    refused = gr.Button(elem_id="compare-refused", visible="hidden")
    why = gr.Textbox(visible=False)
    refused.click(screen.on_refused, [why, models], answer, js=WHY_JS, queue=False, **PRIVATE_EVENT)
