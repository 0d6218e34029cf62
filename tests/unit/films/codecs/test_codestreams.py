"""Frame headers of JPEG, JPEG-LS and JPEG 2000."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest

from bonefx.films.codecs.codestreams import jpeg_segments, read_frame_header
from tests.fixtures.image_files import encode_image, make_grey

GREY = make_grey()  # 80 x 96
DEEP = make_grey(high=4095, dtype=np.uint16)
SIGNED = DEEP.astype(np.int16) - 2048
STREAMS = {
    "baseline": (encode_image(GREY, "JPEG"), (0xC0, 8, False, 80, 96, 1)),
    "progressive": (encode_image(GREY, "JPEG", progressive=True), (0xC2, 8, False, 80, 96, 1)),
    "colour": (encode_image(np.dstack([GREY] * 3), "JPEG"), (0xC0, 8, False, 80, 96, 3)),
    "lossless": (imagecodecs.ljpeg_encode(DEEP, bitspersample=12), (0xC3, 12, False, 80, 96, 1)),
    "JPEG-LS": (imagecodecs.jpegls_encode(DEEP), (0xF7, 16, False, 80, 96, 1)),
    "JPEG 2000": (
        imagecodecs.jpeg2k_encode(DEEP, codecformat="j2k"), (0x51, 16, False, 80, 96, 1),
    ),
    "JPEG 2000 file": (
        imagecodecs.jpeg2k_encode(SIGNED, codecformat="jp2"), (0x51, 16, True, 80, 96, 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STREAMS)
def test_the_frame_header_is_read(name):
    stream, expected = STREAMS[name]
    assert read_frame_header(stream) == expected


@pytest.mark.parametrize("insert", [b"\xff\xff\xff", b"\0abc", b"\xff\x01", b"\xff\xd0"])
@pytest.mark.parametrize("name", ["baseline", "lossless", "JPEG-LS"])
def test_bytes_between_segments_are_passed_over(name, insert):
    stream, expected = STREAMS[name]
    assert read_frame_header(stream[:2] + insert + stream[2:]) == expected


@pytest.mark.parametrize("name", STREAMS)
def test_a_codestream_that_is_cut_short_has_no_frame_header(name):
    stream, expected = STREAMS[name]
    found = {read_frame_header(stream[:length]) for length in range(min(400, len(stream)))}
    assert found <= {None, expected}
    assert None in found


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xd8", b"\xff\xd8\xff\xda", b"\x89PNG\r\n"])
def test_other_data_have_no_frame_header(data):
    assert read_frame_header(data) is None


def test_segments_end_with_the_header_of_the_first_scan():
    stream = STREAMS["baseline"][0]
    segments = list(jpeg_segments(stream))
    assert [segment.start for segment in segments[1:]] == [segment.end for segment in segments[:-1]]
    assert stream[segments[-1].start :].startswith(b"\xff\xda")
