"""Decode JPEG files of 9 to 16 bit, lossless or lossy."""

from __future__ import annotations

from typing import NamedTuple

from bonefx.films.codecs import jpeg
from bonefx.films.codecs.codestreams import jpeg_frame_header
from bonefx.films.codecs.deep_values import DeepValues, deep_values
from bonefx.films.limits import check_size


class DecodedDeepJpeg(NamedTuple):
    """The values of a picture, and whether a part of it may be lost."""

    values: DeepValues
    damaged: bool


def decode_deep_jpeg(data: bytes, *, salvage: bool) -> DecodedDeepJpeg:
    """Decode the first picture of a file.

    Args:
        data: Content of the whole file.
        salvage: Whether to decode damaged data as far as possible.

    Raises:
        DamagedRadiographError: The data are damaged, and salvage would decode a part of them.
        UnreadableRadiographError: It has too many or too few pixels.
        Exception: Any other, if nothing can be decoded.
    """
    import imagecodecs

    header = jpeg_frame_header(data)
    check_size(header.columns, header.rows)
    data = jpeg.with_end(data)
    damaged = jpeg.is_damaged(data)
    values = deep_values(imagecodecs.jpeg8_decode(data))
    if values.samples.shape[:2] != (header.rows, header.columns):
        raise ValueError("the picture has another size than its header says")
    if damaged and not salvage:
        raise jpeg.damaged_jpeg()
    return DecodedDeepJpeg(values, damaged=damaged)
