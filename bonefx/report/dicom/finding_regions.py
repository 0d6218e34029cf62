"""Findings of a heat map as regions of the DICOM image, by TID 1410 (planar ROI measurements)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonefx.films.patient_ids import StudyHeader
from bonefx.records import FilmNote, Finding, Verdict, box_as_read
from bonefx.report.dicom.filing import FiledReport, new_uid, source_reference
from bonefx.report.dicom.sr_codes import EVIDENCE, FINDING_PROBABILITY, FRACTURE_CODE, sr_codes
from bonefx.report.record import Report


def finding_groups(film: FiledReport) -> list[Any]:
    """Build a measurement group for each finding: its box on the image, evidence, probability.

    Empty without findings, where no fracture is called, and for a film that was read outside the
    model's scope: software that reads the codes alone must not take those for fractures.
    """
    report, header = film
    reading = report.reading
    if reading.verdict is Verdict.NO_FRACTURE or reading.outside_scope is not None:
        return []
    corners = [(one, _corners(one, report, header)) for one in reading.findings]
    return [_group(one, points, film) for one, points in corners if points is not None]


def _group(finding: Finding, corners: NDArray[np.float64], film: FiledReport) -> Any:
    from highdicom import sr

    report, header = film
    codes, source = sr_codes(), source_reference(header)
    called = report.reading.verdict is Verdict.FRACTURE
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uid=new_uid([film], f"finding {finding.number}"),
            identifier=f"bonefx finding {finding.number}",
        ),
        referenced_region=sr.ImageRegion(
            graphic_type=sr.GraphicTypeValues.POLYLINE,
            graphic_data=corners,
            source_image=sr.SourceImageForRegion(source.SOPClassUID, source.SOPInstanceUID),
        ),
        measurements=[
            sr.Measurement(name=sr.CodedConcept(*name), value=float(value), unit=codes.UCUM.NoUnits)
            for name, value in (
                (EVIDENCE, finding.evidence), (FINDING_PROBABILITY, finding.probability),
            )
            if value is not None
        ],
        qualitative_evaluations=[
            sr.QualitativeEvaluation(
                name=sr.CodedConcept(*FRACTURE_CODE),
                value=codes.SCT.Present if called else codes.SCT.Undetermined,
            )
        ],
    )  # fmt: skip


def _corners(finding: Finding, report: Report, header: StudyHeader) -> NDArray[np.float64] | None:
    """Return the corners of a finding's box as a closed line, (5, 2) columns and rows.

    Coordinates are those of the stored pixels, from the upper left corner of the first one. None
    where they are not known: on a cropped film whose pixels were made square.
    """
    shape, edit = report.film.shape, report.reading.edit
    box = box_as_read(finding.box, shape=shape, edit=edit)
    down = across = 1.0
    if FilmNote.PIXELS_MADE_SQUARE in report.reading.notes:
        rows, columns = (header.elements.get(keyword) for keyword in ("Rows", "Columns"))
        if edit.crop is not None or not rows or not columns:
            return None
        height, width = shape[::-1] if edit.quarter_turns % 2 else shape
        down, across = int(rows) / height, int(columns) / width
    top, bottom = box.top * down, box.bottom * down
    left, right = box.left * across, box.right * across
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)])
