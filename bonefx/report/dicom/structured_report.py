"""Write a report as DICOM Structured Report of template TID 1500: the reading as codes and numbers.

The verdict is a code of CID 240: present, absent, or undetermined for review; a film out of scope
is "not evaluated". The standard has no code for a calibrated probability, so that a private coding
scheme is used and identified in the file. A film that was read outside the model's scope is
undetermined, and its probability, which is not calibrated, is text only. The report is marked as
not verified. The findings of a heat map are regions of the image (finding_regions).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any

from bonefx.errors import SettingsError
from bonefx.films.patient_ids import StudyHeader
from bonefx.records import PixelBox, Reading, Verdict
from bonefx.report.case_report import CaseReport
from bonefx.report.dicom.filing import (
    DEVICE,
    MANUFACTURER,
    FiledReport,
    check_same_film,
    evidence_reference,
    filing_bytes,
    name_own_classes,
    new_uid,
    series_attributes,
    source_reference,
)
from bonefx.report.dicom.finding_regions import finding_groups
from bonefx.report.dicom.sr_codes import FRACTURE_CODE, PROBABILITY, SCHEME, sr_codes
from bonefx.report.record import Report
from bonefx.report.wording.cases import CASE_LIMITS, case_verdict_words
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
    texts = [*_film_texts(report), *_common_texts(report)]
    return _document_bytes([FiledReport(report, header)], texts)


def case_structured_report_bytes(case: CaseReport, headers: Sequence[StudyHeader]) -> bytes:
    """Write one Comprehensive SR for all films of a case that were read.

    Args:
        case: The films with their readings.
        headers: Identifiers of the films of `case.films`, in the same order.

    Returns:
        A DICOM file with a measurement group for each film, which names its image. Equal reports
        of equal films give equal bytes and identifiers.

    Raises:
        SettingsError: A header belongs to another film, or the films are of several studies.
    """
    films = [
        FiledReport(film.report, header) for film, header in zip(case.films, headers, strict=True)
    ]
    if len({str(header.elements.StudyInstanceUID) for header in headers}) > 1:
        raise SettingsError(
            "the films of this case are of several studies, and a DICOM report is filed in one; "
            "split the case in the worklist, or make a PDF"
        )
    films[0] = films[0]._replace(report=replace(films[0].report, text=case.text))
    comment: Code = sr_codes().DCM.Comment
    of_films = [
        (name, f"{film.name}: {text}")
        for film in case.films
        for name, text in _film_texts(film.report)
    ]
    texts = [
        (comment, case_verdict_words(case)),
        (comment, CASE_LIMITS),
        *of_films,
        *((comment, text) for text in case.unread),
        *_common_texts(films[0].report),
    ]
    return _document_bytes(films, texts)


def _document_bytes(films: Sequence[FiledReport], texts: list[tuple[Code, str]]) -> bytes:
    """Write the document about films of one study, with texts at its root."""
    import highdicom
    from highdicom.coding_schemes import CodingSchemeIdentificationItem

    for report, header in films:
        check_same_film(report, header)
    document = highdicom.sr.ComprehensiveSR(
        evidence=[evidence_reference(header) for _, header in films],
        content=_content(films, texts),
        series_number=SR_SERIES_NUMBER,
        series_description="bonefx structured report",
        is_complete=True,
        is_final=False,
        is_verified=False,
        coding_schemes=[CodingSchemeIdentificationItem(SCHEME, name="bonefx")],
        **series_attributes(films, "structured report"),
    )
    name_own_classes(document, films)
    return filing_bytes(document, *films[0])


def _content(films: Sequence[FiledReport], texts: list[tuple[Code, str]]) -> Any:
    from highdicom import sr

    codes = sr_codes()
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(
            observer_device_context=_observer(films[0].report)
        ),
        procedure_reported=codes.LN.XRUnspecifiedBodyRegion,
        imaging_measurements=[
            group for film in films for group in (_group(film), *finding_groups(film))
        ],
        title=codes.DCM.ImagingMeasurementReport,
    )
    for name, text in texts:
        content[0].ContentSequence.append(
            sr.TextContentItem(name=name, value=text, relationship_type="CONTAINS")
        )
    return content


def _observer(report: Report) -> Any:
    """Describe the device that read the film: bonefx with its version and weights."""
    from highdicom import sr
    from pydicom.uid import generate_uid

    device = sr.DeviceObserverIdentifyingAttributes(
        uid=generate_uid(entropy_srcs=["bonefx", report.version, report.reading.weights_sha256]),
        name="bonefx",
        manufacturer_name=MANUFACTURER,
        model_name=DEVICE,
        serial_number=report.reading.weights_sha256,
    )
    return sr.ObserverContext(
        observer_type=sr_codes().DCM.Device, observer_identifying_attributes=device
    )


def _group(film: FiledReport) -> Any:
    """Build the measurement group: algorithm, finding, probability, source image (TID 1501)."""
    from highdicom import sr

    report, header = film
    codes, source, reading = sr_codes(), source_reference(header), report.reading
    # software that reads the code alone must not take an answer outside the scope for a finding
    verdict = Verdict.REVIEW if reading.outside_scope else reading.verdict
    presence: Code = getattr(codes.SCT, PRESENCE[verdict])
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uid=new_uid([film], "tracking"), identifier="bonefx reading"
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

    probability = report.reading.probability
    if probability is None or report.reading.outside_scope is not None:
        return None
    name = sr.CodedConcept(*PROBABILITY)
    return [sr.Measurement(name=name, value=float(probability), unit=sr_codes().UCUM.NoUnits)]


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


def _film_texts(report: Report) -> list[tuple[Code, str]]:
    """Return the texts about a film: reason, number that is not coded, notes, second opinion."""
    reading = report.reading
    uncoded = reading.probability is None or reading.outside_scope is not None
    number = [f"{probability_words(reading).rstrip('.')}."] if uncoded else []
    comment: Code = sr_codes().DCM.Comment
    return [
        (comment, " ".join([reason_words(reading), *number, *reading_notes(reading)])),
        *([(comment, second_model_words(reading))] if reading.second else []),
    ]


def _common_texts(report: Report) -> list[tuple[Code, str]]:
    """Return operating point with its figures, notice, caution, and the radiologist's text."""
    point, codes = report.reading.point, sr_codes()
    measured = "; ".join(
        f"{words} {estimate_words(getattr(point, name))}" for name, words in MEASURES
    )
    films = test_films_words(point, test_set=report.test_set)
    decided = decision_words(point, test_set=report.test_set)
    comment: Code = codes.DCM.Comment
    impression: Code = codes.DCM.Impression
    texts = [
        (comment, f"{point_words(point)}. Measured on {films}: {measured}."),
        *([(comment, decided)] if decided else []),
        (comment, guarantee_words(point.guarantee, share=report.validated_share)),
        (comment, NOTICE),
    ]
    texts += [(comment, report.reading.caution)] if report.reading.caution else []
    return texts + ([(impression, f"Reader's own text: {report.text}")] if report.text else [])
