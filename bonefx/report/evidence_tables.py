"""What a heat map shows, as fields of the JSON, CSV and API answers: checks, overlap, findings.

The docstring below a field describes it; see table_records.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import ConfigDict, Field

from bonefx.records import Agreement, Finding, MapGrade, PixelBox, Reason, ReasonCode, Trust
from bonefx.report.wording.reasons import reason_text, reasons_text

DOCUMENTED = ConfigDict(use_attribute_docstrings=True)  # a docstring below a field describes it
Share = Annotated[float, Field(ge=0, le=1)]
Limit = float | tuple[float, float]
TopLeftBottomRight = tuple[int, int, int, int]  # of a box; the last two lie outside it


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementTable:
    """Overlap of two models' heat maps of one film."""

    __pydantic_config__ = DOCUMENTED

    models: tuple[str, str]
    """Names of the two models."""
    overlap: Share | None
    """Intersection over union of the hot regions; null without two maps."""
    reason: str | None
    """Why there is no overlap, as sentences; null where there is one."""
    reason_codes: tuple[ReasonCode, ...]
    """Code of each sentence; empty where there is an overlap."""
    teacher_and_student: bool
    """One model was distilled from the other, so their agreement is weaker evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonTable:
    """A check that a heat map fails, or that refuses a film."""

    __pydantic_config__ = DOCUMENTED

    code: ReasonCode
    """Which check."""
    value: float | None
    """What was measured, in the unit of the code."""
    limit: Limit | None
    """Limit that the value is beyond."""
    text: str
    """The reason as sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustTable:
    """Checks of a heat map against the model's limits."""

    __pydantic_config__ = DOCUMENTED

    peak_rank: Share
    """Share of the maps of validation true positives with a lower peak."""
    border_share: Share
    """Share of the map's sum on the film's border."""
    marker_share: Share
    """Share of the map's sum on side markers and burnt-in text."""
    drop: float
    """Fall of the log-odds when the hot region is blurred, in logits."""
    grade: MapGrade | None
    """How far the map can be trusted; null if the model's maps were not graded."""
    failures: tuple[ReasonTable, ...]
    """Checks that the map fails, so that it is not drawn; empty where it passes them all."""
    agreement: AgreementTable | None
    """With a second model's map; null without a second model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingTable:
    """A hot region of a heat map, which the model takes for a fracture."""

    __pydantic_config__ = DOCUMENTED

    number: int
    """From 1, the region with the most evidence first."""
    box: TopLeftBottomRight
    """Bounds: top, left, bottom, right in pixels of the film after all changes, bottom and right
    excluded."""
    evidence: float
    """Largest value of the map in the region, in logits."""
    probability: Share | None
    """Share of findings with such evidence that lay at a fracture, on validation films; null if the
    model's findings were not measured."""


def trust_table(trust: Trust) -> TrustTable:
    """Return the checks of a heat map as a TrustTable."""
    return TrustTable(
        peak_rank=trust.peak_rank,
        border_share=trust.border_share,
        marker_share=trust.marker_share,
        drop=trust.drop,
        grade=trust.grade,
        failures=tuple(reason_table(reason) for reason in trust.failures),
        agreement=agreement_table(trust.agreement) if trust.agreement else None,
    )


def agreement_table(agreement: Agreement) -> AgreementTable:
    """Return the overlap of two heat maps as an AgreementTable."""
    return AgreementTable(
        models=agreement.models,
        overlap=agreement.overlap,
        reason=reasons_text(agreement.reasons) or None,
        reason_codes=tuple(reason.code for reason in agreement.reasons),
        teacher_and_student=agreement.teacher_and_student,
    )


def reason_table(reason: Reason) -> ReasonTable:
    """Return a reason as a ReasonTable."""
    return ReasonTable(
        code=reason.code, value=reason.value, limit=reason.limit, text=reason_text(reason)
    )


def finding_table(finding: Finding) -> FindingTable:
    """Return a finding as a FindingTable."""
    return FindingTable(
        number=finding.number,
        box=box_edges(finding.box),
        evidence=finding.evidence,
        probability=finding.probability,
    )


def box_edges(box: PixelBox) -> TopLeftBottomRight:
    """Return the edges of a box."""
    return box.top, box.left, box.bottom, box.right
