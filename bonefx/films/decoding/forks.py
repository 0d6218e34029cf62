"""Decode each file in a fork of this process, which ends with its answer. Linux only.

This process has one thread, loads every decoder and never sees a byte of a file: requests come
with open files, which it hands on. So nothing of a film is left in memory, and a file that ends or
takes over its process meets no other film.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import gc
import io
import json
import os
import select
import signal
import socket
from typing import NoReturn

import numpy as np

from bonefx.films.decoding.confinement import die_with
from bonefx.films.decoding.limits import DecodingLimits
from bonefx.films.decoding.outcomes import pack
from bonefx.films.decoding.requests import parse_request
from bonefx.films.decoding.worker import perform_in_time

REQUEST_BYTES = 4096
PIPE_BYTES = 1 << 20


class _Piece(ctypes.Structure):
    """struct iovec: a piece of memory."""

    _fields_ = (("start", ctypes.c_void_p), ("size", ctypes.c_size_t))


def serve_by_forking(channel: socket.socket, limits: DecodingLimits) -> None:
    """Answer requests until the parent closes its end of the channel, or ends.

    Args:
        channel: Each message is a request in JSON, with the open file and the pipe for the answer.
            When a fork has ended, its exit status, peak memory and processor time are sent back.
        limits: Limits of each file.
    """
    own = os.getpid()
    gc.collect()
    gc.freeze()  # so that a fork shares these objects
    while True:
        try:
            message, files, _, _ = socket.recv_fds(channel, REQUEST_BYTES, 2)
        except ConnectionError:
            return
        if not message:
            return
        child = os.fork()
        if child == 0:
            _answer_and_exit(message, files, parent=own, channel=channel, limits=limits)
        for file in files:
            os.close(file)
        report = _wait(child, channel)
        with contextlib.suppress(ConnectionError):  # the parent has ended
            channel.send(json.dumps(report).encode())


def _answer_and_exit(
    message: bytes, files: list[int], *, parent: int, channel: socket.socket, limits: DecodingLimits
) -> NoReturn:
    """Answer a request in this fork, and end it."""
    status = 1
    try:
        die_with(parent)
        channel.close()
        file, pipe = files
        outcome = perform_in_time(parse_request(json.loads(message)), io.FileIO(file), limits)
        text, pictures = pack(outcome)
        with contextlib.suppress(OSError):  # the user has as many large pipes as the kernel allows
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        _write(pipe, memoryview(text))
        for picture in pictures:
            _write_picture(pipe, picture)
        os.close(pipe)
        status = 0
    finally:
        os._exit(status)


def _wait(child: int, channel: socket.socket) -> dict[str, float]:
    """Wait until a fork ends; end it if the parent ends before.

    Returns:
        Its exit status as subprocess counts it (negative for a signal), peak memory and time.
    """
    ending = os.pidfd_open(child)
    try:
        waiting = select.poll()
        waiting.register(ending, select.POLLIN)
        waiting.register(channel, 0)  # tells of its end in any case
        if ending not in [number for number, _ in waiting.poll()]:
            os.kill(child, signal.SIGKILL)
    finally:
        os.close(ending)
    _, status, used = os.wait4(child, 0)
    return {
        "status": os.waitstatus_to_exitcode(status),
        "peak_bytes": used.ru_maxrss * 1024,
        "cpu_s": used.ru_utime + used.ru_stime,
    }


def _write(pipe: int, data: memoryview) -> None:
    while data:
        data = data[os.write(pipe, data) :]


def _write_picture(pipe: int, picture: memoryview) -> None:
    """Write the bytes of a picture, by lending their memory to the pipe where that is possible.

    The memory is not changed afterwards, since this process only ends.

    Source:
        Linux manual page vmsplice(2).
    """
    splice = getattr(ctypes.CDLL(None, use_errno=True), "vmsplice", None)
    start = np.frombuffer(picture, np.uint8).ctypes.data
    written = 0
    while splice is not None and written < len(picture):
        piece = _Piece(start + written, len(picture) - written)
        count = splice(pipe, ctypes.byref(piece), ctypes.c_size_t(1), ctypes.c_uint(0))
        if count >= 0:
            written += count
        elif ctypes.get_errno() != errno.EINTR:
            break
    _write(pipe, picture[written:])
