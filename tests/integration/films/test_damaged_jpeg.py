"""Damage in the JPEG pixels of a DICOM film, which its decoders pass over."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pydicom.uid import JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1

from bonefx.errors import DamagedRadiographError, UnreadableRadiographError
from bonefx.films import formats
from bonefx.records import FilmNote
from tests.fixtures.dicom_files import make_dicom
from tests.fixtures.dicom_matrix import compressed_film
from tests.fixtures.image_files import encode_image, make_grey

DEEP = make_grey(high=4095, dtype=np.uint16)
GREY = make_grey()
RGB = np.dstack([GREY] * 3)


def lossless(values, bits, predictor=1):
    return bytes(
        imagecodecs.jpeg8_encode(values, bitspersample=bits, lossless=True, predictor=predictor)
    )


FILMS = {
    "lossless": (DEEP, JPEGLosslessSV1, lossless(DEEP, 16)),
    "lossless of 12 bit": (DEEP, JPEGLossless, lossless(DEEP, 12, 6)),
    "lossless of 8 bit": (GREY, JPEGLosslessSV1, lossless(GREY, 8)),
    "lossless colour": (RGB, JPEGLosslessSV1, lossless(RGB, 8)),
    "lossy of 12 bit": (
        DEEP, JPEGExtended12Bit, bytes(imagecodecs.jpeg8_encode(DEEP, level=95, bitspersample=12)),
    ),
    "lossy": (GREY, JPEGBaseline8Bit, encode_image(GREY, "JPEG", quality=95)),
    "lossy colour": (RGB, JPEGBaseline8Bit, encode_image(Image.fromarray(RGB), "JPEG", quality=95)),
}  # fmt: skip


def make_film(name, change=lambda stream: stream):
    values, syntax, stream = FILMS[name]
    return compressed_film(make_dicom(values), change(stream), syntax)


def zeros(stream):
    middle = len(stream) // 2
    return stream[:middle] + bytes(250) + stream[middle + 250 :]


def cut(stream):
    middle = len(stream) // 2
    return stream[:middle] + stream[middle + 200 :]


def test_a_progressive_film_cut_between_two_scans_is_damaged():
    """Each scan is whole, so that a decoder warns of nothing once an end marker is added."""
    stream = encode_image(GREY, "JPEG", quality=95, progressive=True)
    scans = [place for place in range(len(stream)) if stream[place : place + 2] == b"\xff\xda"]
    film = compressed_film(make_dicom(GREY), stream[: scans[-1]], JPEGBaseline8Bit)
    with pytest.raises(DamagedRadiographError):
        formats.read_bytes(film)
    assert FilmNote.DAMAGED in formats.read_bytes(film, salvage=True).notes


@pytest.mark.parametrize("name", FILMS)
def test_a_whole_film_has_no_note(name):
    values, *_ = FILMS[name]
    film = formats.read_bytes(make_film(name), salvage=True)
    assert film.notes == ()
    grey = values if values.ndim == 2 else values[:, :, 0]
    expected = (grey - grey.min()) / np.ptp(grey) if values is DEEP else grey / 255
    np.testing.assert_allclose(film.pixels, expected, atol=0.05)


@pytest.mark.parametrize("damage", [zeros, cut])
@pytest.mark.parametrize("name", FILMS)
def test_damage_in_the_middle_is_refused_with_an_offer(name, damage):
    data = make_film(name, damage)
    with pytest.raises(
        DamagedRadiographError, match=r"are damaged.*copy the film.*read the rest anyway"
    ):
        formats.read_bytes(data)
    if name == "lossless colour":  # its colours no longer belong together
        return
    film = formats.read_bytes(data, salvage=True)
    assert film.notes == (FilmNote.DAMAGED,)
    above = slice(0, 16)
    np.testing.assert_allclose(
        film.pixels[above], formats.read_bytes(make_film(name)).pixels[above], atol=0.05
    )


@pytest.mark.parametrize("name", FILMS)
def test_the_end_marker_may_be_absent(name):
    data = make_film(name, lambda stream: stream[:-2])
    np.testing.assert_array_equal(
        formats.read_bytes(data).pixels, formats.read_bytes(make_film(name)).pixels
    )


@pytest.mark.parametrize("name", FILMS)
def test_a_film_of_which_nothing_can_be_decoded_has_no_offer(name):
    with pytest.raises(UnreadableRadiographError, match="damaged") as caught:
        formats.read_bytes(make_film(name, lambda stream: stream[:20]))
    assert not isinstance(caught.value, DamagedRadiographError)
