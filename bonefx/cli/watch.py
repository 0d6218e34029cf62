"""`bonefx watch`: read films that appear in a folder, and write or send their reports."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bonefx.cli.common import (
    add_machine_arguments,
    add_reading_arguments,
    load_requested_model,
)
from bonefx.cli.long_running import long_running
from bonefx.cli.report import FORM_NAMES
from bonefx.cli.sending import (
    DICOM_FORM_NAMES,
    EVENTS,
    ResultLines,
    add_end_arguments,
    add_forms_argument,
    add_sending_arguments,
    print_event,
    print_summary,
    report_request,
    requested_outbox,
    sending_words,
)
from bonefx.errors import SettingsError

if TYPE_CHECKING:
    from bonefx.pacs.folder_reader import FolderReader
    from bonefx.pacs.outbox import Outbox

POLL_S = 2.0
WRITTEN_FORMS = ("pdf", "json")


def add_watch_command(commands: Any) -> None:
    """Add `bonefx watch` to the subparsers of the command line."""
    watch = commands.add_parser(
        "watch",
        help="read films that appear in a folder",
        description="Read the films of a folder and those that appear in it, once each, print one "
        "JSON line for each, and write or send its reports. A file is read once it has not changed "
        "for a few seconds. The files of the folder are never changed.",
    )
    watch.add_argument("folder", type=Path, metavar="DIR", help="the folder, with its subfolders")
    watch.add_argument(
        "--out", type=Path, metavar="DIR",
        help="write reports into this folder; a film whose reports are there is not read again",
    )  # fmt: skip
    add_forms_argument(
        watch, choices=FORM_NAMES,
        meaning="see `bonefx report`; default: pdf json with --out, sc sr with --send-to",
    )  # fmt: skip
    add_sending_arguments(watch)
    add_end_arguments(watch)
    add_reading_arguments(watch)
    add_machine_arguments(watch)
    watch.set_defaults(run=run_watch)


def run_watch(options: argparse.Namespace) -> int:
    """Load the model, read what appears until SIGINT or SIGTERM, and print a count on stderr."""
    _check_folders(options)
    _check_tls(options)
    outbox = requested_outbox(options)
    films = None
    with long_running(options.log_format, events=EVENTS):
        films = _reader_of(options, outbox)
        _watch(options, films, outbox)
    if films is None:  # stopped while the model loaded
        return 0
    return print_summary(options, f"films: {films.films}", outbox)


def _check_folders(options: argparse.Namespace) -> None:
    """Refuse a folder that is missing, and one whose reports would be read as films."""
    folder = options.folder.resolve()
    if not folder.is_dir():
        raise SettingsError("the folder to watch does not exist; check its path")
    if options.out is None:
        return
    out = options.out.resolve()
    if out == folder or folder in out.parents:
        raise SettingsError(
            "--out lies in the folder that is watched, so that reports would be read as films; "
            "choose a folder outside of it"
        )


def _check_tls(options: argparse.Namespace) -> None:
    """Refuse files of TLS that would not be used: watch has no other connection than the PACS."""
    given = (options.tls_cert, options.tls_key, options.tls_ca)
    if given != (None, None, None) and not options.send_tls:
        raise SettingsError(
            "--tls-cert, --tls-key and --tls-ca need --send-tls; without it reports would be sent "
            "in clear text"
        )


def _reader_of(options: argparse.Namespace, outbox: Outbox | None) -> FolderReader:
    from bonefx.films.decoding.pool import start_decoding
    from bonefx.pacs.folder_reader import FolderReader

    request = report_request(options, _forms_of(options))
    start_decoding()  # while the model loads
    reader = load_requested_model(options)
    reader.model().point(options.point)  # an unknown name is refused before the first film
    return FolderReader(
        reader=reader, request=request, out=options.out, outbox=outbox, on_line=ResultLines().print
    )


def _forms_of(options: argparse.Namespace) -> tuple[str, ...]:
    if options.forms:
        return tuple(dict.fromkeys(options.forms))
    written = WRITTEN_FORMS if options.out is not None else ()
    return written + (DICOM_FORM_NAMES if options.send_to is not None else ())


def _watch(options: argparse.Namespace, films: FolderReader, outbox: Outbox | None) -> None:
    from bonefx.pacs.folder_watch import FolderWatch
    from bonefx.process.signals import counted_signals

    with counted_signals() as signals:
        print_event(options, f"watching; {sending_words(options)}")
        if outbox is not None:
            outbox.start()
        try:
            films.watch(FolderWatch(options.folder), poll_s=POLL_S, stop=signals)
        finally:
            if outbox is not None:
                outbox.finish(options.stop)
