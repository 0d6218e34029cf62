"""A film is received, read and answered, and its reports come back under its patient and study."""

import io

import pydicom
import pytest
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from tests.fixtures.dicom_files import (
    STUDY_ELEMENTS,
    make_dicom_of_study,
    make_jpeg_lossless_dicom,
)
from tests.fixtures.servers.fake_pacs import FakePacs, associated, dataset_of, run_pacs, send


def make_film(**changes):
    return dataset_of(make_dicom_of_study(**changes))


def test_both_reports_are_filed_under_patient_and_study_of_the_film(listen, pacs, temporary):
    bonefx = listen(pacs.port)
    assert send(bonefx.port, make_film()).Status == 0x0000
    stored = pacs.wait_for(2)
    assert set(stored) == {"OT", "SR"}
    for report in stored.values():
        for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "AccessionNumber"):
            assert report[keyword].value == STUDY_ELEMENTS[keyword]
    assert stored["OT"].pixel_array.ndim == 3
    assert bonefx.lines[0]["verdict"] is not None
    assert list(temporary.iterdir()) == []


def test_a_pacs_without_rle_gets_the_capture_uncompressed(listen):
    with run_pacs(FakePacs(), syntaxes=[ImplicitVRLittleEndian]) as pacs:
        bonefx = listen(pacs.port)
        assert send(bonefx.port, make_film()).Status == 0x0000
        capture = pacs.wait_for(2)["OT"]
    assert capture.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    assert capture.pixel_array.shape == (capture.Rows, capture.Columns, 3)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_films_of_other_native_syntaxes_are_read(listen, pacs, syntax):
    film = make_film()
    buffer = io.BytesIO()
    film.file_meta.TransferSyntaxUID = syntax
    pydicom.dcmwrite(
        buffer, film, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian
    )
    bonefx = listen(pacs.port)
    assert send(bonefx.port, dataset_of(buffer.getvalue())).Status == 0x0000
    assert bonefx.lines[0]["verdict"] is not None


def test_a_compressed_film_is_read(listen, pacs, tmp_path):
    path = make_jpeg_lossless_dicom(tmp_path / "films")
    film = pydicom.dcmread(path)
    for keyword, value in STUDY_ELEMENTS.items():
        setattr(film, keyword, value)
    assert send(listen(pacs.port).port, film).Status == 0x0000
    pacs.wait_for(2)


def test_a_digital_film_for_presentation_is_read(listen, pacs):
    film = make_film(SOPClassUID=DigitalXRayImageStorageForPresentation)
    assert send(listen(pacs.port).port, film).Status == 0x0000


@pytest.mark.parametrize("kind", [DigitalXRayImageStorageForProcessing, CTImageStorage])
def test_other_classes_are_not_negotiated(listen, pacs, kind):
    film = make_film(SOPClassUID=kind)
    with associated(listen(pacs.port).port, film) as association:
        assert [context.abstract_syntax for context in association.rejected_contexts] == [kind]


def test_a_film_of_another_modality_is_refused_with_the_reason(listen, pacs, temporary):
    bonefx = listen(pacs.port)
    answer = send(bonefx.port, make_film(Modality="CT"))
    assert answer.Status == 0xC000
    assert answer.ErrorComment == "found a DICOM file of modality CT; use a radiograph (CR, DX or R"
    assert pacs.stored == []
    assert list(temporary.iterdir()) == []


def test_the_reports_of_bonefx_itself_are_not_read_so_that_nothing_goes_round(listen, pacs):
    bonefx = listen(pacs.port)
    send(bonefx.port, make_film())
    capture = pacs.wait_for(2)["OT"]
    assert send(bonefx.port, capture).Status == 0xC000
    assert len(pacs.stored) == 2


def test_several_films_come_over_one_association(listen, pacs):
    films = [make_film(SOPInstanceUID=f"1.2.{number}") for number in range(3)]
    bonefx = listen(pacs.port)
    with associated(bonefx.port, *films) as association:
        assert [association.send_c_store(film).Status for film in films] == [0, 0, 0]
    pacs.wait_for(6)
    assert [line["film"] for line in bonefx.lines] == [1, 2, 3]
