"""JPEG of 9 to 16 bit: exact values, and damage that its decoder passes over."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest

from bonefx.errors import DamagedRadiographError, UnreadableRadiographError
from bonefx.films import formats
from bonefx.films.codecs.deep_jpeg import decode_deep_jpeg
from bonefx.records import FilmNote
from tests.fixtures.image_files import make_grey

END = b"\xff\xd9"
SCAN = b"\xff\xda"
HARMLESS = {
    "text after the end": lambda data: data + b"Dear colleague" * 9,
    "one byte before the end": lambda data: data[:-2] + b"x" + END,
    "zeros before the end": lambda data: data[:-2] + bytes(9) + END,
    "no end": lambda data: data[:-2],
}


def make_deep(bits):
    ramp = make_grey(low=0.0, high=1.0, dtype=np.float64)
    return np.round(ramp * (2**bits - 1)).astype(np.uint16)


def encode_12_bit(values) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(values, bitspersample=12, level=98))


def encode_lossless(values, *, bits) -> bytes:
    return bytes(imagecodecs.ljpeg_encode(values, bitspersample=bits))


def test_12_bit_values_keep_their_depth():
    values = make_deep(12)
    film = formats.read_bytes(encode_12_bit(values))
    assert film.bits == 12
    np.testing.assert_allclose(film.pixels, values / 4095, atol=0.02)
    assert len(np.unique(film.pixels)) > 1000


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_lossless_values_are_exact(bits):
    values = make_deep(bits)
    data = encode_lossless(values.astype("u1" if bits == 8 else "u2"), bits=bits)
    film = formats.read_bytes(data)
    assert film.bits == bits
    np.testing.assert_allclose(film.pixels, values / (2**bits - 1), atol=1e-6)


def encode(kind) -> bytes:
    """A film of a kind: "lossy", or lossless with its bits, predictor and restart interval."""
    if kind == "lossy":
        return encode_12_bit(make_deep(12))
    bits, predictor = kind
    return bytes(
        imagecodecs.jpeg8_encode(
            make_deep(bits), bitspersample=bits, lossless=True, predictor=predictor
        )
    )


KINDS = ["lossy", (10, 1), (12, 1), (12, 6), (14, 4), (16, 1), (16, 7)]


def damaged_in_the_middle(data):
    at = data.index(SCAN) + (len(data) - data.index(SCAN)) // 2
    return {
        "zeros": data[:at] + bytes(200) + data[at + 200 :],
        "a cut of 300 bytes": data[:at] + data[at + 300 :],
        "one bits": data[:at] + b"\xff\0" * 100 + data[at + 200 :],
        "an early end": data[:at] + END + data[at:],
        "a cut to the end": data[:at],
    }


@pytest.mark.parametrize("damage", damaged_in_the_middle(encode("lossy")))
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_damage_in_the_middle_is_refused_with_an_offer(kind, damage):
    whole = encode(kind)
    data = damaged_in_the_middle(whole)[damage]
    with pytest.raises(
        DamagedRadiographError, match=r"is damaged.*copy it again.*read the rest anyway"
    ):
        formats.read_bytes(data)
    assert formats.read_bytes(data, salvage=True).notes == (FilmNote.DAMAGED,)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_part_before_the_damage_is_read(kind):
    whole = encode(kind)
    data = damaged_in_the_middle(whole)["a cut of 300 bytes"]
    expected, given = (decode_deep_jpeg(d, salvage=True).values.samples for d in (whole, data))
    np.testing.assert_array_equal(given[:16], expected[:16])


@pytest.mark.parametrize("oddity", HARMLESS)
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_harmless_oddities_are_read_as_the_film_itself(kind, oddity):
    data = encode(kind)
    film = formats.read_bytes(HARMLESS[oddity](data), salvage=True)
    assert film.notes == ()
    np.testing.assert_array_equal(film.pixels, formats.read_bytes(data).pixels)


def test_a_point_transform_is_no_damage():
    data = bytearray(encode((16, 1)))
    end = data.index(SCAN) + 2 + data[data.index(SCAN) + 3]
    data[end - 1] = 9  # more bits than a film of 8 has
    assert formats.read_bytes(bytes(data)).notes == ()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(share):
    for kind in ("lossy", (16, 1)):
        data = encode(kind)
        with pytest.raises(UnreadableRadiographError, match="damaged"):
            formats.read_bytes(data[: int(len(data) * share)])
