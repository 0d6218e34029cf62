"""The panel of the Read screen that makes reports of the film on screen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from bonefx.errors import SettingsError, UnreadableRadiographError
from bonefx.films.patient_ids import StudyHeader
from bonefx.films.sources import FilmSource
from bonefx.reading.case_report import CaseMember, check_size, compose_case, read_member
from bonefx.reading.reader import Reader
from bonefx.reading.second_opinion import with_second_opinion
from bonefx.records import Reading
from bonefx.report import file_name, report_bytes
from bonefx.report.compose import compose_report
from bonefx.report.files import DICOM_FORMS, case_file_name, case_report_bytes
from bonefx.scope.body_parts import with_named_region
from bonefx.web.read.components import ReadComponents
from bonefx.web.read.state import ShownFilm
from bonefx.web.shared.components import MODEL_EVENT
from bonefx.web.shared.downloads import Download, offer_download
from bonefx.web.shared.gone_film import FILM_GONE, FilmOrigin, is_gone
from bonefx.web.shared.navigation import ListPosition, OpenedRow
from bonefx.web.shared.uploads import OpenedFilm

REPORT_BUTTONS = {  # label and media type of each form
    "pdf": ("PDF", "application/pdf"),
    "png": ("PNG", "image/png"),
    "json": ("JSON", "application/json"),
    "map": ("Map", "image/png"),
    "sc": ("DICOM picture", "application/dicom"),
    "sr": ("DICOM report", "application/dicom"),
}
CASE_BUTTONS = {"pdf": "PDF of the case", "sr": "DICOM report of the case"}
NO_CASE = "the film on this screen is not of the worklist's row; open its row again"
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
        shown, reading = self._read_again(shown, held, origin)
        header = shown.opened.study if form in DICOM_FORMS else None
        if isinstance(header, str):
            raise SettingsError(header)
        model = self.reader.model(reading.model)
        report = compose_report(shown.film, reading, model=model, text=text)
        return Download(
            name=file_name(report, form),
            media_type=REPORT_BUTTONS[form][1],
            content=report_bytes(report, form, header=header),
        )

    def on_case_form(  # noqa: PLR0917 (gradio passes values by position)
        self,
        form: str,
        text: str,
        shown: ShownFilm | None,
        held: OpenedFilm | None,
        origin: FilmOrigin,
        row: OpenedRow,
        position: ListPosition,
    ) -> Download:
        """Return one form of the report of the case of the film on screen.

        The film on screen is read with the user's changes, the others as they are in their files,
        all by the model and at the operating point of the film on screen.

        Args:
            form: Key of CASE_BUTTONS.
            text: See on_form.
            shown: See on_form.
            held: See on_form.
            origin: See on_form.
            row: The row of a worklist that was opened last.
            position: Of the film on screen in its worklist.

        Raises:
            SettingsError: There is no reading, the list expired, the case has too many films, or
                its films cannot be filed as one DICOM report.
        """
        shown, reading = self._read_again(shown, held, origin)
        own = row.at(position)
        if own is None:
            raise SettingsError(NO_CASE)
        sources = tuple(own.case().values())
        check_size(sources)
        model, point = reading.model, reading.point.name
        case, files = compose_case(
            self.reader,
            (
                CaseMember(source=source, film=shown.film, reading=reading)
                if source == own.source
                else read_member(self.reader, source, model=model, point=point)
                for source in sources
            ),
            text=text,
        )
        headers = [_study(source) for source in files] if form in DICOM_FORMS else []
        return Download(
            name=case_file_name(case, form),
            media_type=REPORT_BUTTONS[form][1],
            content=case_report_bytes(case, form, headers=headers),
        )

    def _read_again(
        self, shown: ShownFilm | None, held: OpenedFilm | None, origin: FilmOrigin
    ) -> tuple[ShownFilm, Reading]:
        """Return the film on screen, and its reading with heat map and second opinion.

        Raises:
            SettingsError: There is no reading.
        """
        if is_gone(origin, shown, held):
            raise SettingsError(FILM_GONE)
        if shown is None or shown.reading is None:
            raise SettingsError(NOTHING_READ)
        name, point = shown.reading.model, shown.reading.point.name
        outside_scope = shown.reading.outside_scope is not None
        film = shown.film
        reading = with_second_opinion(
            self.reader,
            film,
            self.reader.read(film, model=name, point=point, outside_scope=outside_scope),
        )
        return shown, with_named_region(reading, shown.region)


def _study(source: FilmSource) -> StudyHeader:
    """Read the identifiers of a film of a case.

    Raises:
        SettingsError: It is no DICOM film, or has none.
    """
    try:
        return source.study()
    except UnreadableRadiographError as error:
        raise SettingsError(f"a film of the case cannot be filed: {error}") from error


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
        with gr.Row(elem_id="case_forms"):  # shown with the films of the case
            case_buttons = {form: gr.Button(words, size="sm")
                            for form, words in CASE_BUTTONS.items()}  # fmt: skip
    for form, button in buttons.items():
        inputs = [text, shown, held, origin]
        offer_download(button, partial(panel.on_form, form), inputs, **MODEL_EVENT)
    return {
        "report_text": text,
        "report_buttons": tuple(buttons.values()),
        "case_buttons": case_buttons,
    }


def offer_case_reports(reader: Reader, parts: ReadComponents, *, row: gr.State) -> None:
    """Connect the buttons that make reports of a case.

    Args:
        reader: Holds the loaded models.
        parts: Components of the screen.
        row: Session state: the OpenedRow.
    """
    panel = ReportPanel(reader=reader)
    inputs = [parts.report_text, parts.shown, parts.held, parts.origin, row, parts.position]
    for form, button in parts.case_buttons.items():
        offer_download(button, partial(panel.on_case_form, form), inputs, **MODEL_EVENT)
