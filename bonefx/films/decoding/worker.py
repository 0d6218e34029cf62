"""A decoding process: load the decoders once, then answer requests until the parent ends.

Only what films needs is loaded here: no torch, no gradio, nothing of the server.
"""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import warnings
from importlib import import_module
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from bonefx.errors import UnreadableRadiographError
from bonefx.films import formats
from bonefx.films.decoding.confinement import confine, limit_processor_time
from bonefx.films.decoding.limits import DecodingLimits
from bonefx.films.decoding.outcomes import Failed, Outcome, PackedFilms, Refused, pack
from bonefx.films.decoding.refusals import refusal, too_much_memory
from bonefx.films.decoding.requests import Request, parse_request, perform
from bonefx.films.dicom.libraries import prepare_dicom_libraries
from bonefx.films.opening import open_film_file
from bonefx.films.patient_ids import StudyHeader
from bonefx.films.raster import encode_png
from bonefx.records import MIN_SIDE_PX

MAX_THREADS = 4
READY = b"ready\n"
LATE_MODULES = (
    *("numpy.ma", "pydicom.pixels.decoders", "pydicom.sr.codedict", "simplejpeg", "tifffile"),
)
CODECS = (  # imagecodecs loads each one when it is first named
    *("png_decode", "jpeg8_decode", "jpegls_decode", "jpeg2k_decode", "webp_decode"),
    *("zlib_decode", "deflate_decode", "lzw_decode", "packbits_decode", "packints_decode"),
    *("delta_decode", "floatpred_decode", "bitorder_decode"),
)


def main(settings: dict[str, Any]) -> None:
    """Serve the parent until it ends.

    Args:
        settings: limits of DecodingLimits; socket, the number of an inherited socket, or None to
            answer on stdin and stdout.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches children, too
    limits = DecodingLimits(**settings["limits"])
    preload()
    confine(limits)
    if settings["socket"] is None:
        requests, answers = _own_streams()
        answers.write(READY)
        answers.flush()
        serve_in_this_process(requests, answers, limits)
    else:
        from bonefx.films.decoding.forks import serve_by_forking

        with socket.socket(fileno=settings["socket"]) as channel:
            channel.send(READY)
            silence()
            serve_by_forking(channel, limits)


def preload() -> None:
    """Load what decoders would load with the first film, because each film is a new process."""
    warnings.simplefilter("ignore")  # some quote values of a file
    prepare_dicom_libraries()
    Image.init()
    for name in LATE_MODULES:
        import_module(name)
    import cv2
    import imagecodecs

    # each thread takes a stack from the memory of a film
    cv2.setNumThreads(min(MAX_THREADS, os.cpu_count() or 1))
    for name in CODECS:
        getattr(imagecodecs, name)
    _build_answers()


def _build_answers() -> None:
    """Make an answer of each kind, since the forms of records are built when first used."""
    from pydicom.dataset import Dataset

    ramp = np.linspace(0, 255, MIN_SIDE_PX).astype(np.uint8)
    for outcome in (
        formats.read_bytes(encode_png(np.tile(ramp, (MIN_SIDE_PX, 1)))),
        StudyHeader(sha256="", elements=Dataset()),
        PackedFilms(films=(), left_out=0),
        Refused(error="", message=""),
        Failed(error="", trace=()),
    ):
        pack(outcome)


def silence() -> None:
    """Send what libraries print to nowhere: it may quote values of a file."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _own_streams() -> tuple[BinaryIO, BinaryIO]:
    """Return the streams of the parent, out of reach of libraries that print."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    silence()
    return requests, answers


def serve_in_this_process(requests: BinaryIO, answers: BinaryIO, limits: DecodingLimits) -> None:
    """Answer requests, one line of JSON each, until the stream ends.

    Args:
        requests: Lines of JSON, each with the path of a file and the request about it.
        answers: Takes each answer: a line of JSON, then the bytes of its pictures.
        limits: Limits of each file.
    """
    for line in requests:
        table = json.loads(line)
        outcome = answer_path(table["path"], parse_request(table["request"]), limits)
        text, pictures = pack_in_memory(outcome)
        answers.write(text)
        for picture in pictures:
            answers.write(picture)
        answers.flush()
        del outcome, pictures


def pack_in_memory(outcome: Outcome) -> tuple[bytes, list[memoryview]]:
    """Pack an outcome, or where memory is short the refusal that says so; see outcomes.pack."""
    try:
        return pack(outcome)
    except MemoryError:
        return pack(refusal(too_much_memory()))


def answer_path(path: str, request: Request, limits: DecodingLimits) -> Outcome:
    """Perform a request about the file of a path."""
    try:
        file = open_film_file(path)
    except UnreadableRadiographError as error:
        return refusal(error)
    try:
        return perform_in_time(request, file, limits)
    finally:
        limit_processor_time(0)  # 0 ends the limit


def perform_in_time(request: Request, file: io.FileIO, limits: DecodingLimits) -> Outcome:
    """Perform a request; the kernel ends this process if it takes too much processor time."""
    limit_processor_time(limits.cpu_s(os.fstat(file.fileno()).st_size))
    return perform(
        request, file, before_decoding=lambda size: limit_processor_time(limits.cpu_s(size))
    )
