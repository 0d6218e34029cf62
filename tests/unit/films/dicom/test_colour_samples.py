"""Films with three samples a pixel, or a header that says so."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.uid import JPEG2000Lossless

from bonefx.errors import UnreadableRadiographError
from bonefx.films import formats
from tests.fixtures.dicom_files import make_dicom
from tests.fixtures.dicom_matrix import compressed_film
from tests.fixtures.image_files import make_grey

DEEP = make_grey(high=4095, dtype=np.uint16)


def test_a_grey_film_may_be_said_to_have_three_samples():
    film = formats.read_bytes(make_dicom(DEEP, SamplesPerPixel=3))
    np.testing.assert_array_equal(film.pixels, formats.read_bytes(make_dicom(DEEP)).pixels)


def test_a_compressed_grey_film_may_be_said_to_have_three_samples():
    import imagecodecs

    stream = imagecodecs.jpeg2k_encode(DEEP, codecformat="j2k", reversible=True)
    data = compressed_film(make_dicom(DEEP), stream, JPEG2000Lossless, SamplesPerPixel=3)
    np.testing.assert_allclose(formats.read_bytes(data).pixels, DEEP / 4095, atol=1e-5)


@pytest.mark.parametrize("bits", [4, 7, 8])
def test_colour_of_few_bits_is_as_bright_as_of_8(bits):
    grey = make_grey() >> (8 - bits)
    film = formats.read_bytes(make_dicom(np.dstack([grey] * 3), BitsStored=bits, HighBit=bits - 1))
    np.testing.assert_allclose(film.pixels, grey / (2**bits - 1), atol=0.003)


@pytest.mark.parametrize("planar", [0, 1])
def test_equal_samples_of_16_bit_are_grey(planar):
    stacked = np.dstack([DEEP] * 3)
    stored = np.ascontiguousarray(stacked.transpose(2, 0, 1)) if planar else stacked
    data = make_dicom(stacked, PlanarConfiguration=planar, PixelData=stored.tobytes())
    film = formats.read_bytes(data)
    assert (film.photometric, film.bits) == ("MONOCHROME2", 12)
    np.testing.assert_allclose(film.pixels, DEEP / 4095, atol=1e-5)


def test_samples_of_16_bit_that_differ_are_refused():
    data = make_dicom(np.dstack([DEEP, DEEP, DEEP // 2]))
    with pytest.raises(UnreadableRadiographError, match=r"RGB with 3 samples of 16 bit.*as grey"):
        formats.read_bytes(data)
