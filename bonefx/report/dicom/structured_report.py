"""Write a report as DICOM Structured Report of template TID 1500: the reading as codes and numbers.

The verdict is a code of CID 240: present, absent, or undetermined for review; a film out of scope
is "not evaluated". The standard has no code for a calibrated probability, so that a private coding
scheme is used and identified in the file. A film that was read outside the model's scope is
undetermined, and its probability, which is not calibrated, is text only. The report is marked as
not verified.
"""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from bonefx.films.patient_ids import StudyHeader
from bonefx.records import PixelBox, Reading, Verdict
from bonefx.report.dicom.filing import (
    DEVICE,
    MANUFACTURER,
    check_same_film,
    filing_bytes,
    new_uid,
    series_attributes,
    source_reference,
)
from bonefx.report.record import Report
from bonefx.report.wording.points import (
    MEASURES,
    decision_words,
    estimate_words,
    guarantee_words,
    point_words,
    test_films_words,
)
from bonefx.report.wording.readings import (
    NOTICE,
    probability_words,
    reading_notes,
    reason_words,
    second_model_words,
)

if TYPE_CHECKING:
    from pydicom.sr.coding import Code

SR_SERIES_NUMBER = 9102
SCHEME = "99BONEFX"  # private coding schemes begin with 99, PS3.16 section 8.2
FRACTURE_CODE = ("125605004", "SCT", "Fracture of bone")
PROBABILITY = ("PFRACTURE", SCHEME, "Calibrated probability of fracture")
PRESENCE = {  # keywords of pydicom's SNOMED CT codes
    Verdict.FRACTURE: "Present",
    Verdict.NO_FRACTURE: "Absent",
    Verdict.REVIEW: "Undetermined",
    Verdict.OUT_OF_SCOPE: "NotEvaluated",
}


def structured_report_bytes(report: Report, header: StudyHeader) -> bytes:
    """Write a Comprehensive SR for the patient and study of the film, preliminary and unverified.

    Args:
        report: Content of the report: verdict, probability, operating point, model, text.
        header: Identifiers of the same film.

    Returns:
        A DICOM file. Equal reports of one film give equal bytes and identifiers.

    Raises:
        SettingsError: The header belongs to another film.
    """
    import highdicom
    from highdicom.coding_schemes import CodingSchemeIdentificationItem
    from pydicom.uid import ComputedRadiographyImageStorage

    check_same_film(report, header)
    evidence = source_reference(header)  # highdicom accepts no private SOP class
    evidence.SOPClassUID = ComputedRadiographyImageStorage
    document = highdicom.sr.ComprehensiveSR(
        evidence=[evidence],
        content=_content(report, header),
        series_number=SR_SERIES_NUMBER,
        series_description="bonefx structured report",
        is_complete=True,
        is_final=False,
        is_verified=False,
        coding_schemes=[CodingSchemeIdentificationItem(SCHEME, name="bonefx")],
        **series_attributes(report, header, "structured report"),
    )
    (study,) = document.CurrentRequestedProcedureEvidenceSequence
    (image,) = study.ReferencedSeriesSequence[0].ReferencedSOPSequence
    image.ReferencedSOPClassUID = source_reference(header).SOPClassUID
    return filing_bytes(document, report, header)


def _content(report: Report, header: StudyHeader) -> Any:
    from highdicom import sr
    from pydicom.sr.codedict import codes

    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=_observer(report)),
        procedure_reported=codes.LN.XRUnspecifiedBodyRegion,
        imaging_measurements=[_group(report, header)],
        title=codes.DCM.ImagingMeasurementReport,
    )
    for name, text in _texts(report):
        content[0].ContentSequence.append(
            sr.TextContentItem(name=name, value=text, relationship_type="CONTAINS")
        )
    return content


def _observer(report: Report) -> Any:
    """Describe the device that read the film: bonefx with its version and weights."""
    from highdicom import sr
    from pydicom.sr.codedict import codes
    from pydicom.uid import generate_uid

    device = sr.DeviceObserverIdentifyingAttributes(
        uid=generate_uid(entropy_srcs=["bonefx", report.version, report.reading.weights_sha256]),
        name="bonefx",
        manufacturer_name=MANUFACTURER,
        model_name=DEVICE,
        serial_number=report.reading.weights_sha256,
    )
    return sr.ObserverContext(
        observer_type=codes.DCM.Device, observer_identifying_attributes=device
    )


def _group(report: Report, header: StudyHeader) -> Any:
    """Build the measurement group: algorithm, finding, probability, source image (TID 1501)."""
    from highdicom import sr
    from pydicom.sr.codedict import codes

    source = source_reference(header)
    reading = report.reading
    # software that reads the code alone must not take an answer outside the scope for a finding
    verdict = Verdict.REVIEW if reading.outside_scope else reading.verdict
    presence: Code = getattr(codes.SCT, PRESENCE[verdict])
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uid=new_uid(report, header, "tracking"), identifier="bonefx reading"
        ),
        algorithm_id=sr.AlgorithmIdentification(
            name="bonefx",
            version=report.version,
            parameters=_parameters(report),
        ),
        measurements=_probability(report),
        qualitative_evaluations=[
            sr.QualitativeEvaluation(name=sr.CodedConcept(*FRACTURE_CODE), value=presence)
        ],
        source_images=[
            sr.SourceImageForMeasurementGroup(source.SOPClassUID, source.SOPInstanceUID)
        ],
    )


def _probability(report: Report) -> list[Any] | None:
    from highdicom import sr
    from pydicom.sr.codedict import codes

    probability = report.reading.probability
    if probability is None or report.reading.outside_scope is not None:
        return None
    name = sr.CodedConcept(*PROBABILITY)
    return [sr.Measurement(name=name, value=float(probability), unit=codes.UCUM.NoUnits)]


def _parameters(report: Report) -> list[str]:
    reading = report.reading
    origin = [f"origin={report.origin}"] if report.origin else []
    low, high = reading.point.review_band
    return [
        f"model={reading.model}",
        *origin,
        f"weights_sha256={reading.weights_sha256}",
        f"film_sha256={reading.radiograph_sha256}",
        f"point={reading.point.name}",
        f"threshold={reading.point.threshold}",
        f"review_band={low},{high}",
        *(f"{name}={value}" for name, value in _changes(reading)),
    ]


def _changes(reading: Reading) -> list[tuple[str, object]]:
    """Return changes and exposed field, so that the answer can be reproduced; empty for none."""
    edit, outside_scope = reading.edit, reading.outside_scope
    changes: list[tuple[str, object]] = [
        ("outside_scope", outside_scope.code if outside_scope else None),
        ("crop", _edges(edit.crop)),
        ("mirrored", int(edit.mirrored)),
        ("turned_degrees", 90 * edit.quarter_turns),
        ("inverted", int(edit.inverted)),
        ("exposed_field", _edges(reading.field)),
        ("exposed_field_corners", " ".join(f"{x:.2f},{y:.2f}" for x, y in reading.field_corners)),
    ]
    return [(name, value) for name, value in changes if value]


def _edges(box: PixelBox | None) -> str | None:
    return None if box is None else ",".join(map(str, astuple(box)))


def _texts(report: Report) -> list[tuple[Code, str]]:
    """Return the texts: reason, operating point with its figures, notice, radiologist's text."""
    from pydicom.sr.codedict import codes

    reading = report.reading
    uncoded = reading.probability is None or reading.outside_scope is not None
    number = [f"{probability_words(reading).rstrip('.')}."] if uncoded else []
    measured = "; ".join(
        f"{words} {estimate_words(getattr(reading.point, name))}" for name, words in MEASURES
    )
    films = test_films_words(reading.point, test_set=report.test_set)
    decided = decision_words(reading.point, test_set=report.test_set)
    comment: Code = codes.DCM.Comment
    impression: Code = codes.DCM.Impression
    texts = [
        (comment, " ".join([reason_words(reading), *number, *reading_notes(reading)])),
        *([(comment, second_model_words(reading))] if reading.second else []),
        (comment, f"{point_words(reading.point)}. Measured on {films}: {measured}."),
        *([(comment, decided)] if decided else []),
        (comment, guarantee_words(reading.point.guarantee, share=report.validated_share)),
        (comment, NOTICE),
    ]
    texts += [(comment, report.reading.caution)] if report.reading.caution else []
    return texts + ([(impression, f"Reader's own text: {report.text}")] if report.text else [])
