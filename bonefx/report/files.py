"""Report -> files, named by the film's checksum and the model, never by the film's file name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bonefx.errors import SettingsError
from bonefx.films.patient_ids import StudyHeader
from bonefx.report.image import heatmap_png, report_png
from bonefx.report.pdf import pdf_bytes
from bonefx.report.record import Report
from bonefx.report.secondary_capture import secondary_capture_bytes
from bonefx.report.structured_report import structured_report_bytes
from bonefx.report.tables import json_bytes

REPORT_FORMS = {
    "pdf": "pdf", "png": "png", "json": "json", "map": "map.png", "sc": "sc.dcm", "sr": "sr.dcm",
}  # fmt: skip
MAKERS = {"pdf": pdf_bytes, "png": report_png, "json": json_bytes, "map": heatmap_png}
OF_STUDY = ("sc", "sr")  # forms that need the identifiers of a DICOM film


def report_bytes(report: Report, form: str, *, header: StudyHeader | None = None) -> bytes:
    """Make one form of a report.

    Args:
        report: What it says.
        form: One of FORMS: pdf, png, json, map (the map alone, on the film's own grid), sc
            (Secondary Capture) or sr (Structured Report).
        header: Of the same film; sc and sr need it, the others hold nothing of it.

    Raises:
        SettingsError: No such form, a DICOM form without header or with another film's, or the
            map of a reading that shows none.
    """
    if form not in REPORT_FORMS:
        raise SettingsError(f"no report has the form {form!r}; use {', '.join(REPORT_FORMS)}")
    if form not in OF_STUDY:
        return MAKERS[form](report)
    if header is None:
        raise SettingsError(
            f"the form {form} needs a film that is a DICOM file; use pdf, png or json"
        )
    make = secondary_capture_bytes if form == "sc" else structured_report_bytes
    return make(report, header)


def file_name(report: Report, form: str) -> str:
    """Name a report's file by film, model and operating point."""
    reading = report.reading
    stem = f"{reading.radiograph_sha256[:16]}.{reading.model}.{reading.point.name}"
    return f"{stem}.{REPORT_FORMS[form]}"


def write_report(
    report: Report,
    folder: Path,
    *,
    forms: Sequence[str],
    header: StudyHeader | None = None,
    overwrite: bool = False,
) -> dict[str, Path]:
    """Write forms of a report into a folder; nothing is written unless all of them can be made.

    Args:
        report: What they say.
        folder: Made if missing.
        forms: Keys of FORMS.
        header: See report_bytes.
        overwrite: Replace files of the same names.

    Returns:
        Where each form lies.

    Raises:
        SettingsError: See report_bytes; or a file is there already, or cannot be written.
    """
    made = {form: report_bytes(report, form, header=header) for form in dict.fromkeys(forms)}
    paths = {form: folder / file_name(report, form) for form in made}
    there = [path.name for path in paths.values() if path.exists()]
    if there and not overwrite:
        raise SettingsError(
            f"{' and '.join(there)} {'are' if len(there) > 1 else 'is'} there already; choose "
            "another folder with --out, or replace with --overwrite"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for form, data in made.items():
            paths[form].write_bytes(data)
    except OSError as error:
        raise SettingsError(f"the report cannot be written ({error.strerror})") from error
    return paths
