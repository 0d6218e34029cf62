"""Decode JPEG files, and find damage that viewers pass over.

libjpeg goes on after damaged data: it fills or shifts the rest of the picture and only warns, which
Pillow does not pass on. simplejpeg decodes with the same library to the same values and raises an
error on each warning.
"""

from __future__ import annotations

import io
import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bonefx.errors import DamagedRadiographError, UnreadableRadiographError
from bonefx.films.codecs.codestreams import (
    JPEG_FRAMES,
    JPEG_START,
    START_OF_SCAN,
    jpeg_frame_header,
    jpeg_segments,
)
from bonefx.films.limits import check_size

COLOUR_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}  # of simplejpeg, by mode of Pillow
END, SCAN_START = b"\xff\xd9", b"\xff\xda"
SEQUENTIAL = (0xC0, 0xC1)  # frame headers whose scans hold whole blocks
LOSSLESS = 0xC3
WHOLE_BLOCKS = b"\x00\x3f\x00"  # the end of a scan header: coefficients 0 to 63, at full precision
METADATA = (*range(0xE0, 0xF0), 0xFE)  # APPn and COM
EXTRANEOUS = re.compile(r"(\d+) extraneous bytes before marker 0x([0-9a-f]{2})")
DAMAGE = re.compile("remature end|bad Huffman|instead of RST|progression sequence|arithmetic")
MAX_MEGAPIXEL_SCANS = 600  # 50 megapixels of 12 scans; about 3 s
ATTEMPTED_MEGAPIXELS = 150  # decoded in all to find out what is wrong with a file
MAX_ATTEMPTS = 16
SCAN_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # in the data of scans, but restart markers


class DecodedJpeg(NamedTuple):
    """A picture as stored, with its metadata, and whether a part of it may be lost."""

    image: Image.Image
    damaged: bool


def decode_jpeg(data: bytes, *, salvage: bool) -> DecodedJpeg:
    """Decode the first picture of a JPEG file; phones and cameras add previews after it.

    Args:
        data: Content of the whole file.
        salvage: Whether to decode damaged data as far as possible.

    Returns:
        The picture as Pillow decodes it.

    Raises:
        DamagedRadiographError: The data are damaged, and salvage would decode a part of them.
        Exception: Any other, if nothing can be decoded.
    """
    data = with_end(data)
    image = Image.open(io.BytesIO(data), formats=["JPEG"])
    check_size(*image.size)
    attempts = _max_attempts(data, image.width * image.height)
    colour_space = COLOUR_SPACES[image.mode]
    try:
        pixels = _decoded_strictly(data, colour_space)
    except ValueError as warning:
        if not _has_sound_scans(data, colour_space, warning=str(warning), attempts=attempts):
            partial = _decoded_partially(data, attempts=attempts)
            if salvage:
                return DecodedJpeg(partial, damaged=True)
            raise damaged_jpeg() from None
    else:
        if image.mode != "CMYK":  # Pillow knows which CMYK files are inverted
            return DecodedJpeg(_with_metadata(pixels, image), damaged=False)
    image.load()
    return DecodedJpeg(image, damaged=False)


def is_damaged(data: bytes) -> bool:
    """Return whether the scans of a JPEG of any precision are damaged.

    The data of a scan are coded alike at each precision, so that the decoder of 8 bits, the only
    one with warnings, finds the damage in a copy that is labelled as 8 bit.

    Raises:
        UnreadableRadiographError: It has far too many scans.
        ValueError: There is no frame header, or no scan.
    """
    header, scan = jpeg_frame_header(data), _first_scan(data)
    attempts = _max_attempts(data, header.columns * header.rows)
    copy = bytearray(data)
    copy[_segment(data, *JPEG_FRAMES) + 4] = 8
    if header.marker == LOSSLESS:
        copy[scan - 1] = 0  # the point transform, which may be too large for 8 bit
    labelled, colour_space = bytes(copy), "GRAY" if header.samples == 1 else "RGB"
    try:
        _decoded_strictly(labelled, colour_space)
    except ValueError as warning:
        return not _has_sound_scans(labelled, colour_space, warning=str(warning), attempts=attempts)
    return False


def with_end(data: bytes) -> bytes:
    """Add the end marker that some programs leave out.

    Only after a single scan: where there may be several, the last ones may be missing, too.

    Raises:
        ValueError: There is no frame header, or no scan.
    """
    header, scan = jpeg_frame_header(data), _segment(data, START_OF_SCAN)
    single = header.marker in (*SEQUENTIAL, LOSSLESS) and data[scan + 4] == header.samples
    return data + END if single and END not in data[scan:] else data


def damaged_jpeg() -> DamagedRadiographError:
    """Return the error for a JPEG file of which a part can be decoded."""
    return DamagedRadiographError(
        "the JPEG file is damaged or incomplete: a part of the picture is missing or wrong; "
        "copy it again, or read the rest anyway, in Read or with bonefx read --damaged"
    )


def _segment(data: bytes, *codes: int) -> int:
    """Return where the first segment with one of the codes starts."""
    return next(segment.start for segment in jpeg_segments(data) if segment.code in codes)


def _max_attempts(data: bytes, pixels: int) -> int:
    """Return how often a file may be decoded to find out what is wrong with it.

    Raises:
        UnreadableRadiographError: Its scans, each of which refines the whole picture, take far
            longer than those of films.
    """
    scan = _first_scan(data)
    scans = 1 + data.count(SCAN_START, scan, data.find(END, scan))
    megapixel_scans = pixels * scans / 1e6
    if megapixel_scans > MAX_MEGAPIXEL_SCANS:
        raise UnreadableRadiographError(
            f"found a progressive JPEG file of {scans} scans, far more than films have; "
            "save it as PNG"
        )
    return int(min(max(2.0, ATTEMPTED_MEGAPIXELS / megapixel_scans), MAX_ATTEMPTS))


def _decoded_strictly(data: bytes, colour_space: str) -> NDArray[np.uint8]:
    """Return the pixels, (H, W) or (H, W, channels).

    Raises:
        ValueError: The first warning or the error of the decoder.
    """
    import simplejpeg

    pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, colour_space, strict=True)
    return pixels[:, :, 0] if colour_space == "GRAY" else pixels


def _with_metadata(pixels: NDArray[np.uint8], source: Image.Image) -> Image.Image:
    image = Image.fromarray(pixels)
    image.info = source.info
    return image


def _has_sound_scans(data: bytes, colour_space: str, *, warning: str, attempts: int) -> bool:
    """Return whether the scans decode without a warning, whatever the rest of the file is like.

    Harmless are bytes between the segments of the header, metadata of an unknown version, wrong
    coefficient limits in a sequential file, and padding before a marker: zeros or one byte.
    """
    if DAMAGE.search(warning):
        return False
    try:
        bare, scan = _without_header_faults(data)
        for _ in range(attempts):
            try:
                _decoded_strictly(bare, colour_space)
            except ValueError as other:
                bare = _without_padding(bare, scan, str(other))
            else:
                return True
    except ValueError:
        return False
    return False


def _first_scan(data: bytes) -> int:
    """Return where the header of the first scan ends."""
    *_, (_, _, end) = jpeg_segments(data)
    return end


def _without_header_faults(data: bytes) -> tuple[bytes, int]:
    """Return the file without metadata and stray bytes in its header, and the start of its scan.

    Raises:
        ValueError: There is no scan.
    """
    kept, end, sequential = bytearray(JPEG_START), 0, False
    for code, start, end in jpeg_segments(data):
        sequential = sequential or code in SEQUENTIAL
        kept += b"" if code in METADATA else data[start:end]
    if sequential:
        kept[-3:] = WHOLE_BLOCKS
    return bytes(kept + data[end:]), len(kept)


def _without_padding(data: bytes, scan: int, warning: str) -> bytes:
    """Return the file without the padding that a warning is about.

    Raises:
        ValueError: The warning is about something else, or about bytes that may hold data.
    """
    found = EXTRANEOUS.search(warning)
    if found is None:
        raise ValueError(warning)
    count, marker = int(found[1]), bytes([0xFF, int(found[2], 16)])
    padding = bytes(count)
    if count == 1 and marker == END:
        padding = data[(at := data.index(END, scan) - 1) : at + 1]
    before, padded, after = data.partition(padding + marker)
    if not padded or len(before) < scan:
        raise ValueError(warning)
    return before + marker + after


def _decoded_partially(data: bytes, *, attempts: int) -> Image.Image:
    """Decode as much as possible; the missing part is grey.

    Published data sets hold truncated files, whose values here must stay those of Pillow.

    Raises:
        ValueError: Nothing but the header can be decoded.
    """
    scan = _first_scan(data)
    picture = data[: data.find(END, scan) if END in data[scan:] else len(data)]
    markers = [found.start() for found in SCAN_MARKER.finditer(picture, scan)]
    parts = (picture[:at] + END for at in reversed(markers[-attempts:]))  # one may be stray
    for part in (data, data + END, *parts):  # after the end marker libjpeg fills what is missing
        try:
            partial: Image.Image = Image.open(io.BytesIO(part), formats=["JPEG"])
            partial.load()
        except (OSError, SyntaxError):
            continue
        return partial
    raise ValueError("nothing but the header can be decoded")
