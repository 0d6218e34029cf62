"""Fields of the JSON, CSV and API answers, as frozen dataclasses.

The docstring below a field describes it. `schema.describe_record` gives the JSON schema, and
`schema.dump_record` a dict with these keys in this order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from bonefx.records import FilmNote, ReasonCode, RegionSource, Verdict
from bonefx.report.evidence_tables import (
    DOCUMENTED,
    AgreementTable,
    FindingTable,
    Limit,
    ReasonTable,
    Share,
    TopLeftBottomRight,
    TrustTable,
)

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Corner = tuple[float, float]  # x, y


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmNoteTable:
    """A note on how a film's file was read."""

    __pydantic_config__ = DOCUMENTED

    code: FilmNote
    """Which note."""
    text: str
    """The note as sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondTable:
    """A second model's answer about the same film."""

    __pydantic_config__ = DOCUMENTED

    model: str
    """As in ReadingTable, likewise below."""
    weights_sha256: Sha256
    """As in ReadingTable."""
    verdict: Verdict
    """At the operating point of the same name, or else the model's default."""
    disagrees: bool
    """The two verdicts differ."""
    reason: str | None
    """As in ReadingTable."""
    reason_code: ReasonCode | None
    """As in ReadingTable."""
    probability: Share | None
    """As in ReadingTable."""
    point: str
    """As in ReadingTable."""
    threshold: Share
    """As in ReadingTable."""
    review_band: tuple[Share, Share]
    """As in ReadingTable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingTable:
    """One model's answer about one film; the heat map itself is left out."""

    __pydantic_config__ = DOCUMENTED

    sha256: Sha256
    """Checksum of the film's file."""
    model: str
    """Id of the model, with @ and the commit if it was fetched from a repository."""
    weights_sha256: Sha256
    """Checksum of the weights file."""
    verdict: Verdict
    """Verdict at the operating point."""
    reason: str | None
    """Why the film goes to review or is out of scope, as sentences; else null."""
    reason_code: ReasonCode | None
    """Code of the reason; null without one."""
    reason_value: float | None
    """What the check behind the reason measured, in the unit of the code; null without one."""
    reason_limit: Limit | None
    """Limit that the value is beyond, or the review band [low, high] that it lies in."""
    probability: Share | None
    """Calibrated probability of fracture; null when out of scope, not calibrated for a film with
    outside_scope."""
    logit: float | None
    """Raw output of the network, positive for fracture; null when out of scope."""
    point: str
    """Name of the operating point."""
    threshold: Share
    """Calibrated probability from which the point calls a fracture, without its review band."""
    review_band: tuple[Share, Share]
    """Lowest and highest probability that goes to review."""
    heat_peak: float | None
    """Largest value of the heat map, in logits; null when out of scope."""
    trust: TrustTable | None
    """Checks of the heat map; null without a map."""
    findings: tuple[FindingTable, ...]
    """Hot regions of the heat map, the one with the most evidence first; empty without a map."""
    caution: str | None
    """Why films should not be read with this model; null if there is none."""
    outside_scope: ReasonTable | None
    """Why the film is out of scope, where it was read anyway, as requested; else null."""
    inverted: bool
    """Black and white were swapped before the film was read, as requested."""
    looks_inverted: bool
    """Out of scope as it is, and in scope with black and white swapped."""
    mirrored: bool
    """Left and right were swapped before the film was read, as requested."""
    turned_degrees: int
    """Clockwise turn before the film was read, as requested: 0, 90, 180 or 270."""
    crop: TopLeftBottomRight | None
    """Part of the film that was read, as requested: top, left, bottom, right in pixels of the film
    as bonefx reads it, upright and with square pixels, bottom and right excluded; null for the
    whole film. Cropping comes first, then mirroring, then turning."""
    exposed_field: TopLeftBottomRight | None
    """Part of the film without borders, which the model read: top, left, bottom, right in pixels of
    the film after all changes; null for the whole film."""
    exposed_field_corners: tuple[Corner, ...]
    """Corners [x, y] of a convex exposed field that does not fill exposed_field, in pixels of the
    film after all changes: the model reads black beside it; empty if it fills it."""
    film_notes: tuple[FilmNoteTable, ...]
    """What to know about how the film's file was read; empty if there is nothing."""
    regions: tuple[str, ...] | None
    """Body regions as requested, by the header, or else recognised; null when out of scope or if
    the model recognises none."""
    region_source: RegionSource
    """Who named the regions."""
    region_notes: tuple[str, ...]
    """What the model was measured to do on films of these regions, a sentence or two each."""
    other_hospitals: tuple[str, ...]
    """What the model was measured to do on films of other hospitals; empty out of scope."""
    second_model: SecondTable | None
    """A second model's answer about the film; null where no second model read it."""
    device: str
    """Device of the network, such as cpu or cuda:0."""
    elapsed_s: float
    """Seconds for preprocessing, network and map."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTable:
    """One film of a worklist: its reading, or why it was not read."""

    __pydantic_config__ = DOCUMENTED

    place: int
    """Number in the list as it was given, from 1."""
    film: str
    """Name that the user gave the film."""
    urgency: Annotated[float, Field(ge=0, le=4)]
    """Rank; smaller is more urgent."""
    verdict: Verdict | None
    """Verdict at the operating point; null if the film was not read."""
    probability: Share | None
    """Calibrated probability of fracture; null when out of scope or not read."""
    reason: str | None
    """Why the film goes to review or is out of scope, as sentences; else null."""
    reason_code: ReasonCode | None
    """Code of the reason; null without one."""
    error: str | None
    """Why the film was not read; null if it was."""
    same_as: int | None
    """Place of the first film of the list with the same bytes; null if there is none."""
    sha256: Sha256 | None
    """Checksum of the film's file; null if it was not read."""
    model: str | None = None
    """As in ReadingTable; null if the film was not read, likewise below."""
    weights_sha256: Sha256 | None = None
    """As in ReadingTable."""
    point: str | None = None
    """As in ReadingTable."""
    threshold: Share | None = None
    """As in ReadingTable."""
    caution: str | None = None
    """As in ReadingTable."""
    inverted: bool | None = None
    """As in ReadingTable."""
    looks_inverted: bool | None = None
    """As in ReadingTable."""
    mirrored: bool | None = None
    """As in ReadingTable."""
    turned_degrees: int | None = None
    """As in ReadingTable."""
    second_model: str | None = None
    """Id of the second model; null without one, likewise below."""
    second_verdict: Verdict | None = None
    """Its verdict."""
    second_probability: Share | None = None
    """Its calibrated probability of fracture; null when out of scope."""
    models_disagree: bool | None = None
    """The two verdicts differ."""
    film_notes: tuple[FilmNoteTable, ...] | None = None
    """As in ReadingTable; in CSV the codes alone, separated by blanks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseTable:
    """The case of a film of a worklist, after the fields of its RowTable."""

    __pydantic_config__ = DOCUMENTED

    case: int
    """Number of the film's case, in the order of the first films, from 1."""
    case_films: int
    """Number of its films; copies of a file count once."""
    case_verdict: Verdict | None
    """Verdict of its most urgent film; null if that was not read."""
    study: str | None
    """Hash that only films of one study share; null if the film names no study, likewise below."""
    body_part: str | None
    """Body part in the film's header, in lower case."""
    laterality: str | None
    """Side in the film's header, L or R."""
    view: str | None
    """View position in the film's header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonTable:
    """Several models' readings of one film; the maps themselves are left out."""

    __pydantic_config__ = DOCUMENTED

    readings: tuple[ReadingTable, ...]
    """One a model."""
    verdicts_agree: bool
    """All verdicts are the same."""
    peak: float | None
    """Largest peak of a shown map, in logits; null without a map."""
    agreements: tuple[AgreementTable, ...]
    """Of every two models, in the order of the readings."""
