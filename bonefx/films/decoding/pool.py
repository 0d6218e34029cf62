"""A pool of decoding processes, and the functions by which all of bonefx decodes files of users."""

from __future__ import annotations

import atexit
import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from bonefx.environment import variable
from bonefx.errors import DecodingFaultError, SettingsError, UnreadableRadiographError
from bonefx.films.decoding.launch import DecodingProcess
from bonefx.films.decoding.limits import DecodingLimits
from bonefx.films.decoding.outcomes import ERRORS, Failed, Outcome, PackedFilms, Refused
from bonefx.films.decoding.refusals import decoder_ended, refusal, too_much_memory
from bonefx.films.decoding.requests import Request, Task, failed, perform
from bonefx.films.opening import open_film_file
from bonefx.films.patient_ids import StudyHeader
from bonefx.records import Radiograph

PROCESSES, DEFAULT_PROCESSES, MOST_PROCESSES = "BONEFX_DECODERS", 2, 64
MAX_LOGGED = 4000  # characters of a trace
FAULT = (
    "bonefx failed on this file, which is a fault in bonefx: report it with the lines in the log; "
    "the film may be read as PNG in grey"
)
OTHER_KIND = Failed(error="the answer of a decoding process is of another kind", trace=())
StartProcess = Callable[[DecodingLimits], DecodingProcess]
Kind = TypeVar("Kind", Radiograph, StudyHeader, PackedFilms)
logger = logging.getLogger(__name__)


def start_process(limits: DecodingLimits) -> DecodingProcess:
    """Start a decoding process of the kind that suits the platform."""
    if sys.platform == "linux":
        from bonefx.films.decoding.forking_process import ForkingProcess

        return ForkingProcess(limits)
    from bonefx.films.decoding.plain_process import PlainProcess

    return PlainProcess(limits)


class DecodingPool:
    """Processes that decode files for any number of threads; a process that ends is replaced."""

    def __init__(
        self,
        processes: int = DEFAULT_PROCESSES,
        *,
        limits: DecodingLimits | None = None,
        start: StartProcess = start_process,
    ) -> None:
        self._limits = limits or DecodingLimits()
        self._start = start
        self._lock = threading.Lock()
        self._closed = False
        self._running: set[DecodingProcess] = set()
        self._idle: SimpleQueue[DecodingProcess | None] = SimpleQueue()
        try:
            for _ in range(processes):
                self._idle.put(self._living(None))
        except OSError:  # no further process; those that run are of no use
            self.close()
            raise

    def ask(self, request: Request, path: Path) -> Outcome:
        """Return what becomes of a file; waits until a process is idle.

        Raises:
            UnreadableRadiographError: The file cannot be opened.
        """
        process = self._idle.get()
        try:
            process = self._living(process)
            return refusal(decoder_ended()) if process is None else process.ask(request, path)
        finally:
            try:
                process = self._living(process)  # ready for the next film
            finally:
                self._idle.put(process)

    def _living(self, process: DecodingProcess | None) -> DecodingProcess | None:
        """Return a process that runs, started without waiting for it; None once closed."""
        if process is not None and process.alive:
            return process
        with self._lock:
            if process is not None:
                process.close()
                self._running.discard(process)
            if self._closed:
                return None
            started = self._start(self._limits)
            self._running.add(started)
            return started

    def close(self) -> None:
        """End all processes at once, those that are decoding, too."""
        with self._lock:
            self._closed = True
            for process in self._running:
                process.end()
        for _ in range(self._idle.qsize()):
            idle = self._idle.get()
            if idle is not None:
                idle.close()
        self._idle.put(None)  # so that nobody waits for a process any more


_lock = threading.Lock()
_pool: DecodingPool | None = None


def start_decoding() -> None:
    """Start the processes in the background, unless they run; they end with this process.

    Raises:
        SettingsError: BONEFX_DECODERS is not a number of processes.
    """
    if processes := _processes():
        _shared_pool(processes)


def stop_decoding() -> None:
    """End the processes; the next film starts them again."""
    global _pool  # noqa: PLW0603 (one pool for all threads)
    with _lock:
        if _pool is not None:
            _pool.close()
        _pool = None


def _shared_pool(processes: int) -> DecodingPool:
    global _pool  # noqa: PLW0603 (one pool for all threads)
    with _lock:
        if _pool is None:
            _pool = DecodingPool(processes)
            atexit.register(stop_decoding)
        return _pool


def _processes() -> int:
    given = variable(PROCESSES)
    if given is None:
        return DEFAULT_PROCESSES
    if not (given.isascii() and given.isdigit() and int(given) <= MOST_PROCESSES):
        raise SettingsError(
            f"{PROCESSES} is {given!r}; use a number of processes, 0 to {MOST_PROCESSES}"
        )
    return int(given)


def decode_film(path: Path, *, member: int | None = None, salvage: bool = False) -> Radiograph:
    """Read a film outside of this process.

    Args:
        path: Its file, or that of its archive.
        member: Its index in the archive; None if the file itself is the film.
        salvage: See formats.read_bytes.

    Raises:
        DamagedRadiographError: A part of the film can be read with salvage.
        DecodingFaultError: bonefx failed on it.
        UnreadableRadiographError: It is not a film that can be read; the message has no file name.
    """
    request = Request(task=Task.FILM, member=member, salvage=salvage)
    return _result(request, path, Radiograph)


def decode_study(path: Path, *, member: int | None = None) -> StudyHeader:
    """Read the identifiers of a DICOM film outside of this process; see decode_film."""
    return _result(Request(task=Task.STUDY, member=member), path, StudyHeader)


def decode_list(path: Path) -> PackedFilms:
    """List the films of a zip archive outside of this process; see decode_film."""
    return _result(Request(task=Task.ARCHIVE), path, PackedFilms)


def _result(request: Request, path: Path, kind: type[Kind]) -> Kind:
    outcome = _outcome(request, path)
    if isinstance(outcome, kind):
        return outcome
    if isinstance(outcome, Refused):
        raise ERRORS.get(outcome.error, UnreadableRadiographError)(outcome.message)
    _log(outcome if isinstance(outcome, Failed) else OTHER_KIND)
    raise DecodingFaultError(FAULT)


def _outcome(request: Request, path: Path) -> Outcome:
    processes = _processes()
    if not processes:
        return perform(request, open_film_file(path))
    try:
        return _shared_pool(processes).ask(request, path)
    except MemoryError:
        return refusal(too_much_memory())
    except OSError as error:  # no more processes, or no more open files, of this process
        return failed(error)


def _log(fault: Failed) -> None:
    """Write where bonefx failed into the log; a decoding process may have sent any text."""
    text = "\n".join((*fault.trace, fault.error))
    shown = "".join(c if c.isprintable() or c == "\n" else "?" for c in text)
    logger.error("bonefx failed on a film\n%s", shown[-MAX_LOGGED:])
