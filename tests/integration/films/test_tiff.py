"""TIFF: every kind of value, choice of the page, and damage."""

from __future__ import annotations

import logging
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from bonefx.errors import UnreadableRadiographError
from bonefx.films import formats
from tests.fixtures.image_files import HEIGHT, WIDTH, encode_image, make_grey
from tests.fixtures.tiff_files import encode_packed, encode_pages, encode_tiff

DEEP = ("u2", "i2", "u4", "i4", "f2", "f4", "f8")
STORAGES = [
    pytest.param({}, id="one strip"),
    pytest.param({"rowsperstrip": 7}, id="strips"),
    pytest.param({"tile": (32, 32)}, id="tiles"),
    pytest.param({"compression": "lzw"}, id="LZW"),
    pytest.param({"compression": "deflate", "predictor": True}, id="deflate with predictor"),
    pytest.param({"compression": "zstd", "rowsperstrip": 16}, id="zstd"),
    pytest.param({"compression": "packbits"}, id="PackBits"),
    pytest.param({"bigtiff": True}, id="BigTIFF"),
]
Page = tuple[NDArray[Any], dict[str, Any]]
THUMBNAIL: Page = (np.zeros((20, 24), np.uint8), {"subfiletype": 1})


def make_values(kind) -> NDArray[Any]:
    """A ramp over most of the range of a type of number, (HEIGHT, WIDTH)."""
    ramp = make_grey(low=0.0, high=1.0, dtype=np.float64)
    if np.dtype(kind).kind == "f":
        return (ramp * 3000 - 700).astype(kind)
    limits = np.iinfo(kind)
    return (limits.min + ramp * 0.9 * (float(limits.max) - limits.min)).astype(kind)


def spread(values):
    """Values from their smallest to their largest, as 0 to 1."""
    exact = values.astype(np.float64)
    return (exact - exact.min()) / (exact.max() - exact.min())


def assert_shows(data, expected, *, atol=1e-5):
    film = formats.read_bytes(data)
    assert film.file_format == "TIFF"
    np.testing.assert_allclose(film.pixels, expected, atol=atol)
    return film


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("white_is_zero", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", DEEP)
def test_deep_values_span_the_display_range(kind, order, white_is_zero, storage):
    values = make_values(kind)
    photometric = "miniswhite" if white_is_zero else "minisblack"
    if kind == "f2" and "predictor" in storage:
        pytest.skip("tifffile writes no 16-bit floating point predictor")
    data = encode_tiff(values, byteorder=order, photometric=photometric, **storage)
    expected = 1 - spread(values) if white_is_zero else spread(values)
    film = assert_shows(data, expected, atol=2e-3 if kind == "f2" else 1e-5)
    assert film.bits == 8 * np.dtype(kind).itemsize
    assert film.photometric == ("MONOCHROME1" if white_is_zero else "MONOCHROME2")


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("white_is_zero", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["u1", "i1"])
def test_8_bit_is_shown_as_stored(kind, order, white_is_zero, storage):
    values = make_values(kind)
    photometric = "miniswhite" if white_is_zero else "minisblack"
    data = encode_tiff(values, byteorder=order, photometric=photometric, **storage)
    unit = (values.astype(np.float64) + (128 if kind == "i1" else 0)) / 255
    assert assert_shows(data, 1 - unit if white_is_zero else unit).bits == 8


@pytest.mark.parametrize("white_is_zero", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", range(1, 16))
def test_packed_bits_are_unpacked(bits, order, white_is_zero):
    values = np.round(make_grey(low=0.0, high=1.0, dtype=np.float64) * (2**bits - 1))
    data = encode_packed(values, bits, order=order, white_is_zero=white_is_zero)
    unit = values / (2**bits - 1)
    assert assert_shows(data, 1 - unit if white_is_zero else unit, atol=2e-3).bits == bits


@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_without_photometric_interpretation_0_is_black_as_in_libtiff(kind):
    values = make_values(kind)
    field = struct.pack("<HHIHH", 262, 3, 1, 1, 0)
    unknown = struct.pack("<HHIHH", 65000, 3, 1, 1, 0)
    data = encode_tiff(values, byteorder="<").replace(field, unknown)
    assert_shows(data, values / 255 if kind == "u1" else spread(values))


@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_grey_with_alpha_lies_over_black(kind, planes):
    values = make_values(kind)
    alpha = np.full_like(values, np.iinfo(kind).max)
    alpha[:, 60:] = 0
    samples = np.stack([values, alpha], axis=2 if planes == "contig" else 0)
    data = encode_tiff(samples, planarconfig=planes, extrasamples=["unassalpha"])
    film = formats.read_bytes(data)
    shown = values[:, :60] / 255 if kind == "u1" else spread(values[:, :60])
    np.testing.assert_allclose(film.pixels[:, :60], shown, atol=1e-5)
    assert film.pixels[:, 60:].max() == 0


@pytest.mark.parametrize("meaning", ["unspecified", "assocalpha"])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_an_extra_sample_that_is_no_plain_alpha_changes_nothing(kind, meaning):
    values = make_values(kind)
    samples = np.dstack([values, np.full_like(values, 7)])
    unit = values / 255 if kind == "u1" else spread(values)
    assert_shows(encode_tiff(samples, extrasamples=[meaning]), unit)


@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_16_bit_grey_in_colour_channels_keeps_its_depth(planes):
    values = make_values("u2")
    samples = np.stack([values] * 3, axis=2 if planes == "contig" else 0)
    data = encode_tiff(samples, photometric="rgb", planarconfig=planes)
    film = assert_shows(data, spread(values), atol=1e-4)
    assert (film.photometric, film.bits) == ("RGB", 16)


def test_16_bit_colour_is_refused():
    random = np.random.default_rng(0).integers(0, 65536, (HEIGHT // 8, WIDTH // 8, 3), np.uint16)
    colours = random.repeat(8, axis=0).repeat(8, axis=1)
    with pytest.raises(UnreadableRadiographError, match="in colour"):
        formats.read_bytes(encode_tiff(colours, photometric="rgb"))


@pytest.mark.parametrize("compression", ["jpeg2000", "jpegxl", "lzma", "jpeg"])
def test_rare_compressions_of_8_bit_are_read(compression):
    values = make_grey()
    assert_shows(encode_tiff(values, compression=compression), values / 255, atol=0.05)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_deep_values_is_applied(orientation):
    stored = Image.fromarray((make_values("u2") >> 8).astype(np.uint8))
    stored.getexif()[274] = orientation
    upright = np.asarray(ImageOps.exif_transpose(stored)) / 255
    data = encode_tiff(make_values("u2"), extratags=[(274, "H", 1, orientation, True)])
    film = formats.read_bytes(data)
    np.testing.assert_allclose(film.pixels, spread(upright), atol=0.02)


@pytest.mark.parametrize("kind", ["u1", "u2"])
@pytest.mark.parametrize("thumbnail_first", [False, True])
def test_thumbnail_pages_are_ignored(thumbnail_first, kind):
    film: Page = (make_values(kind), {})
    pages = [THUMBNAIL, film] if thumbnail_first else [film, THUMBNAIL, THUMBNAIL]
    unit = film[0] / 255 if kind == "u1" else spread(film[0])
    assert_shows(encode_pages(pages), unit)


def test_a_thumbnail_of_the_old_kind_is_ignored():
    old = (THUMBNAIL[0], {"extratags": [(255, "H", 1, 2, True)]})
    values = make_grey()
    assert_shows(encode_pages([(values, {}), old]), values / 255)


def test_a_single_page_is_the_film_even_if_it_is_marked_as_reduced():
    values = make_grey()
    assert_shows(encode_tiff(values, subfiletype=1), values / 255)


@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_several_full_pages_are_refused(kind):
    page: Page = (make_values(kind), {})
    with pytest.raises(UnreadableRadiographError, match=r"found 2 pictures.*single picture"):
        formats.read_bytes(encode_pages([page, THUMBNAIL, page]))


def test_floating_point_values_that_are_no_numbers_become_black_or_the_limits():
    values = make_values("f4")
    values[0, :3] = np.nan, np.inf, -np.inf
    film = formats.read_bytes(encode_tiff(values))
    assert film.pixels[0, :3].tolist() == [0, 1, 0]
    with pytest.raises(UnreadableRadiographError, match="any finite value; export it again"):
        formats.read_bytes(encode_tiff(np.full((HEIGHT, WIDTH), np.nan, np.float32)))


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_a_file_that_is_cut_is_refused(kind, storage):
    data = encode_tiff(make_values(kind), **storage)
    for cut in range(8, int(len(data) * 0.9), max(1, len(data) // 23)):
        with pytest.raises(UnreadableRadiographError):
            formats.read_bytes(data[:cut])


@pytest.mark.parametrize("storage", STORAGES)
def test_noise_gives_a_film_or_a_refusal_and_no_log(storage, caplog):
    caplog.set_level(logging.DEBUG)
    data = encode_tiff(make_values("u2"), **storage)
    random = np.random.default_rng(1)
    for _ in range(40):
        noisy = np.frombuffer(data, np.uint8).copy()
        noisy[random.integers(0, 300, 4)] = random.integers(0, 256, 4)
        try:
            film = formats.read_bytes(noisy.tobytes())
        except UnreadableRadiographError:
            continue
        assert np.isfinite(film.pixels).all()
    assert not [record for record in caplog.records if record.name == "tifffile"]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_much_smaller_page_after_the_film_is_a_thumbnail_without_a_tag(dtype):
    film, thumbnail = (Image.fromarray(make_grey(seed=seed, dtype=dtype)) for seed in (1, 2))
    film = film.resize((192, 160), Image.Resampling.NEAREST)
    data = encode_image(film, "TIFF", save_all=True, append_images=[thumbnail])
    expected = formats.read_bytes(encode_image(film, "TIFF")).pixels
    np.testing.assert_array_equal(formats.read_bytes(data).pixels, expected)
    swapped = encode_image(thumbnail, "TIFF", save_all=True, append_images=[film])
    with pytest.raises(UnreadableRadiographError, match="found 2 pictures in one file"):
        formats.read_bytes(swapped)
