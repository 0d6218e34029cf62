"""BMP, 16-bit PNG, JPEG 2000 and AVIF in all their kinds."""

from __future__ import annotations

import struct

import imagecodecs
import numpy as np
import pytest
from PIL import features

from bonefx.errors import UnreadableRadiographError
from bonefx.films import formats
from tests.fixtures.image_files import (
    HEIGHT,
    WIDTH,
    encode_image,
    make_16_bit_png,
    make_bmp,
    make_bmp_header,
    make_grey,
)

GREYS = b"".join(bytes([level, level, level, 0]) for level in range(256))
GREYS_OS2 = b"".join(bytes([level] * 3) for level in range(256))
MASKS = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)


def bottom_up(pixels):
    return pixels[::-1].tobytes()


def bgr_and(fourth):
    grey = make_grey()
    return bottom_up(np.dstack([grey, grey, grey, np.broadcast_to(np.uint8(fourth), grey.shape)]))


def run_lengths():
    """Rows of make_grey in RLE8, each run one pixel long."""
    rows = (b"".join(bytes([1, value]) for value in row) for row in make_grey()[::-1])
    return b"\0\0".join(rows) + b"\0\0\0\1"


NOISE = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH), np.uint8)
BMPS = {
    "8 bit": make_bmp(make_bmp_header(8), bottom_up(make_grey()), palette=GREYS),
    "reserved bytes": make_bmp(
        make_bmp_header(8), bottom_up(make_grey()), palette=GREYS, reserved=0x1234
    ),
    "top down": make_bmp(make_bmp_header(8, height=-HEIGHT), make_grey().tobytes(), palette=GREYS),
    "RLE8": make_bmp(make_bmp_header(8, compression=1), run_lengths(), palette=GREYS),
    "OS/2 1.x": make_bmp(
        struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 8), bottom_up(make_grey()), palette=GREYS_OS2
    ),
    "OS/2 2.x": make_bmp(make_bmp_header(8, size=64), bottom_up(make_grey()), palette=GREYS),
    "OS/2 2.x, short": make_bmp(
        struct.pack("<IIIHH", 16, WIDTH, HEIGHT, 1, 8), bottom_up(make_grey()), palette=GREYS
    ),
    "24 bit": make_bmp(make_bmp_header(24), bottom_up(np.dstack([make_grey()] * 3))),
    "32 bit, fourth byte 0": make_bmp(make_bmp_header(32), bgr_and(0)),
    "32 bit, fourth byte unused": make_bmp(make_bmp_header(32), bgr_and(NOISE)),
    "alpha 0 in version 3": make_bmp(
        make_bmp_header(32, size=56, compression=3, masks=MASKS), bgr_and(0)
    ),
    "alpha 0 in version 4": make_bmp(
        make_bmp_header(32, size=108, compression=3, masks=MASKS), bgr_and(0)
    ),
    "alpha 0 in version 5": make_bmp(
        make_bmp_header(32, size=124, compression=3, masks=MASKS), bgr_and(0)
    ),
    "opaque alpha": make_bmp(
        make_bmp_header(32, size=124, compression=3, masks=MASKS), bgr_and(255)
    ),
    "masks without alpha": make_bmp(
        make_bmp_header(32, size=108, compression=3, masks=MASKS[:12]), bgr_and(NOISE)
    ),
}


@pytest.mark.parametrize("kind", BMPS)
def test_every_kind_of_bmp_gives_the_same_film(kind):
    film = formats.read_bytes(BMPS[kind])
    assert (film.file_format, film.bits) == ("BMP", 8)
    np.testing.assert_array_equal(film.pixels * 255, make_grey())


def test_an_alpha_of_a_bmp_that_is_used_is_applied():
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[:, 60:] = 0
    header = make_bmp_header(32, size=124, compression=3, masks=MASKS)
    film = formats.read_bytes(make_bmp(header, bgr_and(alpha)))
    np.testing.assert_array_equal(film.pixels[:, :60] * 255, make_grey()[:, :60])
    assert film.pixels[:, 60:].max() == 0


def test_16_bit_grey_with_alpha_keeps_its_depth():
    grey = make_grey(high=4095, dtype=np.uint16)
    alpha = np.full_like(grey, 65535)
    alpha[:, :30] = 0
    film = formats.read_bytes(make_16_bit_png(np.dstack([grey, alpha])))
    assert (film.bits, film.photometric) == (16, "MONOCHROME2")
    low, high = float(grey[:, 30:].min()), float(grey[:, 30:].max())
    expected = (grey[:, 30:] - low) / (high - low)
    np.testing.assert_allclose(film.pixels[:, 30:], expected, atol=1e-5)
    assert film.pixels[:, :30].max() == 0


def test_a_transparent_16_bit_value_is_black():
    grey = make_grey(low=300, high=4095, dtype=np.uint16)
    grey[:20] = 65535  # a background that viewers do not show
    film = formats.read_bytes(make_16_bit_png(grey, transparent=65535))
    assert film.pixels[:20].max() == 0
    low, high = float(grey[20:].min()), float(grey[20:].max())
    np.testing.assert_allclose(film.pixels[20:], (grey[20:] - low) / (high - low), atol=1e-5)


def encode_jpeg_2000(samples, **options) -> bytes:
    """Encode samples without loss."""
    return bytes(imagecodecs.jpeg2k_encode(samples, level=0, reversible=True, **options))


@pytest.mark.parametrize("container", ["jp2", "j2k"])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_jpeg_2000_keeps_its_depth(bits, signed, container):
    ramp = make_grey(low=0.0, high=1.0, dtype=np.float64)
    values = np.round(ramp * (2**bits - 1)).astype(np.int64)
    kind = ("i" if signed else "u") + ("1" if bits == 8 else "2")
    stored = (values - 2 ** (bits - 1) if signed else values).astype(kind)
    data = encode_jpeg_2000(stored, codecformat=container, bitspersample=bits)
    film = formats.read_bytes(data)
    assert (film.file_format, film.bits) == ("JPEG2000", bits)
    np.testing.assert_allclose(film.pixels, values / (2**bits - 1), atol=1e-5)
    for cut in (60, len(data) // 2, len(data) - 3):
        assert "damaged" in refusal(data[:cut])


def test_jpeg_2000_in_colour_channels_keeps_its_depth():
    grey = make_grey(high=4095, dtype=np.uint16)
    data = encode_jpeg_2000(np.dstack([grey] * 3))
    film = formats.read_bytes(data)
    assert (film.bits, film.photometric) == (16, "RGB")
    np.testing.assert_allclose(film.pixels, grey / 4095, atol=1e-3)


def test_the_size_of_a_codestream_is_checked_before_it_is_decoded():
    data = bytearray(encode_jpeg_2000(make_grey(), codecformat="jp2"))
    size = data.index(b"\xff\x4f\xff\x51") + 8  # columns and rows, A.5.1 of ISO/IEC 15444-1
    data[size : size + 8] = struct.pack(">II", 20_000, 20_000)
    assert "20000 x 20000 pixels, more than 50 megapixels" in refusal(bytes(data))


@pytest.mark.skipif(not features.check("avif"), reason="Pillow was built without AVIF")
def test_avif_is_read():
    film = formats.read_bytes(encode_image(make_grey(), "AVIF", quality=100))
    assert film.file_format == "AVIF"
    np.testing.assert_allclose(film.pixels, make_grey() / 255, atol=0.03)


def refusal(data):
    """The sentence that a file is refused with."""
    with pytest.raises(UnreadableRadiographError) as caught:
        formats.read_bytes(data)
    assert caught.value.exit_code == 3
    return str(caught.value)
