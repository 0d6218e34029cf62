"""The panel of the Read screen that makes reports of the film on screen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from bonefx.errors import SettingsError
from bonefx.reading.reader import Reader
from bonefx.reading.second_opinion import with_second_opinion
from bonefx.report import file_name, report_bytes
from bonefx.report.compose import compose_report
from bonefx.report.files import DICOM_FORMS
from bonefx.scope.body_parts import with_named_region
from bonefx.web.read.state import ShownFilm
from bonefx.web.shared.components import MODEL_EVENT
from bonefx.web.shared.downloads import Download, offer_download
from bonefx.web.shared.gone_film import FILM_GONE, FilmOrigin, is_gone
from bonefx.web.shared.uploads import OpenedFilm

REPORT_BUTTONS = {  # label and media type of each form
    "pdf": ("PDF", "application/pdf"),
    "png": ("PNG", "image/png"),
    "json": ("JSON", "application/json"),
    "map": ("Map", "image/png"),
    "sc": ("DICOM picture", "application/dicom"),
    "sr": ("DICOM report", "application/dicom"),
}
NOTHING_READ = "there is no reading on this screen; read a film, or give your own answer first"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPanel:
    """Handlers of the panel."""

    reader: Reader

    def on_form(  # noqa: PLR0917 (gradio passes values by position)
        self,
        form: str,
        text: str,
        shown: ShownFilm | None,
        held: OpenedFilm | None,
        origin: FilmOrigin,
    ) -> Download:
        """Return one form of the report; the model reads the film again for its heat map.

        Args:
            form: Key of REPORT_BUTTONS.
            text: The user's own text, printed in the report.
            shown: The film on screen.
            held: A damaged film that waits for the user's decision.
            origin: Where the film on the page came from.

        Raises:
            SettingsError: There is no reading, or no DICOM film for a DICOM form.
        """
        if is_gone(origin, shown, held):
            raise SettingsError(FILM_GONE)
        if shown is None or shown.reading is None:
            raise SettingsError(NOTHING_READ)
        header = shown.opened.study if form in DICOM_FORMS else None
        if isinstance(header, str):
            raise SettingsError(header)
        film = shown.film
        name, point = shown.reading.model, shown.reading.point.name
        outside_scope = shown.reading.outside_scope is not None
        reading = with_second_opinion(
            self.reader,
            film,
            self.reader.read(film, model=name, point=point, outside_scope=outside_scope),
        )
        reading = with_named_region(reading, shown.region)
        report = compose_report(film, reading, model=self.reader.model(name), text=text)
        return Download(
            name=file_name(report, form),
            media_type=REPORT_BUTTONS[form][1],
            content=report_bytes(report, form, header=header),
        )


def build_report_panel(
    reader: Reader, *, shown: gr.State, held: gr.State, origin: gr.HTML
) -> dict[str, Any]:
    """Build the panel; call it inside the screen's column.

    Returns:
        Components by their names in ReadComponents: the field of the user's own text, which the
        screen empties with each new film, and the buttons.
    """
    panel = ReportPanel(reader=reader)
    with gr.Accordion("Report", open=False, elem_id="report"):
        text = gr.Textbox(
            label="Your own text, printed in the report", lines=2, elem_id="report_text"
        )
        with gr.Row(elem_id="report_forms"):
            buttons = {form: gr.Button(words, size="sm")
                       for form, (words, _) in REPORT_BUTTONS.items()}  # fmt: skip
    for form, button in buttons.items():
        inputs = [text, shown, held, origin]
        offer_download(button, partial(panel.on_form, form), inputs, **MODEL_EVENT)
    return {"report_text": text, "report_buttons": tuple(buttons.values())}
