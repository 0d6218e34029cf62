"""Fields of a filed report, as frozen dataclasses; see table_records.py."""

from __future__ import annotations

from dataclasses import dataclass

from bonefx.records import Calibration, Estimate, Guarantee, VerdictShares
from bonefx.report.evidence_tables import DOCUMENTED, Share
from bonefx.report.table_records import ReadingTable


@dataclass(frozen=True, slots=True, kw_only=True)
class MapTable:
    """What a report shows of the heat map; the peak is in the reading."""

    __pydantic_config__ = DOCUMENTED

    shown: bool
    """The report shows a map."""
    contours: tuple[tuple[tuple[int, int], ...], ...]
    """Closed lines around the hot regions, each of [x, y] in pixels of the film."""
    opacity: Share | None
    """Weight of the map's colour at its peak; null without a map."""
    floor: float
    """Peak in logits below which the model shows no map."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredTable:
    """What the operating point did on test films; null if not measured."""

    __pydantic_config__ = DOCUMENTED

    sensitivity: Estimate | None
    """Share of the fractured films at or above the threshold."""
    specificity: Estimate | None
    """Share of the intact films below the threshold."""
    review_rate: Estimate | None
    """Share of the films in the review band."""
    missed_rate: Estimate | None
    """Share of fractures among the films called no fracture."""
    verdicts: VerdictShares | None
    """Verdicts on fractured and on intact films, with the review band."""
    guarantee: Guarantee | None
    """Certificate of the review band's lower edge on validation films."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTable:
    """A filed report, in its canonical form."""

    __pydantic_config__ = DOCUMENTED

    schema_version: int
    """Version of this table."""
    software: str
    """Always bonefx."""
    version: str
    """Version of the software."""
    notice: str
    """Not a medical device."""
    created: str
    """Date and time in ISO 8601, with its time zone."""
    film: dict[str, str]
    """Facts from the film's file, the part that was read and the changes; no patient data."""
    reading: ReadingTable
    """The model's answer."""
    measured_on: str
    """Number of the test films and name of their data set."""
    measured: MeasuredTable
    """What the operating point did on these films."""
    calibration: Calibration | None
    """Calibration of the probability; null if not known."""
    map: MapTable
    """The heat map, as shown."""
    model_origin: str | None
    """Repository and commit that the model was fetched from; null for a local model."""
    text: str
    """The user's own text."""
