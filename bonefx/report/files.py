"""Write reports to files, named by checksum and model, never by the file name of the film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

from bonefx.errors import SettingsError
from bonefx.films.patient_ids import StudyHeader
from bonefx.records import Reading
from bonefx.report.dicom.secondary_capture import secondary_capture_bytes
from bonefx.report.dicom.structured_report import structured_report_bytes
from bonefx.report.image import heatmap_png, report_png
from bonefx.report.pdf import pdf_bytes
from bonefx.report.record import Report
from bonefx.report.tables import json_bytes

REPORT_FORMS = {
    "pdf": "pdf", "png": "png", "json": "json", "map": "map.png", "sc": "sc.dcm", "sr": "sr.dcm",
}  # fmt: skip
WRITERS = {"pdf": pdf_bytes, "png": report_png, "json": json_bytes, "map": heatmap_png}
DICOM_FORMS = ("sc", "sr")  # need the identifiers of a DICOM film


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
    stem = f"{reading.radiograph_sha256[:16]}.{reading.model}.{reading.point.name}"
    return f"{stem}{changes_suffix(reading)}.{REPORT_FORMS[form]}"


def changes_suffix(reading: Reading) -> str:
    """Return the part of a file name that tells readings of one film apart; empty for no change.

    Such as ".crop-10-5-80-75.turned-90.outside-scope".
    """
    edit = reading.edit
    crop = "-".join(map(str, astuple(edit.crop))) if edit.crop else ""
    parts = [
        f"crop-{crop}" * bool(crop),
        "mirrored" * edit.mirrored,
        f"turned-{90 * edit.quarter_turns}" * (edit.quarter_turns > 0),
        "inverted" * edit.inverted,
        "outside-scope" * (reading.outside_scope is not None),
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
            paths[form].write_bytes(data)
    except OSError as error:
        raise SettingsError(
            f"the report cannot be written ({error.strerror}); choose another folder"
        ) from error
    return paths
