"""Arguments and steps of `bonefx listen` and `bonefx watch`: forms, PACS, TLS, lines, summary."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bonefx.cli.common import requested_edit
from bonefx.cli.long_running import print_message
from bonefx.errors import SettingsError

if TYPE_CHECKING:
    from bonefx.pacs.film_reports import ReportRequest
    from bonefx.pacs.outbox import Outbox
    from bonefx.pacs.peers import TlsFiles

AE_TITLE = "BONEFX"
DICOM_FORM_NAMES = ("sc", "sr")  # of report.files.DICOM_FORMS; a test compares them
RETRY_S, STOP_S = 600.0, 20.0
LOG_FORMAT_NAMES = ("text", "json")  # of process.logs.LOG_FORMATS; a test compares them
EVENTS = (__name__, "bonefx.pacs.outbox")  # loggers of the events in the JSON log
UNDELIVERED, UNREAD = 6, 7  # exit codes; those of errors are in bonefx.errors
logger = logging.getLogger(__name__)


def add_sending_arguments(command: argparse.ArgumentParser) -> None:
    """Add the PACS that takes the reports, and what belongs to it."""
    command.add_argument(
        "--send-to", metavar="AE@HOST:PORT", help="send Secondary Capture and Structured Report "
        "to this PACS (C-STORE); needs pip install 'bonefx[pacs]'",
    )  # fmt: skip
    command.add_argument(
        "--ae-title", default=AE_TITLE, metavar="AE",
        help="application entity title of bonefx (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--retry", type=_seconds, default=RETRY_S, metavar="SECONDS",
        help="how long reports are sent again to a PACS that does not take them; then they count "
        "as not delivered (default: %(default)g)",
    )  # fmt: skip
    command.add_argument("--tls-cert", type=Path, metavar="FILE", help="certificate of bonefx, PEM")
    command.add_argument("--tls-key", type=Path, metavar="FILE", help="its private key, PEM")
    command.add_argument(
        "--tls-ca", type=Path, metavar="FILE",
        help="authorities, PEM, that the certificates of others are checked against",
    )  # fmt: skip
    command.add_argument("--send-tls", action="store_true", help="send reports over TLS")


def add_end_arguments(command: argparse.ArgumentParser) -> None:
    """Add the limit after a stop signal, and the format of the log."""
    command.add_argument(
        "--stop", type=_seconds, default=STOP_S, metavar="SECONDS",
        help="time to finish after SIGTERM or Ctrl-C (default: %(default)g)",
    )  # fmt: skip
    command.add_argument(
        "--log-format", choices=LOG_FORMAT_NAMES, default=LOG_FORMAT_NAMES[0], metavar="FORMAT",
        help="text or json: lines of the log on stderr (default: %(default)s)",
    )  # fmt: skip


def add_forms_argument(
    command: argparse.ArgumentParser, *, choices: tuple[str, ...], meaning: str
) -> None:
    """Add the forms of the reports."""
    command.add_argument("--forms", nargs="+", choices=choices, metavar="FORM", help=meaning)


def _seconds(given: str) -> float:
    value = float(given)
    if not 0 <= value <= 86_400:
        raise argparse.ArgumentTypeError(f"give seconds, 0 to 86400, not {given}")
    return value


def tls_files(options: argparse.Namespace) -> TlsFiles | None:
    """Return the files of TLS; None if none is given.

    Raises:
        SettingsError: One of certificate and key is missing.
    """
    from bonefx.pacs.peers import TlsFiles

    given = (options.tls_cert, options.tls_key, options.tls_ca)
    if given == (None, None, None):
        if options.send_tls:
            raise SettingsError("--send-tls needs --tls-cert and --tls-key")
        return None
    if options.tls_cert is None or options.tls_key is None:
        raise SettingsError("TLS needs both --tls-cert and --tls-key")
    return TlsFiles(certificate=options.tls_cert, key=options.tls_key, authority=options.tls_ca)


def requested_outbox(options: argparse.Namespace) -> Outbox | None:
    """Return an outbox for the PACS of --send-to, not started; None without one.

    Raises:
        SettingsError: An option is wrong, or pynetdicom is not installed.
    """
    from bonefx.pacs.outbox import Outbox
    from bonefx.pacs.peers import parse_ae_title, parse_peer
    from bonefx.pacs.sender import Sender

    tls = tls_files(options)
    if options.send_to is None:
        if options.send_tls:
            raise SettingsError("--send-tls needs --send-to")
        return None
    sender = Sender(
        parse_peer(options.send_to),
        ae_title=parse_ae_title(options.ae_title),
        tls=tls.sending() if tls and options.send_tls else None,
    )
    return Outbox(sender.send, patience_s=options.retry)


def sending_words(options: argparse.Namespace) -> str:
    """Return where reports are sent, and how, as a part of a sentence."""
    if options.send_to is None:
        return "reports are not sent"
    return f"reports are sent to {options.send_to} {encryption_words(encrypted=options.send_tls)}"


def encryption_words(*, encrypted: bool) -> str:
    """Return how data travel."""
    return "with TLS" if encrypted else "in clear text"


def report_request(options: argparse.Namespace, forms: tuple[str, ...]) -> ReportRequest:
    """Return how films are read and what is made of them.

    Raises:
        SettingsError: Nothing of the forms can be sent to the PACS of --send-to.
    """
    from bonefx.pacs.film_reports import ReportRequest

    if options.send_to is not None and set(forms).isdisjoint(DICOM_FORM_NAMES):
        raise SettingsError("a PACS takes the forms sc and sr; add one of them to --forms")
    return ReportRequest(point=options.point, edit=requested_edit(options), forms=forms)


class ResultLines:
    """Prints the line of each film on stdout."""

    def __init__(self, on_failure: Callable[[], None] = lambda: None) -> None:
        """Print lines.

        Args:
            on_failure: Called once if stdout cannot be written any more.
        """
        self._on_failure = on_failure
        self._failure: SettingsError | None = None

    def print(self, line: dict[str, Any]) -> None:
        """Print a line.

        Raises:
            SettingsError: stdout cannot be written; or it could not be earlier.
        """
        self.check()
        try:
            print(json.dumps(line), flush=True)
        except OSError as error:
            self._failure = SettingsError(
                f"results cannot be printed on stdout ({error.strerror}), so bonefx ended; "
                "start it again with a program or a file that takes them"
            )
            _discard_stdout()
            self._on_failure()
            raise self._failure from None

    def check(self) -> None:
        """Raise a SettingsError if a line could not be printed."""
        if self._failure is not None:
            raise self._failure


def _discard_stdout() -> None:
    """Let the interpreter end without a second fault when it flushes stdout."""
    with suppress(OSError, ValueError):  # ValueError: it is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_event(options: argparse.Namespace, text: str) -> None:
    """Print what happens on stderr, in the format of the log; see print_message."""
    print_message(text, log_format=options.log_format, log=logger)


def print_summary(options: argparse.Namespace, text: str, outbox: Outbox | None) -> int:
    """Print what was done on stderr.

    Returns:
        The exit code, UNDELIVERED if a report was not delivered.
    """
    if outbox is None:
        print_event(options, text)
        return 0
    sent = f"reports delivered: {outbox.delivered}, not delivered: {outbox.undelivered}"
    print_event(options, f"{text}; {sent}")
    return UNDELIVERED if outbox.undelivered else 0
