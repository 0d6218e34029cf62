"""Reading DICOM films: what header and pixels come out as, and which files are refused."""

from __future__ import annotations

import io
import logging
import warnings

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGExtended12Bit,
    MediaStorageDirectoryStorage,
)

from bonefx.errors import UnreadableRadiographError
from bonefx.films import formats
from bonefx.films.dicom.header import ELEMENTS_READ, parse_header
from bonefx.records import SpacingPlane
from tests.fixtures.dicom_files import (
    SECRET_PATIENT,
    apply_linear_window,
    encode_dicom,
    make_dicom,
    make_lut,
)
from tests.fixtures.image_files import make_colourful, make_grey


def test_dicom_without_a_window_spans_its_own_range():
    stored = make_grey(low=200, high=3000, dtype=np.uint16)
    film = formats.read_bytes(make_dicom(stored))
    assert (film.file_format, film.modality, film.bits) == ("DICOM", "DX", 12)
    np.testing.assert_allclose(film.pixels, (stored - 200.0) / 2800.0, atol=1e-5)


def test_dicom_with_a_window_is_shown_through_it():
    stored = make_grey(high=4095, dtype=np.uint16)
    film = formats.read_bytes(make_dicom(stored, WindowCenter="2000", WindowWidth="1000"))
    np.testing.assert_allclose(film.pixels, apply_linear_window(stored, 2000, 1000), atol=1e-5)


def test_the_first_of_several_windows_counts():
    stored = make_grey(high=4095, dtype=np.uint16)
    data = make_dicom(stored, WindowCenter=["2000", "100"], WindowWidth=["1000", "50"])
    np.testing.assert_allclose(
        formats.read_bytes(data).pixels,
        apply_linear_window(stored, 2000, 1000),
        atol=1e-5,
    )


@pytest.mark.parametrize("width", ["", "0"])
def test_a_window_that_means_nothing_is_as_good_as_none(width):
    plain = formats.read_bytes(make_dicom())
    film = formats.read_bytes(make_dicom(WindowCenter="2000", WindowWidth=width))
    np.testing.assert_array_equal(film.pixels, plain.pixels)


def test_rescale_comes_before_the_window():
    stored = make_grey(high=4095, dtype=np.uint16)
    data = make_dicom(
        stored, RescaleSlope="2", RescaleIntercept="-1000", WindowCenter="3000", WindowWidth="2000"
    )
    np.testing.assert_allclose(
        formats.read_bytes(data).pixels,
        apply_linear_window(stored * 2.0 - 1000, 3000, 2000),
        atol=1e-3,
    )


@pytest.mark.parametrize(
    "voi", [{}, {"WindowCenter": "2000", "WindowWidth": "1000"}], ids=["no window", "window"]
)
@pytest.mark.parametrize("shape", [None, "INVERSE", "IDENTITY"])
def test_monochrome1_comes_out_white_is_dense(shape, voi):
    lut = {} if shape is None else {"PresentationLUTShape": shape}
    dense_is_low = make_dicom(PhotometricInterpretation="MONOCHROME1", **voi, **lut)
    dense_is_high = make_dicom(**voi)
    film = formats.read_bytes(dense_is_low)
    assert film.photometric == "MONOCHROME1"
    np.testing.assert_allclose(film.pixels, 1 - formats.read_bytes(dense_is_high).pixels, atol=1e-6)
    assert film.pixels[:, :8].mean() > film.pixels[:, -8:].mean() + 0.5


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_lookup_tables_are_applied_one_after_the_other(photometric):
    stored = make_grey()
    halved = [level // 2 for level in range(256)]
    squared = [level * level for level in range(256)]
    data = make_dicom(
        stored,
        PhotometricInterpretation=photometric,
        ModalityLUTSequence=[make_lut(halved)],
        VOILUTSequence=[make_lut(squared)],
    )
    expected = (stored // 2).astype(float) ** 2 / 65535  # 16 bits of output are the whole range
    if photometric == "MONOCHROME1":
        expected = 1 - expected
    np.testing.assert_allclose(formats.read_bytes(data).pixels, expected, atol=1e-5)


def test_bits_above_those_stored_are_not_part_of_the_film():
    stored = make_grey(high=4095, dtype=np.uint16)
    overlaid = stored.copy()
    overlaid[10:20, 10:20] |= 0x8000  # old files keep an overlay there
    np.testing.assert_array_equal(
        formats.read_bytes(make_dicom(overlaid)).pixels,
        formats.read_bytes(make_dicom(stored)).pixels,
    )


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_dicom_without_preamble_and_meta_information_is_read(syntax):
    data = make_dicom(syntax=syntax)
    body = data[data.index(b"\x08\0\x16\0") :]  # from SOP Class UID on
    film = formats.read_bytes(body)
    np.testing.assert_array_equal(film.pixels, formats.read_bytes(data).pixels)


def test_dicom_that_starts_like_a_tiff_is_dicom():
    data = make_dicom()
    assert formats.read_bytes(b"II*\0" + data[4:]).file_format == "DICOM"


def test_dicom_facts_are_kept_clean():
    data = make_dicom(
        BodyPartExamined="hand ",
        ViewPosition="AP",
        ImageLaterality="L",
        PixelSpacing=["0.15", "0.1501"],
        ImagerPixelSpacing=["0.3", "0.3"],
    )
    film = formats.read_bytes(data)
    assert (film.body_part, film.view, film.laterality) == ("HAND", "AP", "L")
    assert film.spacing_mm == (0.15, 0.1501)


def test_spacing_falls_back_to_the_detector_plane():
    film = formats.read_bytes(make_dicom(ImagerPixelSpacing=["0.3", "0.301"]))
    assert film.spacing_mm == (0.3, 0.301)


def test_spacing_falls_back_to_that_of_a_scanned_film():
    scanned = {"NominalScannedPixelSpacing": ["0.1", "0.101"], "PixelAspectRatio": ["2", "1"]}
    assert formats.read_bytes(make_dicom(**scanned)).spacing_mm == (0.1, 0.101)
    film = formats.read_bytes(make_dicom(ImagerPixelSpacing=["0.3", "0.301"], **scanned))
    assert film.spacing_mm == (0.3, 0.301)


@pytest.mark.parametrize(
    ("changes", "plane"),
    [
        pytest.param({}, None, id="no spacing"),
        pytest.param({"PixelSpacing": [0.1, 0.1]}, SpacingPlane.UNKNOWN, id="nothing to compare"),
        pytest.param({"ImagerPixelSpacing": [0.1, 0.1]}, SpacingPlane.DETECTOR, id="detector"),
        pytest.param(
            {"NominalScannedPixelSpacing": [0.1, 0.1]}, SpacingPlane.DETECTOR, id="scanned film"
        ),
        pytest.param(
            {"PixelSpacing": ["0.139", "0.139"], "ImagerPixelSpacing": ["0.13889", "0.13889"]},
            SpacingPlane.DETECTOR, id="the same twice, rounded",
        ),
        pytest.param(
            {"PixelSpacing": [0.1, 0.1], "ImagerPixelSpacing": [0.11, 0.11]},
            SpacingPlane.PATIENT, id="corrected",
        ),
        pytest.param(
            {"PixelSpacing": [0.1, 0.1], "PixelSpacingCalibrationType": "FIDUCIAL"},
            SpacingPlane.PATIENT, id="calibrated",
        ),
        pytest.param(
            {"PixelSpacing": [0.1, 0.1], "PixelSpacingCalibrationType": "NONE"},
            SpacingPlane.UNKNOWN, id="no type of calibration",
        ),
    ],
)  # fmt: skip
def test_the_plane_of_the_spacing_follows_from_all_spacings(changes, plane):
    """DICOM PS3.3, 10.7.1.1."""
    assert formats.read_bytes(make_dicom(**changes)).spacing_plane is plane


def test_dicom_facts_that_are_absent_or_not_codes_are_none():
    film = formats.read_bytes(
        make_dicom(BodyPartExamined="Left\nMüller", Laterality="B", PixelSpacing=["0", "0"])
    )
    assert (film.body_part, film.view, film.laterality, film.spacing_mm) == (None,) * 4


def test_grey_dicom_in_colour_channels_is_read():
    grey = make_grey()
    film = formats.read_bytes(make_dicom(np.dstack([grey] * 3)))
    assert film.photometric == "RGB"
    np.testing.assert_array_equal(film.pixels * 255, grey)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        pytest.param(make_dicom(make_colourful()), "in colour", id="colour"),
        pytest.param(
            make_dicom(Modality="CT", SOPClassUID=CTImageStorage), "modality CT.*CR, DX", id="CT"
        ),
        pytest.param(make_dicom(without=("Modality",)), "modality unknown", id="no modality"),
        pytest.param(make_dicom(NumberOfFrames=3), "found 3 frames", id="frames"),
        pytest.param(make_dicom(without=("PixelData",)), "without pixel data", id="no pixels"),
        pytest.param(make_dicom(PixelData=b""), "without pixel data", id="empty pixels"),
        pytest.param(make_dicom(without=("Rows",)), "damaged", id="no rows"),
        pytest.param(
            make_dicom(SOPClassUID=MediaStorageDirectoryStorage), "DICOMDIR", id="DICOMDIR"
        ),
        pytest.param(
            make_dicom(PhotometricInterpretation="PALETTE COLOR"), "PALETTE COLOR", id="palette"
        ),
        pytest.param(
            make_dicom(np.dstack([make_grey()] * 3), PhotometricInterpretation="MONOCHROME2"),
            "3 samples",
            id="samples",
        ),
        pytest.param(
            make_dicom(PhotometricInterpretation="RGB"), "1 samples of 16 bit", id="no samples"
        ),
        pytest.param(
            make_dicom(make_colourful().astype(np.uint16)), "3 samples of 16 bit", id="deep colour"
        ),
        pytest.param(
            make_dicom(syntax=DeflatedExplicitVRLittleEndian),
            "Deflated.*uncompressed",
            id="deflate",
        ),
        pytest.param(make_dicom(Rows=9000, Columns=9000), "more than 50 mega", id="large"),
        pytest.param(make_dicom(Rows=60), "found 96 x 60 pixels", id="small"),
    ],
)
def test_dicom_of_another_kind_is_refused_by_what_it_is(data, sentence):
    with pytest.raises(UnreadableRadiographError, match=sentence):
        formats.read_bytes(data)


def test_a_syntax_that_is_not_decoded_is_named():
    from pydicom.encaps import encapsulate

    film = pydicom.dcmread(io.BytesIO(make_dicom()))
    film.file_meta.TransferSyntaxUID = JPEGExtended12Bit
    film.PixelData = encapsulate([b"\xff\xd8\xff\xc1" + b"\0" * 200])
    film["PixelData"].VR = "OB"
    film["PixelData"].is_undefined_length = True
    sentence = refusal(encode_dicom(film))
    assert "JPEG Extended" in sentence
    assert "uncompressed" in sentence


def test_truncated_dicom_is_refused():
    data = make_dicom()
    for cut in [*range(0, len(data) - 1, 701), len(data) - 2]:
        assert refusal(data[:cut]), f"cut at {cut} of {len(data)}"


def test_patient_data_is_neither_kept_nor_logged_nor_warned_of(caplog):
    caplog.set_level(logging.DEBUG)
    odd = make_dicom(
        SpecificCharacterSet=SECRET_PATIENT, BodyPartExamined=f"{SECRET_PATIENT} HAND ARM"
    )
    other = make_dicom(Modality="CT", BodyPartExamined=f"{SECRET_PATIENT} HAND ARM")
    caplog.clear()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        told = f"{formats.read_bytes(odd)!r} {refusal(other)} {caplog.text}"
    assert "SECRET" not in told
    assert "19510203" not in told
    assert [str(warning.message) for warning in heard] == []


def test_elements_outside_the_list_are_never_read():
    header = parse_header(make_dicom())
    assert "PatientName" not in header
    assert {element.keyword for element in header} <= {*ELEMENTS_READ, "SpecificCharacterSet"}


def refusal(data):
    """The sentence that a file is refused with."""
    with pytest.raises(UnreadableRadiographError) as caught:
        formats.read_bytes(data)
    assert caught.value.exit_code == 3
    return str(caught.value)
