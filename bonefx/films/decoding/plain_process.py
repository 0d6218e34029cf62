"""A decoding process that decodes files itself, one after another, where there is no forking."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from bonefx.films.decoding.launch import (
    MAX_LINE_BYTES,
    NO_ANSWER,
    NOT_STARTED,
    EndedError,
    launch,
)
from bonefx.films.decoding.limits import DecodingLimits
from bonefx.films.decoding.outcomes import Outcome, unpack
from bonefx.films.decoding.refusals import decoder_ended, refusal, too_late
from bonefx.films.decoding.requests import Request, request_table
from bonefx.films.decoding.worker import READY
from bonefx.films.opening import open_film_file

ENDING_S = 5.0  # from the end of an answer to the end of its process
OUT_OF_TIME = -getattr(signal, "SIGPROF", 0)  # as Popen counts it; Windows has none


class PlainProcess:
    """Handle of a decoding process; only one thread at a time may use it."""

    def __init__(self, limits: DecodingLimits) -> None:
        self._limits = limits
        self._process = launch(limits, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._requests = cast("BinaryIO", self._process.stdin)
        self._answers = cast("BinaryIO", self._process.stdout)
        self._ready = False

    @property
    def alive(self) -> bool:
        """Whether it can take another request."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ask(self, request: Request, path: Path) -> Outcome:
        """Return what becomes of a file.

        Raises:
            UnreadableRadiographError: The file cannot be opened.
        """
        with open_film_file(path):
            size = path.stat().st_size
        if not self._prepare():
            return NOT_STARTED
        late = threading.Event()
        timer = self._timer(self._limits.clock_s(size), late)
        try:
            line = json.dumps({"path": str(path.absolute()), "request": request_table(request)})
            self._requests.write(line.encode() + b"\n")
            self._requests.flush()
            return unpack(self._line(), self._fill)
        except NO_ANSWER:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(ENDING_S)
            self.end()
            out_of_time = late.is_set() or self._process.returncode == OUT_OF_TIME != 0
            return refusal(too_late() if out_of_time else decoder_ended())
        except BaseException:  # the rest of this answer must not become that of the next film
            self.end()
            raise
        finally:
            timer.cancel()

    def _prepare(self) -> bool:
        """Wait until it has started."""
        if not self._ready:
            timer = self._timer(self._limits.start_s, threading.Event())
            self._ready = self._answers.readline(len(READY)) == READY
            timer.cancel()
        return self._ready

    def _timer(self, seconds: float, late: threading.Event) -> threading.Timer:
        """End the process, which ends its answer, unless the timer is cancelled before."""

        def end() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        return timer

    def _line(self) -> bytes:
        line = self._answers.readline(MAX_LINE_BYTES)
        if not line.endswith(b"\n"):
            raise EndedError
        return line

    def _fill(self, buffer: memoryview) -> None:
        if self._answers.readinto(buffer) != len(buffer):  # type: ignore[attr-defined]
            raise EndedError

    def end(self) -> None:
        """End it at once, from any thread."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it, and close its streams, in the thread that uses it."""
        self.end()
        self._answers.close()
        with suppress(OSError):  # a request that was never read
            self._requests.close()
