"""A decoding process that decodes each file in a fork of its own; see forks.py. Linux only."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bonefx.films.decoding.launch import (
    MAX_LINE_BYTES,
    NO_ANSWER,
    NOT_STARTED,
    EndedError,
    LateError,
    launch,
)
from bonefx.films.decoding.limits import DecodingLimits
from bonefx.films.decoding.outcomes import Outcome, unpack
from bonefx.films.decoding.refusals import decoder_ended, refusal, too_late, too_much_memory
from bonefx.films.decoding.requests import Request, request_table
from bonefx.films.decoding.worker import READY
from bonefx.films.opening import open_film_file

CHUNK_BYTES = 1 << 16
REPORT_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the fork for the last file took.

    Attributes:
        status: Exit status, as subprocess counts it: negative for a signal.
        peak_bytes: Largest resident memory.
        cpu_s: Processor time.
    """

    status: int
    peak_bytes: int
    cpu_s: float


class ForkingProcess:
    """Handle of a decoding process; only one thread at a time may use it.

    Attributes:
        usage: Of the last file whose fork has ended; None before the first.
    """

    def __init__(self, limits: DecodingLimits) -> None:
        self._limits = limits
        self._channel, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = launch(
                limits, channel=other.fileno(), pass_fds=[other.fileno()],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        self._ready = self._fork_runs = False
        self.usage: Usage | None = None

    @property
    def alive(self) -> bool:
        """Whether it can take another request."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        return int(self._process.pid)

    def ask(self, request: Request, path: Path) -> Outcome:
        """Return what becomes of a file.

        Raises:
            UnreadableRadiographError: The file cannot be opened.
        """
        with open_film_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            if not self._prepare():
                return NOT_STARTED
            deadline = time.monotonic() + self._limits.clock_s(size)
            reading, writing = os.pipe()
            try:
                return self._asked(request, (file.fileno(), writing), reading, deadline)
            finally:
                os.close(reading)

    def _prepare(self) -> bool:
        """Wait until it has started, and until the fork of the last file has ended."""
        deadline = time.monotonic() + self._limits.start_s
        try:
            if not self._ready:
                self._ready = self._receive(deadline) == READY
            if self._fork_runs:
                self._finish(deadline)
            while _is_ready(self._channel.fileno()):  # a fork that waited has ended
                self._receive(deadline)
        except (EndedError, LateError):
            self.close()
        return self._ready and self.alive

    def _asked(
        self, request: Request, files: tuple[int, int], reading: int, deadline: float
    ) -> Outcome:
        try:
            socket.send_fds(self._channel, [json.dumps(request_table(request)).encode()], files)
            self._fork_runs = True
        except OSError:  # it has ended, and not by this film
            self.close()
            return NOT_STARTED
        finally:
            os.close(files[1])
        try:
            return _answer(reading, deadline)
        except LateError:
            self.close()
            return refusal(too_late())
        except NO_ANSWER:
            return self._why_ended(deadline)

    def _why_ended(self, deadline: float) -> Outcome:
        try:
            self._finish(deadline)
        except (EndedError, LateError):
            self.close()
            return refusal(decoder_ended())
        status = 0 if self.usage is None else self.usage.status
        if status == -signal.SIGPROF:
            return refusal(too_late())
        return refusal(too_much_memory() if status == -signal.SIGKILL else decoder_ended())

    def _finish(self, deadline: float) -> None:
        """Take the report of the last fork; an earlier one may have ended without a request."""
        report = self._receive(deadline)
        while _is_ready(self._channel.fileno()):
            report = self._receive(deadline)
        self.usage = Usage(**json.loads(report))
        self._fork_runs = False

    def _receive(self, deadline: float) -> bytes:
        _wait_for(self._channel.fileno(), deadline)
        with suppress(OSError):
            if message := self._channel.recv(REPORT_BYTES):
                return message
        raise EndedError

    def end(self) -> None:
        """End it at once, with the fork that decodes; from any thread."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it, and close its channel, in the thread that uses it."""
        self.end()
        self._channel.close()


def _wait_for(stream: int, deadline: float) -> None:
    if not _is_ready(stream, wait_s=max(0.0, deadline - time.monotonic())):
        raise LateError


def _is_ready(stream: int, *, wait_s: float = 0.0) -> bool:
    waiting = select.poll()
    waiting.register(stream, select.POLLIN)
    return bool(waiting.poll(wait_s * 1000))


def _answer(pipe: int, deadline: float) -> Outcome:
    """Read an answer from a pipe: its line, then its pictures."""
    received = bytearray()
    while (end := received.find(b"\n")) < 0:
        _wait_for(pipe, deadline)
        chunk = os.read(pipe, CHUNK_BYTES)
        if not chunk or len(received) > MAX_LINE_BYTES:
            raise EndedError
        received += chunk
    rest = memoryview(bytes(received[end + 1 :]))

    def fill(buffer: memoryview) -> None:
        nonlocal rest
        known = min(len(rest), len(buffer))
        buffer[:known], rest, buffer = rest[:known], rest[known:], buffer[known:]
        while buffer:
            _wait_for(pipe, deadline)
            count = os.readv(pipe, [buffer])
            if count == 0:
                raise EndedError
            buffer = buffer[count:]

    return unpack(bytes(received[:end]), fill)
