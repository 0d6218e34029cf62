"""Decode each file in a fork of this process, which ends with its answer. Linux only.

This process has one thread, loads every decoder and never sees a byte of a file: a fork, made
before there is a request, waits for it and gets the open file with it. So nothing of a film is left
in memory, and a file that ends or takes over its process meets no other film.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import io
import json
import os
import select
import signal
import socket
from typing import Any, NoReturn

from bonefx.films.decoding.confinement import die_with
from bonefx.films.decoding.limits import DecodingLimits
from bonefx.films.decoding.requests import parse_request
from bonefx.films.decoding.worker import pack_in_memory, perform_in_time

REQUEST_BYTES = 4096
PIPE_BYTES = 1 << 20


def serve_by_forking(channel: socket.socket, limits: DecodingLimits) -> None:
    """Answer requests until the parent closes its end of the channel, or ends.

    Args:
        channel: Each message is a request in JSON, with the open file and the pipe for the answer.
            When a fork has ended, and the next one waits, its exit status, peak memory and
            processor time are sent back.
        limits: Limits of each file.
    """
    own = os.getpid()
    gc.collect()
    gc.freeze()  # so that a fork shares these objects
    report = None
    while True:
        child = os.fork()
        if child == 0:
            _serve_once(channel, limits, parent=own)
        if report is not None:
            with contextlib.suppress(ConnectionError):  # the parent has ended, as _wait finds out
                channel.send(json.dumps(report).encode())
        report = _wait(child, channel)
        if report is None:
            return


def _serve_once(channel: socket.socket, limits: DecodingLimits, *, parent: int) -> NoReturn:
    """Wait for a request in this fork, answer it, and end."""
    status = 1
    try:
        die_with(parent)
        message, files, _, _ = socket.recv_fds(channel, REQUEST_BYTES, 2)
        channel.close()  # a file that takes over this process hears of no other
        if message:
            _answer(json.loads(message), *files, limits=limits)
        status = 0
    finally:
        os._exit(status)


def _answer(table: dict[str, Any], file: int, pipe: int, *, limits: DecodingLimits) -> None:
    outcome = perform_in_time(parse_request(table), io.FileIO(file), limits)
    text, pictures = pack_in_memory(outcome)
    with contextlib.suppress(OSError):  # the user has as many large pipes as the kernel allows
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    for part in (memoryview(text), *pictures):
        _write(pipe, part)
    os.close(pipe)


def _wait(child: int, channel: socket.socket) -> dict[str, float] | None:
    """Wait until a fork ends; end it if the parent ends before.

    Returns:
        Its exit status as subprocess counts it (negative for a signal), peak memory and time; None
        if the parent has ended.
    """
    ending = os.pidfd_open(child)
    try:
        waiting = select.poll()
        waiting.register(ending, select.POLLIN)
        waiting.register(channel, 0)  # tells of its end in any case
        parent_ended = channel.fileno() in [number for number, _ in waiting.poll()]
        if parent_ended:
            os.kill(child, signal.SIGKILL)
    finally:
        os.close(ending)
    _, status, used = os.wait4(child, 0)
    if parent_ended:
        return None
    return {
        "status": os.waitstatus_to_exitcode(status),
        "peak_bytes": used.ru_maxrss * 1024,
        "cpu_s": used.ru_utime + used.ru_stime,
    }


def _write(pipe: int, data: memoryview) -> None:
    """Write all of the data; vmsplice is faster, but sends memory that is freed as it is then."""
    while data:
        data = data[os.write(pipe, data) :]
