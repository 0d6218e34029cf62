"""Pictures: what each format comes out as, colour, and damage."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from bonefx.errors import UnreadableRadiographError
from bonefx.films import formats
from tests.fixtures.image_files import (
    HEIGHT,
    WIDTH,
    encode_image,
    make_16_bit_colour_png,
    make_colourful,
    make_grey,
    make_tinted,
)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "BMP"])
def test_8_bit_grey_is_divided_by_255(file_format):
    grey = make_grey(low=20, high=200)
    film = formats.read_bytes(encode_image(grey, file_format))
    assert film.file_format == file_format
    assert (film.bits, film.photometric) == (8, "MONOCHROME2")
    assert film.pixels.dtype == np.float32
    np.testing.assert_array_equal(film.pixels, grey.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize(
    ("file_format", "options"),
    [
        pytest.param("WEBP", {"lossless": True}, id="WebP without loss"),
        pytest.param("PNG", {}, id="PNG"),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_grey_stored_in_colour_channels_gives_the_same_values(file_format, options, mode):
    grey = make_grey()
    data = encode_image(Image.fromarray(grey).convert(mode), file_format, **options)
    np.testing.assert_array_equal(formats.read_bytes(data).pixels * 255, grey)


def test_jpeg_is_read_as_its_decoder_gives_it():
    data = encode_image(make_grey(), "JPEG", quality=90)
    decoded = np.asarray(Image.open(io.BytesIO(data)))
    film = formats.read_bytes(data)
    assert film.file_format == "JPEG"
    np.testing.assert_array_equal(film.pixels * 255, decoded)


def test_palette_is_looked_up():
    grey = make_grey() // 16 * 16
    paletted = Image.fromarray(255 - grey).convert("P")
    paletted.putpalette([255 - level for level in range(256) for _ in range(3)])
    film = formats.read_bytes(encode_image(paletted))
    assert film.photometric == "PALETTE COLOR"
    np.testing.assert_array_equal(film.pixels * 255, grey)


def test_one_bit_is_black_and_white():
    film = formats.read_bytes(encode_image(Image.fromarray(make_grey() > 127)))
    assert film.bits == 1
    assert set(np.unique(film.pixels)) == {0.0, 1.0}


def test_clear_pixels_are_black_whatever_lies_under_them():
    rgba = np.dstack([make_grey(low=255)] * 3 + [np.full((HEIGHT, WIDTH), 255, np.uint8)])
    rgba[:, :40, 3] = 0
    film = formats.read_bytes(encode_image(rgba))
    assert film.pixels[:, :40].max() == 0.0
    assert film.pixels[:, 40:].min() == 1.0


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_16_bit_keeps_its_depth_and_is_not_washed_out(file_format):
    grey = make_grey(low=300, high=4095, dtype=np.uint16)
    film = formats.read_bytes(encode_image(grey, file_format))
    assert film.bits == 16
    assert (film.pixels.min(), film.pixels.max()) == (0.0, 1.0)
    assert len(np.unique(film.pixels)) == len(np.unique(grey)) > 1000
    assert 0.4 < np.median(film.pixels) < 0.6
    np.testing.assert_allclose(film.pixels, (grey - 300.0) / 3795.0, atol=1e-6)


def test_big_endian_16_bit_tiff_gives_the_same_values():
    grey = make_grey(high=4095, dtype=np.uint16)
    big = Image.frombytes("I;16B", (WIDTH, HEIGHT), grey.astype(">u2").tobytes())
    data = encode_image(big, "TIFF")
    assert data.startswith(b"MM")
    expected = formats.read_bytes(encode_image(grey)).pixels
    np.testing.assert_array_equal(formats.read_bytes(data).pixels, expected)


def test_16_bit_grey_in_colour_channels_keeps_its_depth():
    data, grey = make_16_bit_colour_png()
    film = formats.read_bytes(data)
    assert (film.bits, film.photometric) == (16, "RGB")
    np.testing.assert_allclose(film.pixels, grey / 4095, atol=1 / 4095)
    assert len(np.unique(film.pixels)) > 1000


def test_clear_16_bit_pixels_are_black():
    alpha = np.full((HEIGHT, WIDTH), 65535, np.uint16)
    alpha[:, 60:] = 0
    film = formats.read_bytes(make_16_bit_colour_png(alpha=alpha)[0])
    assert film.pixels[:, 60:].max() == 0.0
    assert film.pixels[:, :60].max() == 1.0


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_with_white_as_zero_comes_out_white_is_dense(dtype):
    grey = make_grey(dtype=dtype)
    stored = Image.fromarray(grey.max() - grey)
    if dtype is np.uint8:  # Pillow inverts 8 bit as it writes, 16 bit not
        stored = Image.fromarray(grey)
    data = encode_image(stored, "TIFF", tiffinfo={262: 0})
    film = formats.read_bytes(data)
    assert film.photometric == "MONOCHROME1"
    np.testing.assert_allclose(film.pixels * 255, grey, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_constant_picture_is_read_without_dividing_by_zero(dtype):
    with np.errstate(all="raise"):
        film = formats.read_bytes(encode_image(np.full((HEIGHT, WIDTH), 51, dtype)))
    assert len(np.unique(film.pixels)) == 1
    assert 0.0 <= film.pixels[0, 0] <= 1.0


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied_as_viewers_do(file_format):
    upright = formats.read_bytes(encode_image(make_grey(), file_format, quality=95)).pixels
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned: show it turned right by 90 degrees
    turned = formats.read_bytes(
        encode_image(make_grey(), file_format, quality=95, exif=exif)
    ).pixels
    assert turned.shape == (WIDTH, HEIGHT)
    np.testing.assert_allclose(turned, np.rot90(upright, -1), atol=0.02)


@pytest.mark.parametrize(
    ("dark", "light"),
    [
        pytest.param((30, 15, 0), (255, 240, 200), id="sepia"),
        pytest.param((10, 25, 60), (190, 215, 245), id="blue base"),
    ],
)
def test_a_tinted_film_passes(dark, light):
    film = formats.read_bytes(encode_image(make_tinted(dark, light), "JPEG"))
    assert film.photometric == "RGB"
    assert film.pixels[:, -8:].mean() > 0.7
    assert film.pixels[:, :8].mean() < 0.2


def test_a_coloured_arrow_on_a_film_passes():
    annotated = np.dstack([make_grey()] * 3)
    annotated[30:34, 20:50] = (255, 255, 0)
    assert formats.read_bytes(encode_image(annotated)).pixels.shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(make_colourful(), id="many hues"),
        pytest.param(make_tinted((40, 0, 0), (255, 120, 60)), id="one strong hue"),
    ],
)
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP"])
def test_a_picture_in_plain_colour_is_refused(picture, file_format):
    assert "in colour" in refusal(encode_image(picture, file_format))


def test_a_16_bit_picture_in_plain_colour_is_refused():
    import cv2

    data = cv2.imencode(".png", make_colourful().astype(np.uint16) * 257)[1].tobytes()
    assert "in colour" in refusal(data)


@pytest.mark.parametrize(
    ("file_format", "step"),
    [("PNG", 97), ("JPEG", 53), ("TIFF", 1009), ("WEBP", 97), ("BMP", 1009)],
)
def test_every_truncation_is_refused(file_format, step):
    data = encode_image(make_grey(), file_format)
    cuts = [*range(0, len(data) - 1, step), len(data) - 12, len(data) - 2, len(data) - 1]
    if file_format == "TIFF":  # its directory comes after the pixels, the last bytes are padding
        cuts = [cut for cut in cuts if cut < len(data) - 16]
    if file_format == "JPEG":  # a file that lacks only its end marker is whole
        cuts = [cut for cut in cuts if cut < len(data) - 2]
    for cut in cuts:
        assert refusal(data[:cut]), f"cut at {cut} of {len(data)}"


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "WEBP", "BMP"])
def test_half_a_file_is_called_damaged_by_its_format(file_format):
    data = encode_image(make_grey(), file_format)
    assert f"the {file_format} file is damaged" in refusal(data[: len(data) // 2])


def test_half_a_jpeg_is_read_as_far_as_it_goes_where_that_is_asked_for():
    whole = encode_image(make_grey(), "JPEG")
    half = whole[: len(whole) // 2]
    salvaged = formats.read_bytes(half, salvage=True).pixels
    expected = formats.read_bytes(whole).pixels
    assert salvaged.shape == expected.shape
    rows = len(expected) // 8
    assert salvaged[:rows] == pytest.approx(expected[:rows], abs=0.02)
    assert refusal(half)  # unless it is asked for


@pytest.mark.parametrize(
    "from_end", [pytest.param(14, id="checksum"), pytest.param(2000, id="data")]
)
def test_a_png_with_a_flipped_bit_is_refused(from_end):
    data = bytearray(encode_image(make_grey()))
    data[-from_end] ^= 1
    assert "damaged" in refusal(bytes(data))


@pytest.mark.parametrize("file_format", ["TIFF", "PNG", "WEBP"])
def test_several_pictures_in_one_file_are_refused(file_format):
    first, second = (Image.fromarray(make_grey(seed=seed)).convert("RGB") for seed in (1, 2))
    data = encode_image(first, file_format, save_all=True, append_images=[second])
    assert "found 2 pictures in one file" in refusal(data)


def refusal(data):
    """The sentence that a file is refused with."""
    with pytest.raises(UnreadableRadiographError) as caught:
        formats.read_bytes(data)
    assert caught.value.exit_code == 3
    return str(caught.value)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_damaged_metadata_leave_the_picture_as_it_is(file_format):
    grey = make_grey()
    expected = formats.read_bytes(encode_image(grey, file_format)).pixels
    for exif in (b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0garbage", b"Exif\0\0MM\0*"):
        film = formats.read_bytes(encode_image(grey, file_format, exif=exif))
        np.testing.assert_array_equal(film.pixels, expected)


def chunk(kind, content, *, checksum=None):
    """A chunk of a PNG file."""
    crc = zlib.crc32(kind + content) if checksum is None else checksum
    return len(content).to_bytes(4, "big") + kind + content + crc.to_bytes(4, "big")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kind", [b"tEXt", b"tIME", b"pHYs", b"iCCP"])
def test_a_png_is_read_without_the_extras_that_are_damaged(kind, dtype):
    data = encode_image(make_grey(dtype=dtype))
    header = 33  # bytes of signature and IHDR
    damaged = data[:header] + chunk(kind, b"text here", checksum=1) + data[header:]
    np.testing.assert_array_equal(
        formats.read_bytes(damaged).pixels, formats.read_bytes(data).pixels
    )


@pytest.mark.parametrize("kind", [b"PLTE", b"tRNS", b"ABCD"])
def test_a_png_with_a_damaged_chunk_of_its_picture_is_refused_with_another_remedy(kind):
    data = encode_image(make_grey())
    sentence = refusal(data[:33] + chunk(kind, b"\0\0", checksum=1) + data[33:])
    assert "the PNG file is damaged" in sentence
    assert "PNG" not in sentence.split(";")[1]
