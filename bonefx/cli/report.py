"""`bonefx report`: read one film and write its report."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bonefx.cli.common import (
    add_machine_arguments,
    add_one_film_arguments,
    add_reading_arguments,
    load_requested_model,
    requested_edit,
)
from bonefx.errors import SettingsError

if TYPE_CHECKING:
    from bonefx.films.patient_ids import StudyHeader
    from bonefx.records import Radiograph

FORM_NAMES = (  # the keys of REPORT_FORMS, whose module imports numpy; a test compares them
    "pdf",
    "png",
    "json",
    "map",
    "sc",
    "sr",
)


def add_report_command(commands: Any) -> None:
    """Add `bonefx report` to the subparsers of the command line."""
    report = commands.add_parser(
        "report",
        help="read one film and write its report",
        description="Read one film, write its report, and print one JSON line with the reading "
        "and the files written. The map is compared with a second model's unless --model is given, "
        "which loads one model alone.",
    )
    report.add_argument("film", type=Path, metavar="FILM", help="a film")
    add_reading_arguments(report)
    add_one_film_arguments(report)
    text = report.add_mutually_exclusive_group()
    text.add_argument("--text", default="", metavar="TEXT", help="text of the radiologist")
    text.add_argument(
        "--text-file", type=Path, metavar="FILE",
        help="take the text from this UTF-8 file; - takes it from stdin",
    )  # fmt: skip
    report.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR",
        help="folder to write to (default: the working directory)",
    )  # fmt: skip
    report.add_argument(
        "--forms", nargs="+", choices=FORM_NAMES, default=["pdf", "json"], metavar="FORM",
        help="pdf, png, json, map (heat map as 16-bit PNG), and, for a DICOM film, sc (Secondary "
        "Capture) and sr (Structured Report); default: pdf json",
    )  # fmt: skip
    report.add_argument("--overwrite", action="store_true", help="replace existing files")
    add_machine_arguments(report)
    report.set_defaults(run=run_report)


def run_report(options: argparse.Namespace) -> int:
    """Read one film, write the forms of its report and print one JSON line."""
    from bonefx.films.decoding.pool import decode_film
    from bonefx.reading.film_report import report_on_film
    from bonefx.records import edit_radiograph
    from bonefx.report import reading_table, write_report

    text = options.text if options.text_file is None else _read_text(options.text_file)
    opened = decode_film(options.film, salvage=options.damaged)
    film = edit_radiograph(opened, requested_edit(options))
    header = _header_for(options, film)
    reader = load_requested_model(options)
    report = report_on_film(
        reader, film, point=options.point, outside_scope=options.outside_scope,
        region=options.region, text=text,
    )  # fmt: skip
    paths = write_report(
        report, options.out, forms=options.forms, header=header, overwrite=options.overwrite
    )
    written = {form: str(path) for form, path in paths.items()}
    line = {"path": str(options.film), **reading_table(report.reading), "written": written}
    print(json.dumps(line))
    return 0


def _read_text(path: Path) -> str:
    """Read the radiologist's text from a UTF-8 file, with or without byte order mark."""
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(
            f"--text-file cannot be read ({error.strerror}); check its path"
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError("--text-file is not UTF-8; save it as UTF-8 text") from error


def _header_for(options: argparse.Namespace, film: Radiograph) -> StudyHeader | None:
    """Return the identifiers of the film if a DICOM form was requested, else None."""
    from bonefx.report.files import DICOM_FORMS

    requested = [form for form in DICOM_FORMS if form in options.forms]
    if not requested:
        return None
    if film.file_format != "DICOM":
        raise SettingsError(
            f"--forms {' '.join(requested)} needs a DICOM film, this one is {film.file_format}; "
            "use pdf, png or json"
        )
    from bonefx.films.decoding.pool import decode_study

    return decode_study(options.film)
