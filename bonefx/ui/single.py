"""The screen for one film: drop it, see the verdict, the evidence and the map.

Handlers return a whole screen at once, so that a film never stands beside another film's verdict.
The screen object holds the loaded models and the example films, nothing of a request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from bonefx import images
from bonefx.decide import at_point
from bonefx.errors import BonefxError
from bonefx.reader import Reader
from bonefx.records import OperatingPoint, Radiograph, Reading, Verdict
from bonefx.registry import LoadedModel
from bonefx.report import ReadingTable, reading_table
from bonefx.ui import wording
from bonefx.ui.examples import ON_LOAD, Example, gallery_html, load_examples
from bonefx.ui.told import sentence, told_to_user
from bonefx.ui.upload import read_and_delete
from bonefx.ui.viewer import EMPTY, READING, film_figure

OPACITY = 0.5
SHOWN_FOR_S = 600  # how long a session may change the operating point of a film
FAULT = "The program failed on this film, and the fault is ours. The server's log says more."
MAX_UPLOAD_MB = 128
REFUSED = f"The file was not sent. Choose one film at a time, of at most {MAX_UPLOAD_MB} MB."
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
ONE_AT_A_TIME: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it may hold an array
class Shown:
    """What a session keeps of the film on screen, until it expires.

    Attributes:
        reading: Without its heat.
        film: None where there is only one model, as nothing will read it again.
        extra: Facts of the details that are not of the film, such as an example's label.
    """

    reading: Reading
    film: Radiograph | None
    extra: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleScreen:
    """Handlers of the screen; each takes the user's choices as arguments.

    Answers are values for: film, viewer, verdict, measured, details, opacity, point, shown.
    """

    reader: Reader
    examples: tuple[Example, ...]

    def on_start(self) -> tuple[str, str, None]:
        """Take the last film's picture, verdict and state away before the next one is read."""
        return READING, wording.waiting_html(), None

    def on_pick(self, event: gr.EventData) -> tuple[str, str, None, int]:
        """Keep which example was clicked; gradio tells it to the first handler only."""
        return *self.on_start(), int(event.index)

    def on_switch(self) -> tuple[str, str]:
        """Take picture and verdict away, but keep the film for another model."""
        return READING, wording.waiting_html()

    def on_refused(self, point: str, model: str) -> tuple[Any, ...]:
        """Say why the page did not send a file at all."""
        return self._no_answer(wording.not_read_html(REFUSED), point, model)

    def on_upload(self, path: str | None, point: str, model: str) -> tuple[Any, ...]:
        """Read an uploaded film, and delete the upload."""
        try:
            return self._answer(read_and_delete(path), point=point, model=model)
        except BonefxError as error:
            return self._no_answer(wording.not_read_html(sentence(error)), point, model)

    def on_example(self, picked: int, point: str, model: str) -> tuple[Any, ...]:
        """Read the example that was clicked."""
        example = self.examples[picked]
        extra = (("Example", f"FracAtlas {example.file}, labelled {example.truth}"),)
        return self._answer(images.read(example.path), point=point, model=model, extra=extra)

    def on_model(self, model: str, shown: Shown | None) -> tuple[Any, ...]:
        """Offer another model's operating points, and let it read the film on screen."""
        loaded = self.reader.model(model)
        if shown is None or shown.film is None:
            html = wording.idle_html()
            return self._no_answer(html, loaded.manifest.default_point, model)
        return self._answer(shown.film, point=None, model=model, extra=shown.extra)

    @told_to_user
    def on_point(self, point: str, model: str, shown: Shown | None) -> tuple[str, str, Any]:
        """Take the verdict again at another operating point; the network is not asked."""
        loaded = self.reader.model(model)
        chosen = loaded.point(point)
        measured = wording.measured_html(chosen)
        if shown is None or shown.reading.probability is None:
            return gr.skip(), measured, gr.skip()
        reading = at_point(shown.reading, chosen)
        verdict = wording.verdict_html(reading, loaded.manifest.calibration)
        return verdict, measured, replace(shown, reading=reading)

    def on_fault(self, point: str, model: str) -> tuple[Any, ...]:
        """Leave nothing of an earlier film on screen when the program fails."""
        return self._no_answer(wording.not_read_html(FAULT), point, model)

    def on_api(self, film: str, point: str | None = None) -> ReadingTable:
        """Read one bone radiograph for a fracture. Research software, not a medical device.

        Args:
            film: A file of PNG, JPEG, TIFF, WebP, BMP or DICOM; deleted when read.
            point: Name of an operating point; the model's own choice if empty.

        Returns:
            sha256 (of the film's file), model, weights_sha256, verdict (fracture, no_fracture,
            review or out_of_scope), reason, probability (calibrated, 0 to 1), logit, point,
            threshold, review_band [low, high], heat_peak (logits), device and elapsed_s.
            probability and logit are null when out of scope.
        """
        return reading_table(self.reader.read(read_and_delete(film), point=point or None))

    def _answer(
        self,
        film: Radiograph,
        *,
        point: str | None,
        model: str,
        extra: tuple[tuple[str, str], ...] = (),
    ) -> tuple[Any, ...]:
        loaded = self.reader.model(model)
        reading = self.reader.read(film, point=point, model=model)
        manifest = loaded.manifest
        kept = film if len(self.reader.models) > 1 else None
        return (
            None,
            film_figure(film, reading, heat_floor=manifest.heat_floor),
            wording.verdict_html(reading, manifest.calibration),
            wording.measured_html(reading.point),
            wording.details_html(manifest, reading.device, film=film, reading=reading, extra=extra),
            _opacity_for(reading),
            _points(loaded, reading.point),
            Shown(reading=replace(reading, heat=None), film=kept, extra=extra),
        )

    def _no_answer(self, verdict: str, point: str, model: str) -> tuple[Any, ...]:
        loaded = self.reader.model(model)
        chosen = loaded.point(point)
        return (
            None,
            EMPTY,
            verdict,
            wording.measured_html(chosen),
            wording.details_html(loaded.manifest, str(loaded.device)),
            gr.Slider(interactive=False),
            _points(loaded, chosen),
            None,
        )


def build_single(reader: Reader) -> None:
    """Lay the screen out and join it to its handlers; call it inside gr.Blocks."""
    screen = SingleScreen(reader=reader, examples=load_examples())
    first = reader.model()
    with gr.Row(elem_id="single"):  # the style puts the film left; keys reach the choices first
        with gr.Column(elem_id="right"):
            film = gr.File(label="Film", show_label=False, elem_id="film", height=56)
            verdict = _html(wording.idle_html(), "verdict")
            model = gr.Radio(
                [loaded.name for loaded in reader.models], value=first.name,
                label="Model", elem_id="model", visible=len(reader.models) > 1,
            )  # fmt: skip
            point = _points(first, first.point(), label="Operating point", elem_id="point")
            measured = _html(wording.measured_html(first.point()), "measured")
            details = _html(wording.details_html(first.manifest, str(first.device)), "details")
        with gr.Column(elem_id="left"):
            viewer = _html(EMPTY, "viewer")
            opacity = gr.Slider(
                0, 1, OPACITY, step=0.05, label="Map opacity", elem_id="opacity",
                interactive=False, buttons=[],
            )  # fmt: skip
            gallery = _html(gallery_html(screen.examples), "examples", js_on_load=ON_LOAD)
    shown = gr.State(None, time_to_live=SHOWN_FOR_S)
    answer = [film, viewer, verdict, measured, details, opacity, point, shown]
    _join_readings(screen, answer, gallery=gallery, model=model)
    point.input(
        screen.on_point, [point, model, shown], [verdict, measured, shown],
        queue=False, trigger_mode="always_last", **QUIET,
    )  # fmt: skip
    opacity.change(fn=None, inputs=opacity, js="(value) => { setMapOpacity(value); }", **QUIET)
    gr.Button(visible=False).click(
        told_to_user(screen.on_api), [film, point], gr.JSON(visible=False),
        api_name="read", **ONE_AT_A_TIME,
    )  # fmt: skip


def _join_readings(
    screen: SingleScreen, answer: list[Any], *, gallery: gr.HTML, model: gr.Radio
) -> None:
    """Clear the screen, read, and leave it clear if that failed."""
    film, viewer, verdict, *_, point, shown = answer
    picked, choices = gr.State(0), [point, model]
    cleared = [viewer, verdict, shown]
    for trigger, start, to_clear, read, inputs in (
        (film.upload, screen.on_start, cleared, screen.on_upload, [film, *choices]),
        (gallery.select, screen.on_pick, [*cleared, picked], screen.on_example, [picked, *choices]),
        (model.input, screen.on_switch, cleared[:2], screen.on_model, [model, shown]),
    ):
        started = trigger(start, None, to_clear, queue=False, trigger_mode="multiple", **QUIET)
        done = started.then(read, inputs, answer, trigger_mode="multiple", **ONE_AT_A_TIME, **QUIET)
        done.failure(screen.on_fault, choices, answer, **QUIET)
    # page.js presses these when a file is handed over, before gradio uploads or refuses it.
    sent = gr.Button(elem_id="sent", visible="hidden")
    sent.click(screen.on_start, None, cleared, queue=False, trigger_mode="multiple", **QUIET)
    refused = gr.Button(elem_id="refused", visible="hidden")
    refused.click(screen.on_refused, choices, answer, queue=False, **QUIET)


def _html(value: str, elem_id: str, **settings: Any) -> gr.HTML:
    return gr.HTML(value, elem_id=elem_id, apply_default_css=False, **settings)


def _points(model: LoadedModel, chosen: OperatingPoint, **settings: Any) -> gr.Radio:
    points = model.manifest.operating_points
    choices = [(wording.point_label(point), point.name) for point in points]
    return gr.Radio(choices, value=chosen.name, **settings)


def _opacity_for(reading: Reading) -> gr.Slider:
    """Show a map at once, unless there is none or the verdict says that it means little."""
    if reading.heat is None:
        return gr.Slider(interactive=False)
    hidden = reading.verdict is Verdict.NO_FRACTURE
    return gr.Slider(value=0.0 if hidden else OPACITY, interactive=True)
