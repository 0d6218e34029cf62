"""`bonefx listen`: read what modalities or a PACS send, and send the reports back."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bonefx.cli.common import (
    add_machine_arguments,
    add_reading_arguments,
    load_requested_model,
)
from bonefx.cli.long_running import leave_running_threads, long_running
from bonefx.cli.sending import (
    DICOM_FORM_NAMES,
    EVENTS,
    UNREAD,
    ResultLines,
    add_end_arguments,
    add_forms_argument,
    add_sending_arguments,
    encryption_words,
    print_event,
    print_summary,
    report_request,
    requested_outbox,
    sending_words,
    tls_files,
)
from bonefx.process.address import MAX_PORT, parse_port

if TYPE_CHECKING:
    from bonefx.pacs.intake import Intake
    from bonefx.pacs.outbox import Outbox
    from bonefx.pacs.receiver import ReceiverSettings

HOST, PORT = "127.0.0.1", 11112
MAX_FILM_MB = 150  # of films.discs.archives.MAX_FILM_BYTES; a test compares them


def add_listen_command(commands: Any) -> None:
    """Add `bonefx listen` to the subparsers of the command line."""
    listen = commands.add_parser(
        "listen",
        help="read films that a modality or PACS sends, and send the reports back",
        description="Take films from modalities or a PACS (DICOM C-STORE), read each before it is "
        "answered, print one JSON line for each, and send its reports to a PACS. Nothing is kept. "
        "Needs pip install 'bonefx[pacs]'.",
    )
    listen.add_argument(
        "--allow", required=True, metavar="AE[,AE...]",
        help="application entity titles that may send films",
    )  # fmt: skip
    listen.add_argument(
        "--host", default=HOST, metavar="ADDRESS",
        help="address to listen at (default: %(default)s, this machine alone)",
    )  # fmt: skip
    listen.add_argument(
        "--port", type=_port, default=PORT, metavar="N",
        help="port to listen at (default: %(default)s)",
    )  # fmt: skip
    add_sending_arguments(listen)
    add_forms_argument(
        listen, choices=DICOM_FORM_NAMES,
        meaning="what is sent: sc (Secondary Capture), sr (Structured Report); default: both",
    )  # fmt: skip
    listen.add_argument(
        "--max-film", type=_megabytes, default=MAX_FILM_MB, metavar="MB",
        help="largest film that is taken (default: %(default)s)",
    )  # fmt: skip
    add_end_arguments(listen)
    add_reading_arguments(listen)
    add_machine_arguments(listen)
    listen.set_defaults(run=run_listen)


def _port(given: str) -> int:
    port = parse_port(given)
    if port is None:
        raise argparse.ArgumentTypeError(f"give a port, 1 to {MAX_PORT}, not {given}")
    return port


def _megabytes(given: str) -> int:
    if not (given.isascii() and given.isdigit() and 1 <= int(given) <= MAX_FILM_MB):
        raise argparse.ArgumentTypeError(f"give megabytes, 1 to {MAX_FILM_MB}, not {given}")
    return int(given)


def run_listen(options: argparse.Namespace) -> int:
    """Load the model, take films until SIGINT or SIGTERM, and print what was done on stderr."""
    from bonefx.pacs.library import prepare_network
    from bonefx.process.address import check_address

    prepare_network()
    settings = _settings_of(options)  # refused before models load
    outbox = requested_outbox(options)
    lines = ResultLines(on_failure=lambda: signal.raise_signal(signal.SIGTERM))
    finished, intake = True, None
    with long_running(options.log_format, events=EVENTS) as folder:
        check_address(settings.host, settings.port)
        intake = _intake_of(options, outbox, folder=folder, lines=lines)
        finished = _listen(options, settings, intake, outbox)
    if intake is None:  # stopped while the model loaded
        return 0
    code = print_summary(options, f"films read: {intake.read}, refused: {intake.refused}", outbox)
    if not finished:
        print_event(options, "stopped before all films were read; their senders got no answer")
        leave_running_threads(code or UNREAD)
    lines.check()
    return code


def _settings_of(options: argparse.Namespace) -> ReceiverSettings:
    from bonefx.pacs.peers import parse_ae_title, parse_ae_titles
    from bonefx.pacs.receiver import ReceiverSettings

    tls = tls_files(options)
    return ReceiverSettings(
        host=options.host,
        port=options.port,
        ae_title=parse_ae_title(options.ae_title),
        allowed=parse_ae_titles(options.allow),
        max_film_bytes=options.max_film * 1_000_000,
        tls=tls.receiving() if tls else None,
    )


def _intake_of(
    options: argparse.Namespace, outbox: Outbox | None, *, folder: Path, lines: ResultLines
) -> Intake:
    from bonefx.films.decoding.pool import start_decoding
    from bonefx.pacs.intake import Intake

    forms = tuple(options.forms or DICOM_FORM_NAMES) if options.send_to else ()
    request = report_request(options, forms)
    start_decoding()  # while the model loads
    reader = load_requested_model(options)
    reader.model().point(options.point)  # an unknown name is refused before the first film
    reader.warm_up()
    return Intake(reader, request, folder=folder, outbox=outbox, on_line=lines.print)


def _listen(
    options: argparse.Namespace,
    settings: ReceiverSettings,
    intake: Intake,
    outbox: Outbox | None,
) -> bool:
    """Return whether all films that had arrived were read when bonefx was stopped."""
    from bonefx.pacs.listener import Listener
    from bonefx.pacs.receiver import Receiver

    listener = Listener(
        receiver=Receiver(settings, intake.take), intake=intake, outbox=outbox, stop_s=options.stop
    )
    where = f"{settings.ae_title} listens at {settings.host}:{settings.port}"
    received = f"films are received {encryption_words(encrypted=settings.tls is not None)}"
    start = f"{where}; {received}, {sending_words(options)}"
    return listener.serve(lambda: print_event(options, start))
