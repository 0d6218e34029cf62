"""Elements of an unexpected value representation, type or number of values.

A film with one of them is read as if it were absent, or refused as damaged. Nothing else is raised.
"""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian

from bonefx.errors import UnreadableRadiographError
from bonefx.films import formats
from bonefx.films.dicom.film import read_dicom
from bonefx.films.dicom.header import ELEMENTS_READ
from tests.fixtures.dicom_files import (
    SEQUENCE_END,
    make_dicom,
    make_lut,
    raw_element,
    raw_item,
    with_raw,
)
from tests.fixtures.image_files import make_grey

SHA256 = "0" * 64
STORED = make_grey(high=4095, dtype=np.uint16)  # 80 x 96
SHUTTER = {
    "ShutterShape": ["RECTANGULAR", "CIRCULAR", "POLYGONAL"],
    "ShutterLeftVerticalEdge": 3, "ShutterRightVerticalEdge": 90,
    "ShutterUpperHorizontalEdge": 2, "ShutterLowerHorizontalEdge": 79,
    "CenterOfCircularShutter": [40, 48], "RadiusOfCircularShutter": 60,
    "VerticesOfThePolygonalShutter": [1, 1, 1, 96, 80, 96, 80, 1],
}  # fmt: skip
FILM = make_dicom(
    STORED, WindowCenter="2000", WindowWidth="1000", RescaleSlope="1", RescaleIntercept="0",
    PixelSpacing=[0.1, 0.1], PixelPaddingValue=0, PixelPaddingRangeLimit=5, **SHUTTER,
)  # fmt: skip
FILE_META = ("TransferSyntaxUID", "MediaStorageSOPClassUID")
BODY = raw_element(0x00080104, "LO", b"A\\B")
TABLE_WITHOUT_DATA = raw_item(raw_element(0x00283002, "US", np.array([1, 0, 16], "<u2").tobytes()))
TABLE_OF_SEQUENCES = raw_item(
    raw_element(0x00283002, "SQ", raw_item(BODY)), raw_element(0x00283006, "SQ", raw_item(BODY))
)
ODD_VALUES = [
    *[("CS", value) for value in (b"", b"RECTANGULAR\\POLYGONAL\\CIRCULAR")],
    *[("DS", value) for value in (b"1.5", b"1e200", b"0.1\\x")],
    ("IS", b"9" * 20),
    *[("US", np.array(value, "<u2").tobytes()) for value in ([1], [65535] * 4)],
    *[("FD", np.array([1e308, -1e308], "<f8").tobytes()), ("FL", b"abc"), ("OW", b"\1\0")],
    *[("UN", b"DX"), ("UT", b"text"), ("PN", b"A^B"), ("UI", b"1.2.840.10008.1.2.1\\1.2.3")],
    *[("SQ", value) for value in (b"garbage!!", raw_item(BODY))],
    *[("SQ", value) for value in (TABLE_WITHOUT_DATA, TABLE_OF_SEQUENCES)],
    *[(vr, raw_item(BODY) * 2 + SEQUENCE_END) for vr in ("SQ", "UN")],
]


@pytest.mark.parametrize("keyword", [*ELEMENTS_READ, *FILE_META])
@pytest.mark.parametrize(("vr", "value"), ODD_VALUES)
def test_an_unexpected_element_is_read_or_refused_as_damaged(keyword, vr, value):
    with contextlib.suppress(UnreadableRadiographError):
        film = read_dicom(with_raw(FILM, **{keyword: (vr, value)}), SHA256)
        assert np.isfinite(film.pixels).all()
        assert np.isfinite(film.spacing_mm or ()).all()


@pytest.mark.parametrize(("vr", "value"), [
    pytest.param("US", b"\1\0", id="a binary number"),
    pytest.param("DS", b"1.5", id="a number"),
    pytest.param("FL", b"ab", id="half a number"),
    pytest.param("SQ", raw_item(BODY), id="a sequence"),
])  # fmt: skip
def test_a_shape_that_is_no_text_means_no_shutter(vr, value):
    film = formats.read_bytes(with_raw(make_dicom(STORED, **SHUTTER), ShutterShape=(vr, value)))
    assert film.field is None
    np.testing.assert_array_equal(film.pixels, formats.read_bytes(make_dicom(STORED)).pixels)


@pytest.mark.parametrize("vr", ["LO", "UT", "UN"])
def test_a_shape_of_another_kind_of_text_is_read(vr):
    whole = make_dicom(STORED, **SHUTTER)
    film = formats.read_bytes(with_raw(whole, ShutterShape=(vr, b"rectangular\\ CIRCULAR")))
    assert film.field == formats.read_bytes(whole).field is not None


@pytest.mark.parametrize("keyword", ["ModalityLUTSequence", "VOILUTSequence"])
@pytest.mark.parametrize(("vr", "value"), [
    pytest.param("LO", b"no sequence", id="text"),
    pytest.param("DS", b"1\\2", id="numbers"),
    pytest.param("SQ", TABLE_WITHOUT_DATA, id="a table without data"),
    pytest.param("SQ", TABLE_OF_SEQUENCES, id="sequences in a table"),
])  # fmt: skip
def test_a_table_that_is_none_is_ignored(keyword, vr, value):
    film = formats.read_bytes(with_raw(make_dicom(STORED), **{keyword: (vr, value)}))
    np.testing.assert_array_equal(film.pixels, formats.read_bytes(make_dicom(STORED)).pixels)


def test_a_usable_table_beside_others_is_used():
    table = make_lut(range(65520, -1, -16))
    film = formats.read_bytes(make_dicom(STORED, VOILUTSequence=[make_lut([]), table]))
    np.testing.assert_allclose(film.pixels, (65520 - 16.0 * STORED) / 65535, atol=1e-5)


@pytest.mark.parametrize("spacing", [b"0.1\\x", b"x\\0.1", b"0.1", b"0.1\\0.1\\0.1", b"0\\0"])
def test_a_spacing_without_two_numbers_counts_as_none(spacing):
    film = formats.read_bytes(with_raw(make_dicom(STORED), PixelSpacing=("DS", spacing)))
    assert film.spacing_mm is None


@pytest.mark.parametrize("vr", ["UI", "LO", "CS", "UN"])
def test_undecoded_pixels_are_refused_whatever_the_form_of_the_syntax(vr):
    whole = with_raw(make_dicom(STORED), PixelData=("OW", b"abcdef"))
    data = with_raw(whole, TransferSyntaxUID=(vr, ExplicitVRLittleEndian.encode()))
    with pytest.raises(UnreadableRadiographError, match=r"DICOM pixels \(Explicit.*incomplete"):
        formats.read_bytes(data)


def test_pixel_data_that_are_a_sequence_count_as_none():
    data = with_raw(make_dicom(STORED), PixelData=("SQ", raw_item(BODY) + SEQUENCE_END))
    with pytest.raises(UnreadableRadiographError, match="without pixel data"):
        formats.read_bytes(data)
