"""DICOM reports are filed with the patient and the study of their film."""

from __future__ import annotations

import io
import shutil
import subprocess

import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian

from bonefx import report
from bonefx.errors import SettingsError, UnreadableRadiographError
from bonefx.films.patient_ids import FILING_ELEMENTS, read_study_header
from tests.fixtures.dicom_files import STUDY_ELEMENTS, make_dicom, make_dicom_of_study
from tests.fixtures.dicom_reports import BOTH, SECRETS, made
from tests.fixtures.reports import make_out_of_scope_report, make_report, make_report_of_film


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"SOPClassUID": "1.2.392.200036.9125.1.1.2"}, id="private class"),
        pytest.param({"SOPClassUID": "1.2.840.10008.5.1.1.29"}, id="retired class"),
        pytest.param({"Modality": "dx"}, id="modality in small letters"),
        pytest.param({"without": ["Modality", "PixelRepresentation"]}, id="elements missing"),
        pytest.param({"LossyImageCompression": "?"}, id="odd value"),
        pytest.param({"syntax": ExplicitVRBigEndian}, id="big endian"),
    ],
)
@pytest.mark.parametrize("make", BOTH)
def test_reports_are_filed_with_films_of_odd_headers(make, changes):
    dataset = made(make, make_dicom_of_study(**changes))
    assert dataset.PatientID == "SECRET-0815"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"StudyDate": "2026.03.01"}, {"StudyDate": "20260301"}, id="old date"),
        pytest.param({"StudyTime": "10:11:12"}, {"StudyTime": "101112"}, id="old time"),
        pytest.param({"StudyDate": "yesterday"}, {"StudyDate": ""}, id="no date"),
        pytest.param({"PatientSex": "female"}, {"PatientSex": ""}, id="no code of a sex"),
        pytest.param({"PatientID": "9" * 90}, {"PatientID": "9" * 90}, id="too long an id stays"),
        pytest.param({"StudyInstanceUID": "1.02.3"}, {"StudyInstanceUID": "1.02.3"}, id="odd UID"),
        pytest.param({"PatientName": "Bono"}, {"PatientName": "Bono"}, id="one name"),
        pytest.param(
            {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "Müller^Jörg"},
            {"PatientName": "Müller^Jörg"}, id="Latin 1",
        ),
        pytest.param(
            {
                "SpecificCharacterSet": ["", "ISO 2022 IR 87"],
                "PatientName": "Yamada^Tarou=山田^太郎",
            },
            {"PatientName": "Yamada^Tarou=山田^太郎"}, id="Japanese",
        ),
        pytest.param({"SpecificCharacterSet": "KLINGON"}, {"PatientID": "SECRET-0815"}, id="odd"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("make", BOTH)
def test_odd_values_of_real_archives_file_as_they_are_or_empty(make, changes, expected, recwarn):
    dataset = made(make, make_dicom_of_study(**changes))
    assert {keyword: str(dataset[keyword].value) for keyword in expected} == expected
    assert dataset.SpecificCharacterSet == "ISO_IR 192"
    said = [str(warning.message) for warning in recwarn]
    assert [secret for secret in SECRETS if any(str(secret) in line for line in said)] == []


@pytest.mark.parametrize("make", BOTH)
def test_patient_and_study_are_those_of_the_film(make):
    source = pydicom.dcmread(io.BytesIO(make_dicom_of_study()))
    dataset = made(make)
    same = [keyword for keyword in FILING_ELEMENTS if keyword in source]
    assert len(same) >= 10
    assert {key: dataset[key].value for key in same} == {key: source[key].value for key in same}
    assert dataset.SeriesInstanceUID != source.SeriesInstanceUID
    assert dataset.SOPInstanceUID != source.SOPInstanceUID
    assert dataset.SOPInstanceUID == dataset.file_meta.MediaStorageSOPInstanceUID
    assert dataset.SeriesDescription.startswith("bonefx")
    assert (dataset.Manufacturer, dataset.SoftwareVersions) == ("bonefx", "9.8.7")


@pytest.mark.parametrize("make", BOTH)
def test_missing_type_2_attributes_are_filled_with_nothing(make):
    patient = [
        key
        for key in STUDY_ELEMENTS
        if key.startswith(("Patient", "Acc", "Ref", "StudyD", "StudyT"))
    ]
    dataset = made(make, make_dicom_of_study(without=[*patient, "StudyID"]))
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate"):
        assert keyword in dataset
        assert not dataset[keyword].value


@pytest.mark.parametrize("make", BOTH)
def test_equal_reports_file_once_and_others_beside_them(make):
    data = make_dicom_of_study()
    header = read_study_header(data)
    first, second = (make(make_report_of_film(data), header) for _ in range(2))
    assert first == second
    other = pydicom.dcmread(io.BytesIO(make(make_report_of_film(data, text="more"), header)))
    assert other.SOPInstanceUID != pydicom.dcmread(io.BytesIO(first)).SOPInstanceUID


@pytest.mark.parametrize("make", BOTH)
def test_another_films_identifiers_are_refused(make):
    with pytest.raises(SettingsError, match="another film"):
        make(make_report(), read_study_header(make_dicom_of_study()))


@pytest.mark.parametrize("make", BOTH)
@pytest.mark.parametrize(
    ("offset", "date", "time"),
    [
        pytest.param("+1000", "20260305", "010607", id="clock of the source"),
        pytest.param("-0530", "20260304", "093607", id="half hours"),
        pytest.param("soon", "20260304", "150607", id="no offset"),
    ],
)
def test_times_are_told_by_the_clock_of_the_source(make, offset, date, time):
    dataset = made(make, make_dicom_of_study(TimezoneOffsetFromUTC=offset))
    assert (dataset.ContentDate, dataset.ContentTime[:6]) == (date, time)
    assert (dataset.InstanceCreationDate, dataset.SeriesDate) == (date, date)


@pytest.mark.parametrize("make", BOTH)
def test_a_private_class_of_images_is_referred_to_as_it_is(make):
    dataset = made(make, make_dicom_of_study(SOPClassUID="1.2.3.4.5.6"))
    assert "1.2.3.4.5.6" in str(dataset)


@pytest.mark.parametrize("form", ["pdf", "png", "json"])
def test_other_forms_hold_nothing_of_the_header(form):
    data = make_dicom_of_study()
    content = report.report_bytes(make_report_of_film(data), form, header=read_study_header(data))
    assert content == report.report_bytes(make_report_of_film(data), form)


def test_a_film_without_a_study_still_has_other_forms():
    data = make_dicom()
    with pytest.raises(UnreadableRadiographError, match="no StudyInstanceUID"):
        read_study_header(data)
    assert report.report_bytes(make_report_of_film(data), "json")


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) not installed")
@pytest.mark.parametrize("make", BOTH)
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="fracture"),
        pytest.param({"of": make_out_of_scope_report, "text": "Ödem"}, id="out of scope"),
        pytest.param({"data": make_dicom_of_study(PatientSex="", StudyDate="")}, id="empty type 2"),
        pytest.param(
            {"data": make_dicom_of_study(BodyPartExamined="HIP", without=["Laterality"])},
            id="a paired part of no side",
        ),
    ],
)
def test_dciodvfy_finds_no_error(make, changes, tmp_path):
    made(make, **changes).save_as(tmp_path / "made.dcm")
    command = ["dciodvfy", str(tmp_path / "made.dcm")]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    assert {"SCImage", "ComprehensiveSR"} & set(told.splitlines())
    assert [line for line in told.splitlines() if line.startswith("Error")] == []
