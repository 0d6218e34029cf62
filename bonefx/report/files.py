"""Write reports to files, named by checksum and model, never by the file name of the film."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path

from bonefx.errors import SettingsError
from bonefx.films.patient_ids import StudyHeader
from bonefx.records import FilmEdit, Radiograph, Reading
from bonefx.report.case_pdf import case_pdf_bytes
from bonefx.report.case_report import CaseReport
from bonefx.report.dicom.secondary_capture import secondary_capture_bytes
from bonefx.report.dicom.structured_report import (
    case_structured_report_bytes,
    structured_report_bytes,
)
from bonefx.report.image import heatmap_png, report_png
from bonefx.report.pdf import pdf_bytes
from bonefx.report.record import Report
from bonefx.report.tables import json_bytes

REPORT_FORMS = {
    "pdf": "pdf", "png": "png", "json": "json", "map": "map.png", "sc": "sc.dcm", "sr": "sr.dcm",
}  # fmt: skip
WRITERS = {"pdf": pdf_bytes, "png": report_png, "json": json_bytes, "map": heatmap_png}
DICOM_FORMS = ("sc", "sr")  # need the identifiers of a DICOM film
CASE_FORMS = ("pdf", "sr")  # of a report of several films


def report_bytes(report: Report, form: str, *, header: StudyHeader | None = None) -> bytes:
    """Write one form of a report into memory.

    Args:
        report: Content of the report.
        form: A key of REPORT_FORMS: pdf, png, json, map (the heat map alone, on the grid of the
            film), sc (Secondary Capture) or sr (Structured Report).
        header: Identifiers of the same film; needed for sc and sr, not used by other forms.

    Returns:
        The content of the file.

    Raises:
        SettingsError: The form is unknown, a DICOM form has no header or that of another film, or
            there is no heat map to write.
    """
    if form not in REPORT_FORMS:
        raise SettingsError(f"unknown report form {form!r}; use {', '.join(REPORT_FORMS)}")
    if form not in DICOM_FORMS:
        return WRITERS[form](report)
    if header is None:
        raise SettingsError(
            f"the form {form} needs a film that is a DICOM file; use pdf, png or json"
        )
    write = secondary_capture_bytes if form == "sc" else structured_report_bytes
    return write(report, header)


def file_name(report: Report, form: str) -> str:
    """Return the file name of a report: checksum, model, operating point, changes and form."""
    reading = report.reading
    stem = _stem(reading.radiograph_sha256, model=reading.model, point=reading.point.name)
    return f"{stem}{changes_suffix(reading)}.{REPORT_FORMS[form]}"


def case_report_bytes(case: CaseReport, form: str, *, headers: Sequence[StudyHeader] = ()) -> bytes:
    """Write one form of a report of a case into memory.

    Args:
        case: Content of the report.
        form: Of CASE_FORMS.
        headers: Identifiers of its films, in the same order; needed for sr, not used by pdf.

    Raises:
        SettingsError: The form is unknown, or the films are of several studies.
    """
    if form not in CASE_FORMS:
        raise SettingsError(f"a case has no report form {form!r}; use {' or '.join(CASE_FORMS)}")
    return case_pdf_bytes(case) if form == "pdf" else case_structured_report_bytes(case, headers)


def case_file_name(case: CaseReport, form: str) -> str:
    """Return the file name of a report of a case: checksum of its films, model, point and form."""
    reading = case.first.reading
    stem = _stem(case.sha256, model=reading.model, point=reading.point.name)
    return f"case-{stem}.{REPORT_FORMS[form]}"


def expected_names(
    film: Radiograph, *, model: str, point: str, forms: Sequence[str]
) -> tuple[str, ...]:
    """Return the file names that the reports of a film will have, before it is read.

    Args:
        film: The film, with its changes; it is read inside of the scope.
        model: Name of the model.
        point: Name of the operating point.
        forms: Keys of REPORT_FORMS.
    """
    stem = f"{_stem(film.sha256, model=model, point=point)}{_suffix(film.edit)}"
    return tuple(f"{stem}.{REPORT_FORMS[form]}" for form in forms)


def _stem(sha256: str, *, model: str, point: str) -> str:
    return f"{sha256[:16]}.{model}.{point}"


def changes_suffix(reading: Reading) -> str:
    """Return the part of a file name that tells readings of one film apart; empty for no change.

    Such as ".crop-10-5-80-75.turned-90.outside-scope".
    """
    return _suffix(reading.edit, outside_scope=reading.outside_scope is not None)


def _suffix(edit: FilmEdit, *, outside_scope: bool = False) -> str:
    crop = "-".join(map(str, astuple(edit.crop))) if edit.crop else ""
    parts = [
        f"crop-{crop}" * bool(crop),
        "mirrored" * edit.mirrored,
        f"turned-{90 * edit.quarter_turns}" * (edit.quarter_turns > 0),
        "inverted" * edit.inverted,
        "outside-scope" * outside_scope,
    ]
    return "".join(f".{part}" for part in parts if part)


def write_report(
    report: Report,
    folder: Path,
    *,
    forms: Sequence[str],
    header: StudyHeader | None = None,
    overwrite: bool = False,
) -> dict[str, Path]:
    """Write forms of a report into a folder; all of them, or none if one cannot be made.

    Args:
        report: Content of the report.
        folder: Folder to write to; created if it is missing.
        forms: Keys of REPORT_FORMS.
        header: See report_bytes.
        overwrite: Whether existing files are replaced.

    Returns:
        Path of each form.

    Raises:
        SettingsError: See report_bytes; or a file exists, or cannot be written.
    """
    contents = {form: report_bytes(report, form, header=header) for form in dict.fromkeys(forms)}
    return write_contents(report, contents, folder, overwrite=overwrite)


def write_contents(
    report: Report, contents: Mapping[str, bytes], folder: Path, *, overwrite: bool = False
) -> dict[str, Path]:
    """Write forms of a report that report_bytes has made; see write_report.

    Each file appears under its name once it is whole.
    """
    paths = {form: folder / file_name(report, form) for form in contents}
    existing = [path.name for path in paths.values() if path.exists()]
    if existing and not overwrite:
        raise SettingsError(
            f"{' and '.join(existing)} {'exist' if len(existing) > 1 else 'exists'} already; "
            "choose another folder with --out, or replace with --overwrite"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for form, data in contents.items():
            part = paths[form].with_name(f".{paths[form].name}.part")
            write_new_file(part, data)
            part.replace(paths[form])
    except OSError as error:
        raise SettingsError(
            f"the report cannot be written ({error.strerror}); choose another folder"
        ) from error
    return paths


def write_new_file(path: Path, data: bytes) -> None:
    """Write a file in place of an old one, never through a link under its name."""
    path.unlink(missing_ok=True)  # of a run that was killed
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)  # where there is such a flag
    with os.fdopen(os.open(path, flags, 0o666), "wb") as file:
        file.write(data)
