"""`bonefx report`: read one film and write its report."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bonefx.errors import SettingsError

if TYPE_CHECKING:
    from bonefx.films.patient_ids import StudyHeader
    from bonefx.records import Radiograph
from bonefx.cli.common import invert_if_requested, load_requested_model


def run_report(options: argparse.Namespace) -> int:
    """Read one film and write its report."""
    from bonefx.films import images
    from bonefx.reading.second_opinion import with_second_opinion
    from bonefx.report import reading_table, write_report
    from bonefx.report.compose import compose_report

    text = options.text if options.text_file is None else _text_of(options.text_file)
    film = invert_if_requested(images.read_radiograph(options.film), options)
    header = _header_for(options, film)
    reader = load_requested_model(options)
    reading = with_second_opinion(reader, film, reader.read(film, point=options.point))
    report = compose_report(film, reading, model=reader.model(), text=text)
    paths = write_report(
        report, options.out, forms=options.forms, header=header, overwrite=options.overwrite
    )
    written = {form: str(path) for form, path in paths.items()}
    print(json.dumps({"path": str(options.film), **reading_table(reading), "written": written}))
    return 0


def _text_of(path: Path) -> str:
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"--text-file cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise SettingsError("--text-file is not UTF-8; save it as UTF-8 text") from error


def _header_for(options: argparse.Namespace, film: Radiograph) -> StudyHeader | None:
    """The identifiers that DICOM forms need, and only if one is asked for."""
    asked = [form for form in ("sc", "sr") if form in options.forms]
    if not asked:
        return None
    if film.file_format != "DICOM":
        raise SettingsError(
            f"--forms {' '.join(asked)} needs a DICOM film, this one is {film.file_format}; "
            "use pdf, png or json"
        )
    from bonefx.films.patient_ids import read_study_header

    return read_study_header(options.film)
