"""The command line: what may be asked. What each command does lies in commands.py."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bonefx import __version__
from bonefx.cli.login import run_login
from bonefx.cli.models import run_models
from bonefx.cli.read import run_read
from bonefx.cli.report import run_report
from bonefx.cli.worklist import run_worklist
from bonefx.errors import BonefxError

MODEL_HELP = "an id of weights/, a model folder's path, or hf:OWNER/NAME[@REVISION]"
METHOD_NAMES = (
    "grad_cam",
    "grad_cam_plus_plus",
    "hires_cam",
    "layer_cam",
    "xgrad_cam",
    "eigen_cam",
)  # those of bonefx.cam.METHODS
FORM_NAMES = ("pdf", "png", "json", "map", "sc", "sr")  # those of bonefx.report.FORMS


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code of bonefx.errors, 0 when every film was read."""
    options = _parser().parse_args(argv)
    try:
        code: int = options.run(options)
    except BonefxError as error:
        print(f"bonefx: {error}", file=sys.stderr)
        return error.exit_code
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bonefx",
        description="Second opinion on bone radiographs. Research software, not a medical device.",
    )
    parser.add_argument("--version", action="version", version=f"bonefx {__version__}")
    names = parser.add_subparsers(dest="command", required=True)
    read = names.add_parser("read", help="read films; prints one JSON line each")
    read.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a film or a folder")
    _add_choices(read)
    read.add_argument(
        "--heat", type=Path, metavar="DIR",
        help="write heat maps there, each on its film's own grid, as .npy",
    )  # fmt: skip
    read.add_argument(
        "--method", choices=METHOD_NAMES, default=METHOD_NAMES[0], metavar="NAME",
        help="how the maps of --heat are made: grad_cam (default; the only one held against the "
        f"model's limits), {', '.join(METHOD_NAMES[1:])}",
    )  # fmt: skip
    _add_shared(read)
    read.set_defaults(run=run_read)
    _add_report(names)
    worklist = names.add_parser(
        "worklist",
        help="read many films, most urgent first",
        description="Prints one JSON line a film in the order of the list, as soon as it is read, "
        "with its urgency (smaller is more urgent); the table of --csv is sorted by it.",
    )
    worklist.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="a film, a folder or a zip archive"
    )
    _add_choices(worklist)
    worklist.add_argument("--csv", type=Path, metavar="FILE", help="also write a table there")
    _add_shared(worklist)
    worklist.set_defaults(run=run_worklist)
    models = names.add_parser("models", help="list the models that can be used")
    models.add_argument(
        "--model", action="append", default=[], metavar="MODEL", help=f"also {MODEL_HELP}"
    )
    _add_shared(models)
    models.set_defaults(run=run_models)
    login = names.add_parser("login", help="print a line for the file of BONEFX_AUTH")
    login.add_argument("user", help="name to log in with")
    login.set_defaults(run=run_login)
    return parser


def _add_report(names: Any) -> None:
    report = names.add_parser(
        "report", help="read one film and write a report; prints one JSON line with its files"
    )
    report.add_argument("film", type=Path, metavar="FILM", help="the film")
    _add_choices(report)
    text = report.add_mutually_exclusive_group()
    text.add_argument("--text", default="", metavar="TEXT", help="the reader's own text")
    text.add_argument(
        "--text-file", type=Path, metavar="FILE", help="the same from a UTF-8 file; - for stdin"
    )
    report.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="folder to write to (default: here)"
    )
    report.add_argument(
        "--forms", nargs="+", choices=FORM_NAMES, default=["pdf", "json"], metavar="FORM",
        help="of pdf, png, json, map (16-bit PNG of the map), and sc and sr (DICOM, for a DICOM "
        "film); default: pdf json",
    )  # fmt: skip
    report.add_argument("--overwrite", action="store_true", help="replace files of the same names")
    _add_shared(report)
    report.set_defaults(run=run_report)


def _add_choices(command: argparse.ArgumentParser) -> None:
    command.add_argument("--model", metavar="MODEL", help=f"{MODEL_HELP} (default: the first)")
    command.add_argument("--point", metavar="NAME", help="operating point (default: the model's)")
    command.add_argument(
        "--invert", action="store_true", help="swap black and white: the films show bone dark"
    )


def _add_shared(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", help="cpu, cuda, cuda:N, mps or auto (default: auto)")
    command.add_argument(
        "--weights", type=Path, metavar="DIR", help="folder of models (default: BONEFX_WEIGHTS)"
    )
