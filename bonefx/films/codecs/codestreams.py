"""Read what JPEG, JPEG-LS and JPEG 2000 codestreams say about themselves, without decoding them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

JPEG_START = b"\xff\xd8"
JPEG_2000_START = b"\xff\x4f\xff\x51"  # start of codestream, then the marker of the image size
JPEG_2000_BOX = b"\0\0\0\x0cjP  "  # start of a file that holds a codestream
START_OF_SCAN = 0xDA
JPEG_LS_FRAME = 0xF7
JPEG_FRAMES = {*range(0xC0, 0xD0), JPEG_LS_FRAME} - {0xC4, 0xC8, 0xCC}
NOT_SEGMENTS = (0x00, 0x01, *range(0xD0, 0xD9))  # markers without a length
JPEG_2000_SIZE = 0x51


class JpegSegment(NamedTuple):
    """A segment of a JPEG header: code of its marker, first byte, and the byte after the last."""

    code: int
    start: int
    end: int


class FrameHeader(NamedTuple):
    """How a codestream stores its picture.

    Attributes:
        marker: Code of the marker, which tells the compression: one of JPEG_FRAMES, or
            JPEG_2000_SIZE.
        bits: Bits per sample.
        signed: Whether samples are signed; only JPEG 2000 can tell.
        rows: Height; 0 if it follows after the picture.
        columns: Width.
        samples: Number of components.
    """

    marker: int
    bits: int
    signed: bool
    rows: int
    columns: int
    samples: int


def read_frame_header(data: bytes) -> FrameHeader | None:
    """Return the frame header of a codestream; None if it is of another kind, or damaged."""
    try:
        if data.startswith(JPEG_START):
            return jpeg_frame_header(data)
        if data.startswith((JPEG_2000_START, JPEG_2000_BOX)):
            return jpeg_2000_header(data)
    except ValueError:
        return None
    return None


def jpeg_frame_header(data: bytes) -> FrameHeader:
    """Return the frame header of a JPEG or JPEG-LS codestream.

    Raises:
        ValueError: There is none before the first scan, or it is incomplete.

    Source:
        ITU-T T.81 B.2.2 (JPEG) and T.87 C.2.2 (JPEG-LS).
    """
    for code, start, _ in jpeg_segments(data):
        if code in JPEG_FRAMES:
            bits, rows, columns, samples = _unpacked(">BHHB", data, start + 4)
            return FrameHeader(code, bits, False, rows, columns, samples)
    raise ValueError("there is no frame header")


def jpeg_segments(data: bytes) -> Iterator[JpegSegment]:
    """Yield the segments of a JPEG header, up to the header of the first scan.

    Bytes between segments are passed over, as decoders do.

    Raises:
        ValueError: There is no scan.
    """
    at = len(JPEG_START)
    while True:
        at = data.index(b"\xff", at)
        while data[at + 1 : at + 2] == b"\xff":  # fill bytes
            at += 1
        code = data[at + 1] if at + 1 < len(data) else 0
        if code in NOT_SEGMENTS:
            at += 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield JpegSegment(code, at, end)
        if code == START_OF_SCAN:
            return
        at = end


def jpeg_2000_header(data: bytes) -> FrameHeader:
    """Return the size and precision of a JPEG 2000 codestream, alone or in a file.

    Raises:
        ValueError: There is no codestream, or it is incomplete.

    Source:
        ITU-T T.800, A.5.1; the precision is that of the first component.
    """
    at = data.index(JPEG_2000_START)
    right, bottom, left, top = _unpacked(">IIII", data, at + 8)
    samples, depth = _unpacked(">HB", data, at + 40)
    return FrameHeader(
        marker=JPEG_2000_SIZE,
        bits=(depth & 0x7F) + 1,
        signed=bool(depth & 0x80),
        rows=bottom - top,
        columns=right - left,
        samples=samples,
    )


def _unpacked(form: str, data: bytes, at: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(form, data, at)
    except struct.error:
        raise ValueError("the header is incomplete") from None
