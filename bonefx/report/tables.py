"""Readings, worklist rows, comparisons and reports as dicts for JSON, CSV and the API.

JSON is the canonical form of a report; the other forms are views of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bonefx.records import (
    Agreement,
    Case,
    OperatingPoint,
    Reading,
    StudyPart,
)
from bonefx.report.evidence_tables import (
    agreement_table,
    box_edges,
    finding_table,
    reason_table,
    trust_table,
)
from bonefx.report.record import Overlay, Report
from bonefx.report.report_records import MapTable, MeasuredTable, ReportTable
from bonefx.report.table_records import (
    CaseTable,
    ComparisonTable,
    FilmNoteTable,
    ReadingTable,
    RowTable,
    SecondTable,
)
from bonefx.report.wording.films import film_note_texts
from bonefx.report.wording.points import test_films_words
from bonefx.report.wording.readings import NOTICE, other_sets_words, region_words
from bonefx.report.wording.reasons import reason_text
from bonefx.schema import dump_record

REPORT_SCHEMA_VERSION = 2


def reading_table(reading: Reading) -> dict[str, Any]:
    """Return a reading as the dict of a ReadingTable; the heat map itself is left out."""
    return _dump(_reading(reading))


def worklist_table(
    reading: Reading | None,
    *,
    place: int,
    film: str,
    urgency: float,
    error: str | None,
    same_as: int | None,
    sha256: str | None,
) -> dict[str, Any]:
    """Return one film of a worklist as the dict of a RowTable.

    Args:
        reading: None if the film was not read.
        place: Number in the list, from 1.
        film: Name that the user gave the film.
        urgency: In [0, 4]; smaller is more urgent.
        error: Why the film was not read; None if it was.
        same_as: Place of the first film of the list with the same bytes.
        sha256: Checksum of the film's file.
    """
    answer = None if reading is None else _reading(reading)
    of_reading = {
        name: None if answer is None else getattr(answer, name)
        for name in (
            "verdict", "probability", "reason", "reason_code", "model", "weights_sha256", "point",
            "threshold", "caution", "inverted", "looks_inverted", "mirrored", "turned_degrees",
            "film_notes",
        )
    }  # fmt: skip
    return _dump(
        RowTable(
            place=place,
            film=film,
            urgency=urgency,
            error=error,
            same_as=same_as,
            sha256=sha256,
            **of_reading,
            **_second_of_row(reading),
        )
    )


def case_table(case: Case, *, part: StudyPart, view: str | None) -> dict[str, Any]:
    """Return the case of a film as the dict of a CaseTable.

    Args:
        case: The film's case.
        part: What the film's own header names.
        view: DICOM view position of the film.
    """
    return _dump(
        CaseTable(
            case=case.number,
            case_films=case.n_films,
            case_verdict=case.verdict,
            study=part.study,
            body_part=part.body_part,
            laterality=part.laterality,
            view=view,
        )
    )


def _second_of_row(reading: Reading | None) -> dict[str, Any]:
    second = None if reading is None else _second(reading)
    if second is None:
        return {}
    return {
        "second_model": second.model,
        "second_verdict": second.verdict,
        "second_probability": second.probability,
        "models_disagree": second.disagrees,
    }


def models_table(
    readings: Sequence[Reading],
    agreements: Sequence[Agreement],
    *,
    verdicts_agree: bool,
    peak: float | None,
) -> dict[str, Any]:
    """Return several models' readings of one film as the dict of a ComparisonTable.

    Args:
        readings: One a model.
        agreements: Of every two models.
        verdicts_agree: All verdicts are the same.
        peak: Largest peak of a shown map, in logits; None without a map.
    """
    return _dump(
        ComparisonTable(
            readings=tuple(_reading(reading) for reading in readings),
            verdicts_agree=verdicts_agree,
            peak=peak,
            agreements=tuple(agreement_table(agreement) for agreement in agreements),
        )
    )


def report_table(report: Report) -> dict[str, Any]:
    """Return a report as the dict of a ReportTable; pictures are left out."""
    return _dump(
        ReportTable(
            schema_version=REPORT_SCHEMA_VERSION,
            software="bonefx",
            version=report.version,
            notice=NOTICE,
            created=report.created.isoformat(),
            film=dict(report.facts),
            reading=_reading(report.reading),
            measured_on=test_films_words(report.reading.point, test_set=report.test_set),
            measured=_measured(report.reading.point),
            calibration=report.calibration,
            map=_map(report.overlay, heat_floor=report.heat_floor),
            model_origin=report.origin,
            text=report.text,
        )
    )


def json_bytes(report: Report) -> bytes:
    """Write a report as JSON, UTF-8 with sorted keys: equal reports give equal bytes."""
    table = report_table(report)
    text = json.dumps(table, ensure_ascii=False, allow_nan=False, indent=2, sort_keys=True)
    return f"{text}\n".encode()


def _dump(record: object) -> dict[str, Any]:
    table: dict[str, Any] = dump_record(record)
    return table


def _reading(reading: Reading) -> ReadingTable:
    reason = reading.reason
    return ReadingTable(
        sha256=reading.radiograph_sha256,
        model=reading.model,
        weights_sha256=reading.weights_sha256,
        verdict=reading.verdict,
        reason=reason_text(reason) if reason else None,
        reason_code=reason.code if reason else None,
        reason_value=reason.value if reason else None,
        reason_limit=reason.limit if reason else None,
        probability=reading.probability,
        logit=reading.logit,
        point=reading.point.name,
        threshold=reading.point.threshold,
        review_band=reading.point.review_band,
        heat_peak=reading.heat_peak,
        trust=trust_table(reading.trust) if reading.trust else None,
        findings=tuple(finding_table(finding) for finding in reading.findings),
        caution=reading.caution or None,
        outside_scope=reason_table(reading.outside_scope) if reading.outside_scope else None,
        inverted=reading.inverted,
        looks_inverted=reading.looks_inverted,
        mirrored=reading.edit.mirrored,
        turned_degrees=90 * reading.edit.quarter_turns,
        crop=box_edges(reading.edit.crop) if reading.edit.crop else None,
        exposed_field=box_edges(reading.field) if reading.field else None,
        exposed_field_corners=tuple((round(x, 2), round(y, 2)) for x, y in reading.field_corners),
        film_notes=tuple(
            FilmNoteTable(code=note, text=text)
            for note, text in zip(reading.notes, film_note_texts(reading.notes), strict=True)
        ),
        regions=reading.regions,
        region_source=reading.region_source,
        region_notes=tuple(region_words(reading)),
        other_hospitals=tuple(other_sets_words(reading)),
        second_model=_second(reading),
        device=reading.device,
        elapsed_s=reading.elapsed_s,
    )


def _second(reading: Reading) -> SecondTable | None:
    if reading.second is None:
        return None
    answer = _reading(reading.second)
    return SecondTable(
        disagrees=reading.models_disagree,
        **{
            name: getattr(answer, name)
            for name in (
                "model", "weights_sha256", "verdict", "reason", "reason_code", "probability",
                "point", "threshold", "review_band",
            )
        },
    )  # fmt: skip


def _map(overlay: Overlay | None, *, heat_floor: float) -> MapTable:
    contours = () if overlay is None else overlay.contours
    return MapTable(
        shown=overlay is not None,
        contours=tuple(tuple((int(x), int(y)) for x, y in line) for line in contours),
        opacity=None if overlay is None else overlay.opacity,
        floor=heat_floor,
    )


def _measured(point: OperatingPoint) -> MeasuredTable:
    return MeasuredTable(
        sensitivity=point.sensitivity,
        specificity=point.specificity,
        review_rate=point.review_rate,
        missed_rate=point.missed_rate,
        verdicts=point.verdicts,
        guarantee=point.guarantee,
    )
