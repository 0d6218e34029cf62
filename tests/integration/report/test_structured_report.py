"""Structured reports: codes, numbers, source and texts."""

from __future__ import annotations

import io
from dataclasses import replace

import pydicom
import pytest
from highdicom.sr import CodedConcept

from bonefx import report
from bonefx.films.patient_ids import read_study_header
from bonefx.records import (
    FilmEdit,
    FilmNote,
    Finding,
    PixelBox,
    Reason,
    ReasonCode,
    Verdict,
)
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


BOX = PixelBox(top=30, left=10, bottom=50, right=40)
FINDINGS = (
    Finding(number=1, box=BOX, evidence=4.5, probability=0.6),
    Finding(number=2, box=PixelBox(top=0, left=0, bottom=9, right=9), evidence=2.0),
)


def regions_of(data=None, **changes):
    """The regions of a structured report, as highdicom reads them back."""
    _, document = tree_of(data=data, **changes)
    return document.content.get_planar_roi_measurement_groups()


def corners_of(region):
    return region.roi.value.tolist()


def test_findings_are_regions_of_the_image_with_evidence_and_probability():
    first, second = regions_of(reading=make_reading(findings=FINDINGS))
    assert first.roi.graphic_type.value == "POLYLINE"
    assert corners_of(first) == [[10, 30], [40, 30], [40, 50], [10, 50], [10, 30]]
    image = first.roi.ContentSequence[0].ReferencedSOPSequence[0]
    assert image.ReferencedSOPInstanceUID == STUDY_ELEMENTS["SOPInstanceUID"]
    values = {one.name.value: one.value for one in first.get_measurements()}
    assert values == pytest.approx({"EVIDENCE": 4.5, "PFINDING": 0.6})
    assert [one.name.value for one in second.get_measurements()] == ["EVIDENCE"]
    assert [one.tracking_identifier for one in (first, second)] == [
        "bonefx finding 1", "bonefx finding 2",
    ]  # fmt: skip
    assert first.tracking_uid != second.tracking_uid


@pytest.mark.parametrize(
    ("verdict", "presence"), [(Verdict.FRACTURE, "Present"), (Verdict.REVIEW, "Undetermined")]
)
def test_a_finding_is_as_sure_as_the_verdict(verdict, presence):
    (region, *_) = regions_of(reading=make_reading(verdict=verdict, findings=FINDINGS))
    (evaluation,) = region.get_qualitative_evaluations()
    assert evaluation.value.meaning == presence


def test_findings_of_a_changed_film_lie_on_the_stored_pixels():
    """The film has 120 rows and 96 columns; a part of it was mirrored and turned."""
    edit = FilmEdit(
        crop=PixelBox(top=20, left=6, bottom=100, right=96), mirrored=True, quarter_turns=1
    )
    reading = make_reading(edit=edit, findings=FINDINGS[:1])
    (region,) = regions_of(reading=reading, shape=(90, 80))
    # columns 10 to 40 were rows 80 - 40 to 80 - 10 before the turn, rows 30 to 50 columns of the
    # mirrored part, 90 - 50 to 90 - 30 before it; the part begins at column 6 and row 20
    assert corners_of(region)[0] == [46, 60]
    assert corners_of(region)[2] == [66, 90]


def test_findings_of_a_film_whose_pixels_were_made_square_lie_on_the_stored_pixels():
    data = make_dicom_of_study()
    stored = pydicom.dcmread(io.BytesIO(data))
    reading = make_reading(findings=FINDINGS[:1], notes=(FilmNote.PIXELS_MADE_SQUARE,))
    (region,) = regions_of(data, reading=reading, shape=(2 * stored.Rows, stored.Columns))
    assert corners_of(region)[0] == [10, 15]
    assert corners_of(region)[2] == [40, 25]


def test_findings_of_a_film_called_no_fracture_are_no_regions():
    reading = make_reading(verdict=Verdict.NO_FRACTURE, findings=FINDINGS)
    assert regions_of(reading=reading) == []


def test_findings_outside_the_models_scope_are_no_regions():
    reason = Reason(code=ReasonCode.UNLIKE_TRAINING_FILMS, value=3.0, limit=2.0)
    reading = make_reading(findings=FINDINGS, outside_scope=reason)
    assert regions_of(reading=reading) == []
