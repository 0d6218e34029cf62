"""The screen for one film: drop it, see the verdict, the evidence and the map.

Handlers return a whole screen at once, so that a film never stands beside another film's verdict.
The screen object holds the loaded models and the example films, nothing of a request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from bonefx.errors import BonefxError
from bonefx.films.sources import FilmSource
from bonefx.models.decision import reading_at_point
from bonefx.models.registry import LoadedModel
from bonefx.reading.reader import Reader
from bonefx.reading.second_opinion import with_second_opinion
from bonefx.records import OperatingPoint, Radiograph, Reading, invert_radiograph
from bonefx.report import ReadingTable, reading_table
from bonefx.web.read.read_first import (
    ANSWERS,
    ReaderAnswer,
    agreement_csv,
    agreement_html,
    answered,
)
from bonefx.web.read.state import Answer, Choices, Cleared, Facts, ShownFilm
from bonefx.web.shared import verdict_card
from bonefx.web.shared.components import READING_FAULT, SHOWN_FOR_S, point_choice
from bonefx.web.shared.downloads import Download
from bonefx.web.shared.error_messages import as_sentence, show_errors_to_user
from bonefx.web.shared.examples import Example
from bonefx.web.shared.navigation import NO_POSITION, ListPosition
from bonefx.web.shared.uploads import (
    OpenedFilm,
    open_and_delete,
    open_example,
    open_source,
    read_and_delete,
    upload_failure_text,
)
from bonefx.web.shared.viewer import NO_FILM_HTML, READING_HTML, film_figure

FILM_EXPIRED = f"This film was put away after {SHOWN_FOR_S // 60} minutes; load it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadScreen:
    """Handlers of the screen; each takes the user's choices as arguments."""

    reader: Reader
    examples: tuple[Example, ...]

    def on_start(self) -> Cleared:
        """Take all of the last film away before the next one is read, and its questions too."""
        return Cleared(
            viewer=READING_HTML,
            verdict=verdict_card.waiting_html(),
            shown=None,
            walk=NO_POSITION,
            own=gr.Row(visible=False),
            invert=gr.Button(visible=False),
        )

    def on_step(self, step: ListPosition) -> Cleared:
        """Do the same for a film of a worklist, and tell where in it the film stands."""
        return self.on_start()._replace(walk=step)

    def on_pick(self, event: gr.EventData) -> tuple[Any, ...]:
        """Keep which example was clicked; gradio tells it to the first handler only."""
        return *self.on_start(), int(event.index)

    def on_switch(self, shown: ShownFilm | None) -> tuple[Any, Any]:
        """Take picture and verdict away, but keep the film for another model."""
        if shown is not None and shown.reading is None:
            return gr.skip(), gr.skip()
        return READING_HTML, verdict_card.waiting_html()

    def on_refused(self, why: str, *choices: Any) -> Answer:
        """Say why a file did not get here."""
        return self._no_answer(
            verdict_card.not_read_html(upload_failure_text(why)), Choices(*choices)
        )

    def on_upload(self, path: str | None, *choices: Any) -> Answer:
        """Read an uploaded film, and delete the upload."""
        try:
            answer = self._shown(open_and_delete(path), Choices(*choices))
        except BonefxError as error:
            answer = self._no_answer(
                verdict_card.not_read_html(as_sentence(error)), Choices(*choices)
            )
        return answer._replace(walk=NO_POSITION)

    def on_example(self, picked: int, *choices: Any) -> Answer:
        """Read the example that was clicked."""
        example = self.examples[picked]
        extra = (("Example", f"FracAtlas {example.file}, labelled {example.truth}"),)
        answer = self._shown(open_example(example.path), Choices(*choices), extra=extra)
        return answer._replace(walk=NO_POSITION)

    def on_source(self, source: FilmSource, step: ListPosition, *choices: Any) -> Answer:
        """Read a film that was opened from the worklist; the answer says which one it is."""
        try:
            answer = self._shown(open_source(source), Choices(*choices))
        except BonefxError as error:
            answer = self._no_answer(
                verdict_card.not_read_html(as_sentence(error)), Choices(*choices)
            )
        return answer._replace(walk=step)

    def on_model(self, shown: ShownFilm | None, *choices: Any) -> Answer:
        """Offer another model's operating points, and let it read the film on screen."""
        chosen = Choices(*choices)
        default = self.reader.model(chosen.model).manifest.default_point
        chosen = chosen._replace(point=default)
        if shown is None:
            return self._no_answer(verdict_card.idle_html(), chosen)
        if shown.reading is None:
            return self._alone(shown.taken, chosen, extra=shown.extra)
        if shown.reading.probability is None:  # refused so far: nothing is known of this film yet
            return self._shown(shown.taken, chosen, extra=shown.extra)
        reading = self._read(shown.taken.film, chosen)
        return self._answer(shown.taken, reading, chosen, extra=shown.extra)

    def on_invert(self, shown: ShownFilm | None, *choices: Any) -> Answer | tuple[Any, ...]:
        """Read the film on screen with black and white swapped, as it was offered."""
        chosen = Choices(*choices)
        if shown is None:
            return self._no_answer(verdict_card.not_read_html(FILM_EXPIRED), chosen)
        if shown.reading is None or not shown.reading.looks_inverted:  # a second click
            return (gr.skip(),) * len(Answer._fields)
        taken = shown.taken._replace(film=invert_radiograph(shown.taken.film))
        return self._shown(taken, chosen, extra=shown.extra)

    @show_errors_to_user
    def on_point(self, shown: ShownFilm | None, *choices: Any) -> tuple[Any, str, Any]:
        """Take the verdict again at another operating point; the network is not asked."""
        chosen = Choices(*choices)
        loaded = self.reader.model(chosen.model)
        point = loaded.point(chosen.point)
        measured = measured_html_of(self.reader, loaded, point, chosen.prevalence / 100)
        if shown is None or shown.reading is None:
            return gr.skip(), measured, gr.skip()
        reading = reading_at_point(shown.reading, point)
        verdict = verdict_card.verdict_html(reading, loaded.manifest.calibration)
        return verdict, measured, replace(shown, reading=reading)

    def on_prevalence(self, *choices: Any) -> str:
        """Tell the predictive values among films of another prevalence."""
        chosen = Choices(*choices)
        loaded = self.reader.model(chosen.model)
        point = loaded.point(chosen.point)
        return measured_html_of(self.reader, loaded, point, chosen.prevalence / 100)

    def on_own(self, own: str, shown: ShownFilm | None, *choices: Any) -> tuple[Any, ...]:
        """Take the reader's own answer, then ask the model; tell how they agree so far."""
        chosen = Choices(*choices)
        if shown is None:
            return (
                *self._no_answer(verdict_card.not_read_html(FILM_EXPIRED), chosen),
                chosen.reads,
                gr.skip(),
                gr.skip(),
            )
        if shown.reading is not None:  # a second click, on its way when the first was answered
            return (gr.skip(),) * (len(Answer._fields) + 3)
        reading = self._read(shown.taken.film, chosen)
        answer = self._answer(shown.taken, reading, chosen, extra=shown.extra)
        reads = chosen.reads
        if reading.probability is not None:  # a film out of scope is no film to agree on
            reads = [*reads, ReaderAnswer(own=ANSWERS[own], reading=replace(reading, heat=None))]
        return *answer, reads, agreement_html(reads), gr.Column(visible=bool(reads))

    def on_session(self, reads: list[ReaderAnswer]) -> Download:
        """Make the session's table for the user to keep."""
        return Download(name="my-reads.csv", media_type="text/csv", content=agreement_csv(reads))

    def on_fault(self, *choices: Any) -> Answer:
        """Leave nothing of an earlier film on screen when the program fails."""
        return self._no_answer(verdict_card.not_read_html(READING_FAULT), Choices(*choices))

    def on_api(  # gradio hands values over by their place
        self,
        film: str,
        point: str | None = None,
        invert: bool = False,  # noqa: FBT001, FBT002
    ) -> ReadingTable:
        """Read one bone radiograph for a fracture. Research software, not a medical device.

        Args:
            film: A file of PNG, JPEG, TIFF, WebP, BMP or DICOM; deleted when read.
            point: Name of an operating point; the model's own choice if empty.
            invert: Swap black and white first, because the film shows bone dark.

        Returns:
            sha256 (of the film's file), model, weights_sha256, verdict (fracture, no_fracture,
            review or out_of_scope), reason, probability (calibrated, 0 to 1), logit, point,
            threshold, review_band [low, high], heat_peak (logits), trust (what was measured of
            the map, with the failures for which it would not be drawn; null without a map),
            caution (why films should not be read with this model; null without cause), inverted
            (as asked), looks_inverted (out of scope as it is, and not with invert), regions
            (recognised; null where the model tells none), region_notes (what it was measured to
            do there), device and elapsed_s. Out of scope there is no figure and no map: reason
            says why and what to do.
        """
        radiograph = read_and_delete(film)
        radiograph = invert_radiograph(radiograph) if invert else radiograph
        reading = self.reader.read(radiograph, point=point or None)
        return reading_table(with_second_opinion(self.reader, radiograph, reading))

    def _shown(self, taken: OpenedFilm, chosen: Choices, *, extra: Facts = ()) -> Answer:
        if chosen.read_first and not answered(taken.film.sha256, chosen.reads):
            return self._alone(taken, chosen, extra=extra)
        return self._answer(taken, self._read(taken.film, chosen), chosen, extra=extra)

    def _read(self, film: Radiograph, chosen: Choices) -> Reading:
        reading = self.reader.read(film, point=chosen.point, model=chosen.model)
        return with_second_opinion(self.reader, film, reading)

    def _answer(
        self, taken: OpenedFilm, reading: Reading, chosen: Choices, *, extra: Facts
    ) -> Answer:
        film = taken.film
        loaded = self.reader.model(chosen.model)
        manifest = loaded.manifest
        return Answer(
            film=None,
            viewer=film_figure(film, reading, heat_floor=manifest.heat_floor),
            verdict=verdict_card.verdict_html(reading, manifest.calibration),
            measured=measured_html_of(self.reader, loaded, reading.point, chosen.prevalence / 100),
            details=verdict_card.details_html(
                manifest, reading.device, film=film, reading=reading, extra=extra
            ),
            point=point_choice(loaded, reading.point),
            own=gr.Row(visible=False),
            invert=gr.Button(visible=reading.looks_inverted),
            caution=verdict_card.caution_html(self.reader.caution(chosen.model)),
            walk=gr.skip(),
            shown=ShownFilm(taken=taken, reading=replace(reading, heat=None), extra=extra),
        )

    def _alone(self, taken: OpenedFilm, chosen: Choices, *, extra: Facts) -> Answer:
        """Show a film and ask the reader; the model is not asked yet."""
        film = taken.film
        empty = self._no_answer(verdict_card.your_turn_html(), chosen)
        loaded = self.reader.model(chosen.model)
        return empty._replace(
            viewer=film_figure(film, None, heat_floor=loaded.manifest.heat_floor),
            details=verdict_card.details_html(loaded.manifest, str(loaded.device), film=film),
            own=gr.Row(visible=True),
            shown=ShownFilm(taken=taken, reading=None, extra=extra),
        )

    def _no_answer(self, verdict: str, chosen: Choices) -> Answer:
        loaded = self.reader.model(chosen.model)
        point = loaded.point(chosen.point)
        return Answer(
            film=None,
            viewer=NO_FILM_HTML,
            verdict=verdict,
            measured=measured_html_of(self.reader, loaded, point, chosen.prevalence / 100),
            details=verdict_card.details_html(loaded.manifest, str(loaded.device)),
            point=point_choice(loaded, point),
            own=gr.Row(visible=False),
            invert=gr.Button(visible=False),
            caution=verdict_card.caution_html(self.reader.caution(chosen.model)),
            walk=gr.skip(),
            shown=None,
        )


def measured_html_of(
    reader: Reader, model: LoadedModel, point: OperatingPoint, prevalence: float
) -> str:
    """Tell what a model was measured to do at a point, among films of a prevalence in (0, 1)."""
    return verdict_card.measured_html(
        point,
        test_set=reader.tested_on(model.name),
        val_share=model.manifest.training_data.share_of("val"),
        prevalence=prevalence,
    )
