"""Reading and Report -> plain values and JSON, the canonical report; other forms are its views."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, TypedDict

from bonefx.records import Agreement, OperatingPoint, Reading, Trust
from bonefx.report.record import Report
from bonefx.report.wording import MEASURES, NOTICE, region_words, test_films_words

REPORT_SCHEMA_VERSION = 1


class AgreementTable(TypedDict):
    """An agreement in plain values."""

    models: list[str]
    overlap: float | None
    reason: str | None
    kin: bool


class TrustTable(TypedDict):
    """How far a map can be believed; see records.Trust."""

    peak_rank: float
    border_share: float
    marker_share: float
    drop: float
    failures: list[str]
    agreement: AgreementTable | None


class ReadingTable(TypedDict):
    """A reading in plain values; see records.Reading for ranges and units."""

    sha256: str
    model: str
    weights_sha256: str
    verdict: str
    reason: str | None
    probability: float | None
    logit: float | None
    point: str
    threshold: float
    review_band: list[float]
    heat_peak: float | None
    trust: TrustTable | None
    caution: str | None
    inverted: bool
    looks_inverted: bool
    regions: list[str] | None
    region_notes: list[str]
    device: str
    elapsed_s: float


class MapTable(TypedDict):
    """What a report shows of the map; the peak is the reading's.

    contours holds closed lines around the hottest regions, each a list of [x, y] in the film's
    pixels.
    """

    shown: bool
    contours: list[list[list[int]]]
    opacity: float | None
    floor: float


class ReportTable(TypedDict):
    """A report in plain values; see record.Report.

    measured holds what the operating point did on the films of measured_on, value, low, high and
    n each, and the guarantee of its review band; null where there is none.
    """

    schema_version: int
    software: str
    version: str
    notice: str
    created: str
    film: dict[str, str]
    reading: ReadingTable
    measured_on: str
    measured: dict[str, dict[str, Any] | None]
    calibration: dict[str, Any] | None
    map: MapTable
    model_origin: str | None
    text: str


def reading_table(reading: Reading) -> ReadingTable:
    """Turn a reading into plain values for JSON; the map itself is left out."""
    return ReadingTable(
        sha256=reading.radiograph_sha256,
        model=reading.model,
        weights_sha256=reading.weights_sha256,
        verdict=reading.verdict.value,
        reason=reading.reason,
        probability=reading.probability,
        logit=reading.logit,
        point=reading.point.name,
        threshold=reading.point.threshold,
        review_band=list(reading.point.review_band),
        heat_peak=reading.heat_peak,
        trust=_trust_table(reading.trust),
        caution=reading.caution or None,
        inverted=reading.inverted,
        looks_inverted=reading.looks_inverted,
        regions=None if reading.regions is None else list(reading.regions),
        region_notes=region_words(reading),
        device=reading.device,
        elapsed_s=reading.elapsed_s,
    )


def _trust_table(trust: Trust | None) -> TrustTable | None:
    if trust is None:
        return None
    return TrustTable(
        peak_rank=trust.peak_rank,
        border_share=trust.border_share,
        marker_share=trust.marker_share,
        drop=trust.drop,
        failures=list(trust.failures),
        agreement=agreement_table(trust.agreement) if trust.agreement else None,
    )


def agreement_table(agreement: Agreement) -> AgreementTable:
    """Turn an agreement into plain values."""
    return AgreementTable(
        models=list(agreement.models), overlap=agreement.overlap, reason=agreement.reason,
        kin=agreement.kin,
    )  # fmt: skip


def report_table(report: Report) -> ReportTable:
    """Turn a report into plain values; pictures are left out."""
    overlay = report.overlay
    return ReportTable(
        schema_version=REPORT_SCHEMA_VERSION,
        software="bonefx",
        version=report.version,
        notice=NOTICE,
        created=report.created.isoformat(),
        film=dict(report.facts),
        reading=reading_table(report.reading),
        measured_on=test_films_words(report.reading.point, test_set=report.test_set),
        measured=_measured(report.reading.point),
        calibration=asdict(report.calibration) if report.calibration else None,
        map=MapTable(
            shown=overlay is not None,
            contours=[line.tolist() for line in overlay.contours] if overlay else [],
            opacity=overlay.opacity if overlay else None,
            floor=report.heat_floor,
        ),
        model_origin=report.origin,
        text=report.text,
    )


def json_bytes(report: Report) -> bytes:
    """Write a report as JSON, UTF-8 with sorted keys: equal reports give equal bytes."""
    table = report_table(report)
    text = json.dumps(table, ensure_ascii=False, allow_nan=False, indent=2, sort_keys=True)
    return f"{text}\n".encode()


def _measured(point: OperatingPoint) -> dict[str, dict[str, Any] | None]:
    parts = {name: getattr(point, name) for name in (*dict(MEASURES), "guarantee")}
    return {name: asdict(part) if part else None for name, part in parts.items()}
