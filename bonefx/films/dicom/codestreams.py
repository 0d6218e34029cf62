"""Read what a compressed frame says about itself: kind, size, precision.

Headers contradict their compressed pixels in many files. The codestream is what a decoder follows.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

JPEG_START = b"\xff\xd8\xff"
JPEG_2000_STARTS = (b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ")
JPEG_2000_SIZE = b"\xff\x4f\xff\x51"  # start of codestream, then the marker of the image size
FRAME_MARKERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
# transfer syntaxes by the marker of the frame; a decoder of the first reads progressive ones too
JPEG_SYNTAXES = {
    0xC0: "1.2.840.10008.1.2.4.50",
    0xC1: "1.2.840.10008.1.2.4.51",
    0xC2: "1.2.840.10008.1.2.4.50",
    0xC3: "1.2.840.10008.1.2.4.57",
    0xF7: "1.2.840.10008.1.2.4.80",
}
JPEG_2000_SYNTAX = "1.2.840.10008.1.2.4.91"


@dataclass(frozen=True, slots=True, kw_only=True)
class Codestream:
    """Facts of a JPEG, JPEG-LS or JPEG 2000 codestream.

    Attributes:
        syntax: UID of a transfer syntax whose decoder reads it.
        bits: Bits per sample.
        signed: Whether samples are signed; only JPEG 2000 can tell.
        rows: Height; 0 if it follows after the picture.
        columns: Width.
        samples: Number of components.
    """

    syntax: str
    bits: int
    signed: bool
    rows: int
    columns: int
    samples: int


def describe_codestream(frame: bytes) -> Codestream | None:
    """Return the facts of a compressed frame; None if it is of another kind, or damaged.

    Source:
        ITU-T T.81 B.2.2 (JPEG), T.87 C.2.2 (JPEG-LS) and T.800 A.5.1 (JPEG 2000).
    """
    try:
        if frame.startswith(JPEG_START):
            return _jpeg(frame)
        if frame.startswith(JPEG_2000_STARTS):
            return _jpeg_2000(frame)
    except (IndexError, struct.error):
        return None
    return None


def _jpeg(frame: bytes) -> Codestream | None:
    at = 2
    while at < len(frame) - 1:
        if frame[at] != 0xFF:
            return None
        marker = frame[at + 1]
        if marker in FRAME_MARKERS:
            bits, rows, columns, samples = struct.unpack_from(">BHHB", frame, at + 4)
            if marker not in JPEG_SYNTAXES:
                return None
            return Codestream(
                syntax=JPEG_SYNTAXES[marker], bits=bits, signed=False,
                rows=rows, columns=columns, samples=samples,
            )  # fmt: skip
        if marker == 0xFF:  # fill
            at += 1
        elif marker in WITHOUT_LENGTH:
            at += 2
        else:
            at += 2 + max(2, struct.unpack_from(">H", frame, at + 2)[0])
    return None


def _jpeg_2000(frame: bytes) -> Codestream | None:
    at = frame.find(JPEG_2000_SIZE)
    if at < 0:
        return None
    right, bottom, left, top = struct.unpack_from(">IIII", frame, at + 8)
    samples, depth = struct.unpack_from(">HB", frame, at + 40)
    return Codestream(
        syntax=JPEG_2000_SYNTAX, bits=(depth & 0x7F) + 1, signed=bool(depth & 0x80),
        rows=bottom - top, columns=right - left, samples=samples,
    )  # fmt: skip
