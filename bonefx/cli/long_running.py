"""What commands share that run until they are stopped: logs, private folder, decoders, end."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)


@contextmanager
def long_running(log_format: str, *, events: Sequence[str] = ()) -> Iterator[Path]:
    """Prepare this process for films of others; SIGTERM ends the block, as Ctrl-C does.

    All files of the run lie in one private folder, which is deleted in the end.

    Args:
        log_format: See log_to_stderr.
        events: See log_to_stderr.

    Yields:
        The private folder.
    """
    from bonefx.films.decoding.confinement import hide_memory
    from bonefx.films.decoding.pool import stop_decoding
    from bonefx.process.logs import log_to_stderr
    from bonefx.process.run_folder import run_folder

    hide_memory()
    log_to_stderr(log_format, events=events)
    threading.excepthook = _log_thread_fault
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with run_folder() as folder:
            yield folder
    except KeyboardInterrupt:  # while models load
        pass
    finally:
        stop_decoding()


def print_message(text: str, *, log_format: str, log: logging.Logger) -> None:
    """Print a message about the run on stderr: as a line for people, or as an event of the log.

    Args:
        text: The message, without a name of a film or a patient.
        log_format: One of process.logs.LOG_FORMATS.
        log: Logger of the event; it must be among the events of long_running.
    """
    if log_format == "json":
        log.info(text)
    else:
        print(f"bonefx: {text}", file=sys.stderr, flush=True)


def _log_thread_fault(fault: threading.ExceptHookArgs) -> None:
    """Log a fault that ended a thread; Python would print its message, which may quote a file."""
    if fault.exc_value is not None:
        logger.error("a thread failed", exc_info=fault.exc_value)


def leave_running_threads(code: int = 0) -> None:
    """End the process although threads still read films.

    The interpreter cannot end such a thread in order, and would abort the process instead.
    """
    for child in multiprocessing.active_children():
        child.terminate()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
