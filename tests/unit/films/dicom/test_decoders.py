"""Compressed and native pixels, also where the header describes them wrongly."""

from __future__ import annotations

import io
import re

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from bonefx.errors import UnreadableRadiographError
from bonefx.films import formats
from tests.fixtures.dicom_files import encode_dicom, make_dicom
from tests.fixtures.dicom_matrix import (
    StoredForm,
    compressed_film,
    make_film,
    make_jpeg_2000_film,
    make_values,
)
from tests.fixtures.image_files import encode_image, make_grey

FORM = StoredForm()
VALUES = make_values(FORM)
NATIVE = make_film(FORM, VALUES)
PIXELS = VALUES / 4095
STREAMS = {
    "JPEG lossless": (
        JPEGLosslessSV1,
        imagecodecs.ljpeg_encode(VALUES.astype(np.uint16), bitspersample=12),
    ),
    "JPEG-LS": (JPEGLSLossless, imagecodecs.jpegls_encode(VALUES.astype(np.uint16))),
    "JPEG 2000": (
        JPEG2000Lossless,
        imagecodecs.jpeg2k_encode(VALUES.astype(np.uint16), codecformat="j2k", reversible=True),
    ),
    "JPEG 2000 file": (
        JPEG2000Lossless,
        imagecodecs.jpeg2k_encode(VALUES.astype(np.uint16), codecformat="jp2", reversible=True),
    ),
}


def shown(data):
    return formats.read_bytes(data).pixels


@pytest.mark.parametrize("name", list(STREAMS))
@pytest.mark.parametrize("label", [None, JPEGLSLossless, JPEGBaseline8Bit, ExplicitVRLittleEndian])
def test_the_codestream_tells_its_compression(name, label):
    syntax, stream = STREAMS[name]
    data = compressed_film(NATIVE, stream, syntax)
    if label is not None:
        data = relabelled(data, label)
    np.testing.assert_allclose(shown(data), PIXELS, atol=1e-5)


@pytest.mark.parametrize("label", [JPEGLosslessSV1, RLELossless, "1.2.3.4", "1.2.840.113619.5.2"])
def test_native_pixels_are_read_whatever_the_syntax_says(label):
    np.testing.assert_allclose(shown(relabelled(NATIVE, label)), PIXELS, atol=1e-5)


@pytest.mark.parametrize("form", [FORM, StoredForm(signed=True), StoredForm(stored=8, high=7)])
def test_the_private_syntax_of_ge_has_big_endian_pixels_after_little_endian_elements(form):
    values = make_values(form)
    containers = (values & ((1 << form.stored) - 1)).astype(">u2")
    native = make_film(form, values, syntax="implicit", PixelData=containers.tobytes())
    film = shown(relabelled(native, "1.2.840.113619.5.2"))
    expected = (values - values.min()) / (values.max() - values.min())
    np.testing.assert_allclose(film, expected, atol=1e-5)


def relabelled(data, syntax):
    """A film whose file meta information names another transfer syntax of explicit elements."""
    film = pydicom.dcmread(io.BytesIO(data))
    old = str(film.file_meta.TransferSyntaxUID).encode()
    old += b"\0" * (len(old) % 2)
    new = str(UID(str(syntax))).encode()
    new += b"\0" * (len(new) % 2)
    at = data.index(old)
    meta_length = 144 + int.from_bytes(data[140:144], "little") + len(new) - len(old)
    length = len(new).to_bytes(2, "little")
    changed = data[: at - 2] + length + new + data[at + len(old) :]
    return changed[:140] + (meta_length - 144).to_bytes(4, "little") + changed[144:]


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGExtended12Bit])
def test_an_8_bit_jpeg_under_a_header_of_12_bits(syntax, progressive):
    grey = make_grey()
    stream = encode_image(grey, "JPEG", quality=95, progressive=progressive)
    film = formats.read_bytes(compressed_film(NATIVE, stream, syntax))
    decoded = formats.read_bytes(stream).pixels
    expected = (decoded - decoded.min()) / np.ptp(decoded)
    np.testing.assert_allclose(film.pixels, expected, atol=1e-5)
    assert film.bits == 8


@pytest.mark.parametrize("insert", [b"\xff\xff", b"\0abc"])
def test_bytes_between_the_segments_of_a_lossy_jpeg_are_harmless(insert):
    stream = encode_image(make_grey(), "JPEG", quality=95)
    at = stream.index(b"\xff\xdb")  # quantisation table
    film = compressed_film(NATIVE, stream[:at] + insert + stream[at:], JPEGBaseline8Bit)
    np.testing.assert_array_equal(
        shown(film), shown(compressed_film(NATIVE, stream, JPEGBaseline8Bit))
    )


def test_a_lossy_jpeg_that_is_damaged_in_the_middle_is_refused():
    stream = encode_image(make_grey(), "JPEG", quality=95)
    middle = len(stream) // 2
    data = compressed_film(NATIVE, stream[:middle] + stream[middle + 200 :], JPEGBaseline8Bit)
    with pytest.raises(UnreadableRadiographError, match="damaged"):
        formats.read_bytes(data)


@pytest.mark.parametrize("end", [b"", b"\xff\xd9", b"\xff\xd9\0", b"\xff\xd9\0\0"])
def test_a_lossy_jpeg_may_lack_its_end_or_be_padded(end):
    stream = encode_image(make_grey(), "JPEG", quality=95)
    changed = stream.removesuffix(b"\xff\xd9") + end
    expected = shown(compressed_film(NATIVE, stream, JPEGBaseline8Bit))
    film = compressed_film(NATIVE, changed, JPEGBaseline8Bit)
    np.testing.assert_array_equal(shown(film), expected)


def test_a_lossy_jpeg_of_12_bits_is_read():
    stream = imagecodecs.jpeg8_encode(VALUES.astype(np.uint16), level=95, bitspersample=12)
    film = formats.read_bytes(compressed_film(NATIVE, stream, JPEGExtended12Bit))
    assert np.abs(film.pixels - PIXELS).max() < 0.01
    assert film.bits == 12


def test_a_jpeg_2000_of_8_bits_under_a_header_of_12_bits():
    grey = make_grey()
    stream = imagecodecs.jpeg2k_encode(grey, codecformat="j2k", reversible=True)
    np.testing.assert_allclose(shown(compressed_film(NATIVE, stream, JPEG2000Lossless)), grey / 255)


@pytest.mark.parametrize("signed_header", [0, 1])
def test_jpeg_2000_signed_in_the_codestream_follows_the_header(signed_header):
    form = StoredForm(signed=True)
    data = make_jpeg_2000_film(form, signed_stream=True)
    film = pydicom.dcmread(io.BytesIO(data))
    film.PixelRepresentation = signed_header
    values = make_values(form)
    values = values if signed_header else values & 0xFFF
    np.testing.assert_allclose(shown(encode_dicom(film)), (values - values.min()) / 4095, atol=1e-5)


def test_a_grey_codestream_in_a_film_labelled_as_colour():
    grey = make_grey()
    native = make_dicom(np.dstack([grey] * 3))
    stream = imagecodecs.jpegls_encode(grey)
    film = formats.read_bytes(compressed_film(native, stream, JPEGLSLossless))
    np.testing.assert_allclose(film.pixels, grey / 255, atol=1e-6)


@pytest.mark.parametrize("form", [StoredForm(beside=0xF000), StoredForm(high=13, beside=0xC003)])
def test_jpeg_2000_of_whole_containers_with_other_bits(form):
    values = make_values(form)
    native = make_film(form, values)
    containers = np.frombuffer(pydicom.dcmread(io.BytesIO(native)).PixelData, "<u2").reshape(80, 96)
    stream = imagecodecs.jpeg2k_encode(containers, codecformat="j2k", reversible=True)
    np.testing.assert_allclose(
        shown(compressed_film(native, stream, JPEG2000Lossless)), PIXELS, atol=1e-5
    )


@pytest.mark.parametrize("label", ["RGB", "YBR_FULL", "YBR_FULL_422", "ybr_full_422 "])
@pytest.mark.parametrize("subsampling", [0, 1])
def test_a_grey_film_in_a_colour_jpeg_whatever_its_label(label, subsampling):
    grey = make_grey()
    native = make_dicom(np.dstack([grey] * 3), PhotometricInterpretation=label)
    picture = Image.fromarray(np.dstack([grey] * 3))
    stream = encode_image(picture, "JPEG", quality=95, subsampling=subsampling)
    film = formats.read_bytes(compressed_film(native, stream, JPEGBaseline8Bit))
    np.testing.assert_allclose(film.pixels, grey / 255, atol=0.05)


@pytest.mark.parametrize(
    ("written", "label"),
    [
        (ImplicitVRLittleEndian, ExplicitVRLittleEndian),
        (ExplicitVRLittleEndian, ImplicitVRLittleEndian),
    ],
)
def test_explicit_and_implicit_labels_may_be_exchanged(written, label):
    data = relabelled(make_dicom(VALUES.astype(np.uint16), syntax=written), label)
    np.testing.assert_allclose(shown(data), PIXELS, atol=1e-5)


@pytest.mark.parametrize("syntax", ["implicit", "explicit", "big-endian"])
def test_films_without_preamble_or_meta_information(syntax):
    data = make_film(FORM, VALUES, syntax=syntax)
    body = data[144 + int.from_bytes(data[140:144], "little") :]
    np.testing.assert_allclose(shown(body), PIXELS, atol=1e-5)
    np.testing.assert_allclose(shown(bytes(128) + b"DICM" + body), PIXELS, atol=1e-5)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(make_dicom(PixelData=bytes(1000)), id="native, too short"),
        pytest.param(
            make_dicom(np.dstack([make_grey()] * 3), PhotometricInterpretation="MONOCHROME2"),
            id="grey of three samples",
        ),
        pytest.param(
            compressed_film(NATIVE, b"\xff\xd8\xff\xc3" + bytes(99), JPEGLosslessSV1), id="damaged"
        ),
    ],
)
def test_no_remedy_names_what_was_found(data):
    with pytest.raises(UnreadableRadiographError) as caught:
        formats.read_bytes(data)
    found, remedy = str(caught.value).split(";")
    for name in ("Little Endian", "MONOCHROME2", "JPEG Lossless"):
        assert name not in remedy
    assert "uncompressed" not in remedy or "JPEG" in found


@pytest.mark.parametrize("name", list(STREAMS))
@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_a_codestream_that_ends_early_is_refused_or_read_without_harm(name, cut):
    syntax, stream = STREAMS[name]
    data = compressed_film(NATIVE, stream[: int(cut * len(stream))], syntax)
    try:
        film = formats.read_bytes(data)
    except UnreadableRadiographError as error:
        assert re.search("export them uncompressed|export or copy", str(error))  # noqa: PT017
    else:
        assert np.isfinite(film.pixels).all()


@pytest.mark.parametrize("name", list(STREAMS))
def test_a_codestream_of_another_size_is_refused(name):
    syntax, stream = STREAMS[name]
    data = compressed_film(NATIVE, stream, syntax, Rows=79)
    with pytest.raises(UnreadableRadiographError, match="damaged or in a compression"):
        formats.read_bytes(data)


@pytest.mark.parametrize(
    ("changes", "bits"),
    [
        pytest.param({"BitsAllocated": 8}, 12, id="fewer bits allocated than stored"),
        pytest.param({"BitsAllocated": 0}, 12, id="no bits allocated"),
        pytest.param({"BitsStored": 0, "HighBit": 0}, 16, id="no bits stored"),
        pytest.param({"BitsStored": 99, "HighBit": 98}, 16, id="too many bits stored"),
    ],
)
def test_contradictory_bits_follow_the_length_of_the_data(changes, bits):
    film = formats.read_bytes(make_dicom(VALUES.astype(np.uint16), **changes))
    np.testing.assert_allclose(film.pixels, PIXELS, atol=1e-5)
    assert film.bits == bits


def test_one_bit_pixels():
    stored = make_grey() > 127
    packed = np.packbits(stored, bitorder="little").tobytes()
    data = make_dicom(
        stored.astype(np.uint8), BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=packed
    )
    np.testing.assert_array_equal(shown(data), stored)


def test_bytes_after_the_pixels_are_left_out():
    data = make_dicom(PixelData=make_grey(high=4095, dtype=np.uint16).tobytes() + bytes(100))
    np.testing.assert_array_equal(shown(data), shown(make_dicom()))
