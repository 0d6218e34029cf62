"""Reading -> JSON, the canonical report; every other form is a view of it."""

from __future__ import annotations

from typing import TypedDict

from bonefx.records import Reading


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
    device: str
    elapsed_s: float


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
        device=reading.device,
        elapsed_s=reading.elapsed_s,
    )
