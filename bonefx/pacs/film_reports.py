"""Read a film that was received or found, and make the forms of its report in memory."""

from __future__ import annotations

from dataclasses import dataclass

from bonefx.errors import SettingsError
from bonefx.films.sources import FilmSource
from bonefx.reading.film_report import report_on_film
from bonefx.reading.reader import Reader
from bonefx.records import NOT_EDITED, FilmEdit, Radiograph, edit_radiograph
from bonefx.report import Report
from bonefx.report.files import DICOM_FORMS, report_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """How films are read, and what is made of each.

    Attributes:
        point: Name of an operating point; None for the model's default.
        edit: Changes of each film before it is read.
        forms: Forms of the report, keys of REPORT_FORMS.
    """

    point: str | None = None
    edit: FilmEdit = NOT_EDITED
    forms: tuple[str, ...] = ()

    def forms_of(self, film: Radiograph) -> tuple[str, ...]:
        """Return the forms that fit a film: those of DICOM for a DICOM film only."""
        dicom = film.file_format == "DICOM"
        return tuple(form for form in self.forms if dicom or form not in DICOM_FORMS)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # the report holds arrays
class FilmReport:
    """The report of one film.

    Attributes:
        report: Content of the report, with the reading.
        contents: Each form that could be made, as the content of its file.
        not_made: Why each other form could not be made, as a sentence.
    """

    report: Report
    contents: dict[str, bytes]
    not_made: dict[str, str]

    @property
    def dicom_objects(self) -> tuple[bytes, ...]:
        """The forms that a PACS takes."""
        return tuple(self.contents[form] for form in DICOM_FORMS if form in self.contents)


def open_film(source: FilmSource, request: ReportRequest) -> Radiograph:
    """Read the film of a source, and apply the requested changes.

    Raises:
        UnreadableRadiographError: It cannot be read.
        SettingsError: It is too small for the changes.
    """
    return edit_radiograph(source.read(), request.edit)


def read_film(
    reader: Reader, source: FilmSource, film: Radiograph, request: ReportRequest
) -> FilmReport:
    """Read a film and make its report.

    Args:
        reader: Holds the loaded models.
        source: Where the film is from, for the identifiers of DICOM forms.
        film: From open_film.
        request: How it is read, and what is made.

    Raises:
        UnreadableRadiographError: It is a DICOM film without the identifiers of DICOM forms.
        SettingsError: There is no such operating point.
    """
    needs_header = not set(DICOM_FORMS).isdisjoint(request.forms_of(film))
    header = source.study() if needs_header else None
    report = report_on_film(reader, film, point=request.point)
    contents: dict[str, bytes] = {}
    not_made: dict[str, str] = {}
    for form in dict.fromkeys(request.forms):
        try:
            contents[form] = report_bytes(report, form, header=header)
        except SettingsError as error:  # no DICOM film, or no map
            not_made[form] = str(error)
    return FilmReport(report=report, contents=contents, not_made=not_made)
