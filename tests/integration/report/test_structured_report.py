"""Structured reports: codes, numbers, source and texts."""

from __future__ import annotations

import io
from dataclasses import replace

import pydicom
import pytest
from highdicom.sr import CodedConcept

from bonefx import report
from bonefx.films.patient_ids import read_study_header
from bonefx.records import PixelBox, Verdict
from bonefx.report.wording.readings import NOTICE
from tests.fixtures.dicom_files import STUDY_ELEMENTS, make_dicom_of_study
from tests.fixtures.dicom_reports import texts_of, tree_of
from tests.fixtures.records import make_reading
from tests.fixtures.reports import make_out_of_scope_report, make_report_of_film


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


def test_the_algorithm_names_the_exposed_field_with_its_corners():
    reading = make_reading(
        field=PixelBox(top=10, left=5, bottom=80, right=75), field_corners=((5, 20.5), (60, 10))
    )
    group, _ = tree_of(reading=reading)
    values = {item.value for item in group[0].ContentSequence if item.ValueType == "TEXT"}
    assert {"exposed_field=10,5,80,75", "exposed_field_corners=5.00,20.50 60.00,10.00"} <= values
