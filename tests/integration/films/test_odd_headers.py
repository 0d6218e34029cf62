"""Header values that scanners and archives write in odd ways, and that viewers forgive.

Each film must look like one whose header is valid.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from pydicom.uid import ImplicitVRLittleEndian

from bonefx.errors import UnreadableRadiographError
from bonefx.films import formats
from bonefx.films.dicom.elements import code_string
from bonefx.records import FilmNote
from tests.fixtures.dicom_files import apply_linear_window, make_dicom, with_raw
from tests.fixtures.image_files import make_colourful, make_grey

STORED = make_grey(high=4095, dtype=np.uint16)
WINDOW = {"WindowCenter": "2000", "WindowWidth": "1000"}
AUTOMATIC_PIXELS = STORED / 4095


def windowed(centre=2000, width=1000):
    return apply_linear_window(STORED, centre, width)


def pixels_of(data):
    film = formats.read_bytes(data)
    assert np.isfinite(film.pixels).all()
    assert 0 <= film.pixels.min() <= film.pixels.max() <= 1
    return film.pixels


@pytest.mark.parametrize(
    ("centre", "width", "expected"),
    [
        pytest.param(b"2000,5", b"1000,0", (2000.5, 1000), id="decimal commas"),
        pytest.param(b"2000,5\\100", b"1000,0\\9", (2000.5, 1000), id="commas, two windows"),
        pytest.param(b"2.000,5", b"1.000,0", (2000.5, 1000), id="points for thousands"),
        pytest.param(b"2,000.5", b"1,000.0", (2000.5, 1000), id="commas for thousands"),
        pytest.param(b"2000;100", b"1000;9", (2000, 1000), id="semicolons"),
        pytest.param(b"2000.0,100.0", b"1000.0,9.0", (2000, 1000), id="commas between"),
        pytest.param(b"2000 100", b"1000 9", (2000, 1000), id="blanks between"),
        pytest.param(b"2000/100", b"1000/9", (2000, 1000), id="slashes"),
        pytest.param(b" +2.0E+03 ", b"1e3", (2000, 1000), id="exponents"),
        pytest.param(b"2000\0", b"1000\0\0", (2000, 1000), id="zero bytes"),
        pytest.param(b"2000.000000000000000001", b"1000.0000000000000000", (2000, 1000), id="long"),
        pytest.param(b"2000\\100", b"1000", (2000, 1000), id="one width for two centres"),
        pytest.param(b"2000", b"1000\\9", (2000, 1000), id="one centre for two widths"),
        pytest.param(b"\\2000", b"5\\1000", (2000, 1000), id="first centre empty"),
        pytest.param(b"nan\\2000", b"5\\1000", (2000, 1000), id="first centre no number"),
        pytest.param(b"9\\2000", b"0\\1000", (2000, 1000), id="first width 0"),
        pytest.param(b"9\\2000", b"-5\\1000", (2000, 1000), id="first width negative"),
    ],
)
def test_windows_written_oddly_are_read(centre, width, expected):
    data = with_raw(make_dicom(STORED), WindowCenter=("DS", centre), WindowWidth=("DS", width))
    np.testing.assert_allclose(pixels_of(data), windowed(*expected), atol=1e-4)


@pytest.mark.parametrize("vr", ["US", "SS", "UL", "SL", "FL", "FD"])
def test_windows_written_as_binary_numbers_are_read(vr):
    form = {"US": "<u2", "SS": "<i2", "UL": "<u4", "SL": "<i4", "FL": "<f4", "FD": "<f8"}[vr]
    centre, width = (np.array([value], form).tobytes() for value in (2000, 1000))
    data = with_raw(make_dicom(STORED), WindowCenter=(vr, centre), WindowWidth=(vr, width))
    np.testing.assert_allclose(pixels_of(data), windowed(), atol=1e-5)


@pytest.mark.parametrize("vr", ["LO", "SH", "IS", "UN", "CS"])
def test_windows_written_as_another_kind_of_text_are_read(vr):
    raw = {"WindowCenter": (vr, b"2000"), "WindowWidth": (vr, b"1000")}
    data = with_raw(make_dicom(STORED), **raw)
    np.testing.assert_allclose(pixels_of(data), windowed(), atol=1e-5)


@pytest.mark.parametrize("centre", [b"2000", b"", b"nan", b"inf", b"x", b"1e400"])
@pytest.mark.parametrize(
    "width", [b"", b"0", b"0.5", b"-1000", b"nan", b"-inf", b"inf", b"?", b"1e300"]
)
def test_a_window_that_means_nothing_counts_as_none(centre, width):
    data = with_raw(make_dicom(STORED), WindowCenter=("DS", centre), WindowWidth=("DS", width))
    np.testing.assert_allclose(pixels_of(data), AUTOMATIC_PIXELS, atol=1e-5)
    assert formats.read_bytes(data).notes == ()


@pytest.mark.parametrize("missing", ["WindowCenter", "WindowWidth"])
def test_half_a_window_counts_as_none(missing):
    data = make_dicom(STORED, without=(missing,), **WINDOW)
    np.testing.assert_allclose(pixels_of(data), AUTOMATIC_PIXELS, atol=1e-5)


@pytest.mark.parametrize("function", ["linear", "Linear ", "LOG", "SIGMOIDAL?", "", "\0", "LINEAR"])
def test_an_unknown_function_is_linear(function):
    data = make_dicom(STORED, VOILUTFunction=function, **WINDOW)
    np.testing.assert_allclose(pixels_of(data), windowed(), atol=1e-5)


@pytest.mark.parametrize("function", ["LINEAR_EXACT", "linear_exact", "Linear_Exact "])
@pytest.mark.parametrize("width", [1000, 1200.5])
def test_linear_exact(function, width):
    data = make_dicom(STORED, VOILUTFunction=function, WindowCenter="2000", WindowWidth=str(width))
    expected = np.clip((STORED.astype(float) - 2000) / width + 0.5, 0, 1)  # C.11.2.1.3.2
    np.testing.assert_allclose(pixels_of(data), expected, atol=1e-5)


@pytest.mark.parametrize("function", ["SIGMOID", "sigmoid"])
def test_sigmoid(function):
    data = make_dicom(STORED, VOILUTFunction=function, **WINDOW)
    expected = 1 / (1 + np.exp(-4 * (STORED.astype(float) - 2000) / 1000))  # C.11.2.1.3.1
    np.testing.assert_allclose(pixels_of(data), expected, atol=1e-5)


@pytest.mark.parametrize("function", ["LINEAR_EXACT", "SIGMOID"])
def test_windows_narrower_than_1_are_valid_where_the_standard_says_so(function):
    rescale = {"RescaleSlope": str(1 / 4096), "RescaleIntercept": "0"}
    data = make_dicom(
        STORED, VOILUTFunction=function, WindowCenter="0.5", WindowWidth="0.5", **rescale
    )
    shares = STORED / 4096
    line, curve = (shares - 0.5) / 0.5 + 0.5, 1 / (1 + np.exp(-4 * (shares - 0.5) / 0.5))
    expected = np.clip(line if function == "LINEAR_EXACT" else curve, 0, 1)
    np.testing.assert_allclose(pixels_of(data), expected, atol=1e-4)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param({"NumberOfFrames": ("IS", b"0")}, id="no frames"),
        pytest.param({"NumberOfFrames": ("IS", b"")}, id="frames empty"),
        pytest.param({"NumberOfFrames": ("IS", b"1.0")}, id="frames with a point"),
        pytest.param({"NumberOfFrames": ("IS", b"-1")}, id="frames negative"),
        pytest.param({"NumberOfFrames": ("US", b"\1\0")}, id="frames binary"),
        pytest.param({"Modality": ("CS", b"dx")}, id="modality in small letters"),
        pytest.param({"Modality": ("CS", b" Dx  ")}, id="modality with blanks"),
        pytest.param({"Modality": ("CS", b"DX\0\0")}, id="modality with zero bytes"),
        pytest.param({"Modality": ("LO", b"DX\\DX")}, id="modality twice"),
        pytest.param({"PhotometricInterpretation": ("CS", b"monochrome2")}, id="small letters"),
        pytest.param({"PhotometricInterpretation": ("CS", b" Monochrome2 ")}, id="blanks"),
        pytest.param({"PhotometricInterpretation": ("CS", b"MONOCHROME 2")}, id="a blank inside"),
        pytest.param({"PhotometricInterpretation": ("CS", b"MONOCHROME")}, id="without number"),
        pytest.param({"PhotometricInterpretation": ("CS", b"")}, id="photometric empty"),
        pytest.param({"PixelRepresentation": ("US", b"\2\0")}, id="representation 2"),
        pytest.param({"PixelRepresentation": ("US", b"\xff\xff")}, id="representation 65535"),
        pytest.param({"PixelRepresentation": ("US", b"")}, id="representation empty"),
        pytest.param({"SamplesPerPixel": ("US", b"")}, id="samples empty"),
        pytest.param({"SamplesPerPixel": ("IS", b"1")}, id="samples as text"),
        pytest.param({"Rows": ("IS", b"80"), "Columns": ("DS", b"96.0")}, id="size as text"),
        pytest.param({"HighBit": ("US", b"\0\0")}, id="high bit 0"),
        pytest.param({"HighBit": ("US", b"\x63\0")}, id="high bit 99"),
        pytest.param({"RescaleSlope": ("DS", b"0")}, id="slope 0"),
        pytest.param({"RescaleSlope": ("DS", b"")}, id="slope empty"),
        pytest.param({"RescaleSlope": ("DS", b"nan")}, id="slope nan"),
        pytest.param({"RescaleSlope": ("DS", b"1,0")}, id="slope with a comma"),
        pytest.param({"RescaleSlope": ("DS", b"1e300")}, id="slope far too large"),
        pytest.param({"RescaleIntercept": ("DS", b"inf")}, id="intercept infinite"),
        pytest.param({"RescaleIntercept": ("DS", b"0,0")}, id="intercept with a comma"),
        pytest.param({"PixelSpacing": ("DS", b"a\\b")}, id="spacing no number"),
        pytest.param({"SOPClassUID": ("UI", b"not a UID")}, id="class no UID"),
        pytest.param({"ModalityLUTSequence": ("SQ", b"\0\0")}, id="sequence of nothing"),
    ],
)
def test_a_film_with_one_odd_value_looks_like_a_valid_one(raw):
    if "ModalityLUTSequence" in raw:
        data = make_dicom(STORED, ModalityLUTSequence=[], VOILUTSequence=[], **WINDOW)
    else:
        data = with_raw(make_dicom(STORED, **WINDOW), **raw)
    np.testing.assert_allclose(pixels_of(data), windowed(), atol=1e-5)
    assert formats.read_bytes(data).modality == "DX"


@pytest.mark.parametrize("syntax", [None, ImplicitVRLittleEndian])
@pytest.mark.parametrize(
    "missing",
    [
        *("PhotometricInterpretation", "PixelRepresentation", "SamplesPerPixel", "HighBit"),
        *("SOPClassUID", "SOPInstanceUID", "BitsAllocated"),
    ],
)
def test_a_film_without_an_element_looks_like_a_valid_one(missing, syntax):
    kind = {} if syntax is None else {"syntax": syntax}
    data = make_dicom(STORED, without=(missing,), **WINDOW, **kind)
    np.testing.assert_allclose(pixels_of(data), windowed(), atol=1e-5)


def test_without_bits_stored_all_allocated_ones_are_stored():
    film = formats.read_bytes(make_dicom(STORED, without=("BitsStored", "HighBit"), **WINDOW))
    np.testing.assert_allclose(film.pixels, windowed(), atol=1e-5)
    assert film.bits == 16


def test_colour_without_planar_configuration_is_by_pixel():
    grey = make_grey()
    data = make_dicom(np.dstack([grey] * 3), without=("PlanarConfiguration",))
    np.testing.assert_array_equal(formats.read_bytes(data).pixels * 255, grey)


@pytest.mark.parametrize(
    "uid",
    [
        *("1.2.392.200036.9125.1.1.2", "1.2.840.113619.4.26", "1.3.46.670589.2.4.1.1"),
        *("1.2.840.10008.5.1.1.29", "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.1"),
        *("1.2.840.10008.5.1.4.1.1.1.1.1", "1.2.840.10008.5.1.4.1.1.12.1", "1.2.3"),
    ],
)
@pytest.mark.parametrize("modality", ["CR", "DX", "RG"])
def test_every_class_of_a_radiograph_is_read(uid, modality):
    data = make_dicom(STORED, SOPClassUID=uid, Modality=modality, **WINDOW)
    np.testing.assert_allclose(pixels_of(data), windowed(), atol=1e-5)


@pytest.mark.parametrize("uid", ["1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"])
def test_the_uid_of_a_syntax_elsewhere_is_only_text(uid):
    data = with_raw(make_dicom(STORED, **WINDOW), StudyDescription=("LO", uid.encode()))
    np.testing.assert_allclose(pixels_of(data), windowed(), atol=1e-5)


@pytest.mark.parametrize("modality", ["CT", "mr", "OT", "", "D X", "\\", "DX2", "PR"])
def test_what_is_no_radiograph_is_refused_without_contradiction(modality):
    data = with_raw(make_dicom(STORED), Modality=("CS", modality.encode()))
    with pytest.raises(UnreadableRadiographError) as caught:
        formats.read_bytes(data)
    found, remedy = str(caught.value).split(";")
    named = re.search("modality (.*)$", found)[1]
    assert named not in remedy
    assert named == (code_string(modality) or "unknown")


def test_a_colour_film_of_unknown_kind_is_refused_by_its_form():
    data = make_dicom(make_colourful(), PhotometricInterpretation="CMYK")
    with pytest.raises(UnreadableRadiographError, match="stored as CMYK with 3 samples of 8 bit"):
        formats.read_bytes(data)


def test_notes_of_a_film_for_processing():
    for intent in ("For Processing", "FOR_PROCESSING", "for-processing"):
        data = make_dicom(STORED, PresentationIntentType=intent, **WINDOW)
        assert formats.read_bytes(data).notes == (FilmNote.FOR_PROCESSING,)
    shown = make_dicom(STORED, PresentationIntentType="FOR PRESENTATION", **WINDOW)
    assert formats.read_bytes(shown).notes == ()


@pytest.mark.parametrize("kind", ["1.1", "2.1", "3.1"])
def test_the_class_of_a_film_for_processing_counts_without_an_intent(kind):
    uid = f"1.2.840.10008.5.1.4.1.1.1.{kind}"
    data = make_dicom(STORED, SOPClassUID=uid, **WINDOW)
    assert formats.read_bytes(data).notes == (FilmNote.FOR_PROCESSING,)
    shown = make_dicom(STORED, SOPClassUID=uid, PresentationIntentType="FOR PRESENTATION", **WINDOW)
    assert formats.read_bytes(shown).notes == ()


def test_an_element_that_cannot_be_read_before_the_pixels_is_said():
    data = with_raw(make_dicom(STORED), StudyDescription=("LO", b"abc "))
    data = data.replace(b"\x08\0\x30\x10LO", b"\x08\0\x30\x10??")
    with pytest.raises(UnreadableRadiographError) as caught:
        formats.read_bytes(data)
    assert "without pixel data" not in str(caught.value)
    assert "an element in the DICOM file that cannot be read" in str(caught.value)


@pytest.mark.parametrize(
    "keyword",
    [
        *("SeriesDescription", "StudyDescription", "ProtocolName", "PatientComments"),
        *("AcquisitionDeviceProcessingDescription", "RequestedProcedureDescription"),
    ],
)
def test_descriptions_are_never_read(keyword):
    plain = formats.read_bytes(make_dicom(STORED))
    described = formats.read_bytes(make_dicom(STORED, **{keyword: "CHEST PA Miller"}))
    assert described.body_part is None
    assert "Miller" not in repr(described)
    np.testing.assert_array_equal(described.pixels, plain.pixels)
