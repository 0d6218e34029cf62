"""A compressed frame in fragments, with and without a right offset table."""

from __future__ import annotations

import io

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from bonefx.films import formats
from tests.fixtures.dicom_files import encode_dicom, make_dicom
from tests.fixtures.dicom_matrix import compressed_film
from tests.fixtures.image_files import make_grey

VALUES = make_grey(high=4095, dtype=np.uint16)
NATIVE = make_dicom(VALUES)
STREAMS = {
    "JPEG 2000": (
        JPEG2000Lossless, imagecodecs.jpeg2k_encode(VALUES, codecformat="j2k", reversible=True)
    ),
    "JPEG-LS": (JPEGLSLossless, imagecodecs.jpegls_encode(VALUES)),
    "JPEG lossless": (JPEGLosslessSV1, imagecodecs.ljpeg_encode(VALUES, bitspersample=12)),
    "RLE": (
        RLELossless,
        RLELosslessEncoder.encode(
            VALUES, rows=80, columns=96, samples_per_pixel=1, bits_allocated=16, bits_stored=12,
            pixel_representation=0, photometric_interpretation="MONOCHROME2", number_of_frames=1,
        ),
    ),
}  # fmt: skip


def make_film(name, pieces, offsets=None):
    """A film in fragments; offsets replace those of the first frame in the offset table."""
    syntax, stream = STREAMS[name]
    film = pydicom.dcmread(io.BytesIO(compressed_film(NATIVE, bytes(stream), syntax)))
    fragments = encapsulate([bytes(stream)], fragments_per_frame=pieces, has_bot=False)
    if offsets is not None:
        table = np.array(offsets, "<u4").tobytes()
        start = b"\xfe\xff\x00\xe0" + len(table).to_bytes(4, "little")
        fragments = start + table + fragments[8:]
    film.PixelData = fragments
    film["PixelData"].is_undefined_length = True
    return encode_dicom(film)


@pytest.mark.parametrize("pieces", [1, 2, 5])
@pytest.mark.parametrize("name", STREAMS)
def test_a_frame_in_several_fragments(name, pieces):
    film = formats.read_bytes(make_film(name, pieces))
    np.testing.assert_allclose(film.pixels, VALUES / 4095, atol=1e-5)


@pytest.mark.parametrize("offsets", [[0], [0, 8], [100], [0, 500, 1000], [2**32 - 1], [8, 0]])
@pytest.mark.parametrize("name", STREAMS)
def test_the_offset_table_of_a_single_frame_does_not_matter(name, offsets):
    film = formats.read_bytes(make_film(name, 3, offsets))
    np.testing.assert_allclose(film.pixels, VALUES / 4095, atol=1e-5)
