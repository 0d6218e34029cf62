"""DICOM reports: of the right patient and study, with true codes and pixels, told to nobody."""

from __future__ import annotations

import io
import logging
import shutil
import subprocess
from dataclasses import replace

import highdicom
import numpy as np
import pydicom
import pytest
from highdicom.sr import CodedConcept
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from bonefx import report
from bonefx.errors import SettingsError, UnreadableRadiographError
from bonefx.films.patient_ids import FILING_ELEMENTS, read_study_header
from bonefx.records import Verdict
from bonefx.report.image import MAX_FILED_PX
from bonefx.report.wording import NOTICE
from tests.fixtures.dicom_files import STUDY_ELEMENTS, make_dicom, make_dicom_of_study
from tests.fixtures.records import make_reading
from tests.fixtures.reports import make_out_of_scope_report, make_report, make_report_of_film

SECRETS = [
    value
    for key, value in STUDY_ELEMENTS.items()
    if key.startswith(("Patient", "Acc", "Ref", "SOP"))
]
BOTH = [
    pytest.param(report.secondary_capture_bytes, id="SC"),
    pytest.param(report.structured_report_bytes, id="SR"),
]


def made(make, data=None, *, of=make_report, **changes):
    """Make a DICOM report of a film's bytes, and read it back."""
    data = make_dicom_of_study() if data is None else data
    content = make(make_report_of_film(data, report=of, **changes), read_study_header(data))
    return pydicom.dcmread(io.BytesIO(content))


def tree_of(**changes):
    """A structured report's measurement group and whole document, as highdicom reads them back."""
    data = changes.pop("data", None) or make_dicom_of_study()
    header = read_study_header(data)
    content = report.structured_report_bytes(make_report_of_film(data, **changes), header)
    document = highdicom.sr.srread(io.BytesIO(content))
    (group,) = document.content.get_image_measurement_groups()
    return group, document


def texts_of(document, meaning):
    """The values of all text items of one meaning at the root of a document."""
    return [
        item.TextValue
        for item in document.ContentSequence
        if item.ValueType == "TEXT" and item.ConceptNameCodeSequence[0].CodeMeaning == meaning
    ]


# Whose film it is


def test_a_header_shows_nothing_of_the_patient(caplog, recwarn):
    caplog.set_level(logging.DEBUG)
    header = read_study_header(make_dicom_of_study())
    told = f"{header!r} {header} {[header]} {caplog.text} {[str(one.message) for one in recwarn]}"
    assert [secret for secret in SECRETS if str(secret) in told] == []


def test_a_header_holds_identifiers_and_no_pixels_or_private_elements():
    header = read_study_header(make_dicom_of_study(InstitutionName="Hidden Hospital"))
    assert header.elements.PatientID == "SECRET-0815"
    assert "PixelData" not in header.elements
    assert "InstitutionName" not in header.elements


def test_a_header_is_read_from_a_path_too(tmp_path):
    path = tmp_path / "film"
    path.write_bytes(make_dicom_of_study())
    assert read_study_header(path).sha256 == read_study_header(path.read_bytes()).sha256
    with pytest.raises(UnreadableRadiographError, match="cannot be opened"):
        read_study_header(tmp_path / "none")


@pytest.mark.parametrize(
    "keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"]
)
def test_a_film_without_what_filing_needs_is_refused_by_name(keyword):
    film = make_dicom_of_study(without=[keyword])
    without_meta = film[144 + int.from_bytes(film[140:144], "little") :]
    with pytest.raises(UnreadableRadiographError, match=rf"no {keyword},.*as PDF"):
        read_study_header(without_meta)


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "SOPClassUID"])
def test_identifiers_of_the_film_may_stand_in_the_file_meta_information_alone(keyword):
    header = read_study_header(make_dicom_of_study(without=[keyword]))
    assert header.elements[keyword].value


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
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(500), id="no DICOM"),
        pytest.param(
            bytes(128) + b"DICM" + str(DeflatedExplicitVRLittleEndian).encode(), id="deflated"
        ),
    ],
)
def test_what_is_no_dicom_film_has_no_header(data):
    with pytest.raises(UnreadableRadiographError, match="cannot be read as that of a DICOM film"):
        read_study_header(data)


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


# Secondary Capture


def test_a_secondary_capture_shows_the_overlay_pixel_by_pixel():
    data = make_dicom_of_study()
    report_ = make_report_of_film(data)
    dataset = made(report.secondary_capture_bytes, data)
    assert dataset.SOPClassUID.name == "Secondary Capture Image Storage"
    assert dataset.file_meta.TransferSyntaxUID.name == "RLE Lossless"
    picture = dataset.pixel_array
    np.testing.assert_array_equal(picture[:120, :96], report_.overlay.pixels)
    assert picture[120:].max() > 128
    assert picture[:120, 96:].max() == 0


def test_a_secondary_capture_of_a_refused_film_shows_the_film():
    data = make_dicom_of_study()
    dataset = made(report.secondary_capture_bytes, data, of=make_out_of_scope_report)
    film = make_out_of_scope_report().film
    np.testing.assert_array_equal(dataset.pixel_array[:120, :96], np.dstack([film] * 3))
    assert "without a map" in dataset.DerivationDescription


def test_a_large_film_is_filed_smaller():
    dataset = made(report.secondary_capture_bytes, shape=(100, 2 * MAX_FILED_PX))
    assert dataset.Columns == MAX_FILED_PX


def test_a_secondary_capture_says_what_it_was_made_from():
    dataset = made(report.secondary_capture_bytes)
    (source,) = dataset.SourceImageSequence
    assert source.ReferencedSOPInstanceUID == STUDY_ELEMENTS["SOPInstanceUID"]
    assert source.ReferencedSOPClassUID.name == "Computed Radiography Image Storage"
    assert dataset.ImageType[:2] == ["DERIVED", "SECONDARY"]
    assert dataset.ConversionType == "WSD"
    assert "evidence map" in dataset.DerivationDescription
    assert NOTICE in dataset.DerivationDescription
    assert (dataset.PatientOrientation, dataset.Laterality) == (["L", "F"], "L")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"Laterality": "R"}, {"Laterality": "R"}, id="of the series"),
        pytest.param({"ImageLaterality": "R"}, {"ImageLaterality": "R"}, id="of the image"),
        pytest.param({}, {"Laterality": ""}, id="not told"),
    ],
)
def test_the_side_is_that_of_the_source(given, expected):
    without = {"Laterality", "ImageLaterality"} - set(given)
    dataset = made(report.secondary_capture_bytes, make_dicom_of_study(without=without, **given))
    sides = ("Laterality", "ImageLaterality")
    assert {side: dataset[side].value or "" for side in sides if side in dataset} == expected


@pytest.mark.parametrize(
    ("given", "burned_in"),
    [
        pytest.param({"BurnedInAnnotation": "NO"}, "NO", id="the source knows"),
        pytest.param({"BurnedInAnnotation": "YES"}, "YES", id="the source warns"),
        pytest.param({}, "YES", id="nobody knows"),
    ],
)
def test_burned_in_names_are_ruled_out_only_by_the_source(given, burned_in):
    dataset = made(report.secondary_capture_bytes, make_dicom_of_study(**given))
    assert dataset.BurnedInAnnotation == burned_in


def test_lossy_compression_of_the_source_is_passed_on():
    assert "LossyImageCompression" not in made(report.secondary_capture_bytes)
    lossy = made(report.secondary_capture_bytes, make_dicom_of_study(LossyImageCompression="01"))
    assert lossy.LossyImageCompression == "01"


# Structured Report


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.FRACTURE, ("52101004", "SCT", "Present")),
        (Verdict.NO_FRACTURE, ("272519000", "SCT", "Absent")),
        (Verdict.REVIEW, ("373068000", "SCT", "Undetermined")),
    ],
)
def test_the_verdict_is_coded_and_the_probability_measured(verdict, code):
    group, _ = tree_of(reading=make_reading(verdict=verdict))
    (evaluation,) = group.get_qualitative_evaluations()
    assert evaluation.name == CodedConcept("125605004", "SCT", "Fracture of bone")
    assert evaluation.value == CodedConcept(*code)
    (measurement,) = group.get_measurements()
    assert measurement.name == CodedConcept("PFRACTURE", "99BONEFX", "Calibrated probability")
    assert measurement.value == pytest.approx(0.731)
    assert measurement.unit == CodedConcept("1", "UCUM", "no units")


def test_a_refused_film_is_not_evaluated_and_has_no_number():
    group, document = tree_of(report=make_out_of_scope_report)
    (evaluation,) = group.get_qualitative_evaluations()
    assert evaluation.value == CodedConcept("373121007", "SCT", "Not Evaluated")
    assert group.get_measurements() == []
    comments = " ".join(texts_of(document, "Comment"))
    assert "unlike the films that the model was trained on" in comments
    assert "No probability" in comments


def test_a_structured_report_names_algorithm_model_and_checksums():
    group, _ = tree_of(origin="hf:owner/name@0123abcd")
    items = {
        (item.name.meaning, item.value)
        for item in group[0].ContentSequence
        if item.ValueType == "TEXT"
    }
    assert {
        ("Algorithm Name", "bonefx"), ("Algorithm Version", "9.8.7"),
        ("Algorithm Parameters", "model=tiny"),
        ("Algorithm Parameters", "origin=hf:owner/name@0123abcd"),
        ("Algorithm Parameters", f"weights_sha256={'cd' * 32}"),
        ("Algorithm Parameters", "point=balanced"), ("Algorithm Parameters", "threshold=0.5"),
        ("Algorithm Parameters", "review_band=0.4,0.6"),
    } <= items  # fmt: skip


def test_a_structured_report_refers_to_the_film_and_was_observed_by_a_device():
    group, document = tree_of()
    (image,) = group.source_images
    assert image.referenced_sop_instance_uid == STUDY_ELEMENTS["SOPInstanceUID"]
    assert document.get_evidence() == [
        (
            STUDY_ELEMENTS["StudyInstanceUID"], STUDY_ELEMENTS["SeriesInstanceUID"],
            STUDY_ELEMENTS["SOPInstanceUID"],
            "1.2.840.10008.5.1.4.1.1.1",
        )
    ]  # fmt: skip
    (observer,) = document.content.get_observer_contexts()
    assert observer.observer_type.meaning == "Device"
    assert observer.observer_identifying_attributes.name == "bonefx"


def test_a_structured_report_claims_no_verification():
    _, document = tree_of()
    assert document.VerificationFlag == "UNVERIFIED"
    assert document.PreliminaryFlag == "PRELIMINARY"
    assert "VerifyingObserverSequence" not in document
    assert document.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert document.CodingSchemeIdentificationSequence[0].CodingSchemeDesignator == "99BONEFX"


def test_the_readers_text_is_an_impression_where_there_is_one():
    _, document = tree_of(text="Fraktur, 骨折\nKontrolle")
    assert texts_of(document, "Impression") == ["Reader's own text: Fraktur, 骨折\nKontrolle"]
    _, silent = tree_of()
    assert texts_of(silent, "Impression") == []


def test_a_structured_report_warns_of_a_model_that_should_not_read_films():
    _, document = tree_of(reading=make_reading(caution="Not for reading films."))
    assert "Not for reading films." in texts_of(document, "Comment")


def test_what_the_point_was_measured_to_do_is_told_in_words():
    _, document = tree_of(test_set="Synthetic bones")
    comments = " ".join(texts_of(document, "Comment"))
    assert "Measured on 582 test films of Synthetic bones" in comments
    assert "Sensitivity 80.1 % (95 % interval 70.2 to 87.3, n = 98)" in comments
    assert "Certified on validation films" in comments
    assert NOTICE in comments


# Another implementation


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


def test_a_reading_at_another_point_is_another_report():
    data = make_dicom_of_study()
    header = read_study_header(data)
    first = make_report_of_film(data)
    second = replace(first, reading=replace(first.reading, verdict=Verdict.REVIEW))
    uids = {
        pydicom.dcmread(io.BytesIO(report.structured_report_bytes(one, header))).SOPInstanceUID
        for one in (first, second)
    }
    assert len(uids) == 2
