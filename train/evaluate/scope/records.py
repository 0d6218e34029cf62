"""What is measured of a scope: the records of evaluation.json's entry "scope"."""

from __future__ import annotations

from dataclasses import dataclass

from bonefx.records import Estimate, RegionFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class IntruderFigures:
    """What happens to pictures of one kind that are no bone films.

    Attributes:
        kind: Such as "photographs".
        sources: Photographs, patients or drawings that the pictures come from; intervals take
            pictures of one source together.
        refused: Share of the pictures.
        by_rules: How many the rules alone refuse.
        auroc: Of the distance alone, against the test films.
        offered: How many are offered inverted.
    """

    kind: str
    sources: int
    refused: Estimate
    by_rules: int
    auroc: Estimate
    offered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InvertedFigures:
    """What happens to a split's films with black and white swapped.

    Attributes:
        refused: Share of them.
        recognised: Share that is offered inverted.
    """

    refused: Estimate
    recognised: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognisedFigures:
    """How one body region is recognised on test films.

    Attributes:
        region: As in bonefx.scope.REGIONS.
        found: Share of the films that show it on which it is told.
        told_wrongly: Share of the other films on which it is told.
    """

    region: str
    found: Estimate
    told_wrongly: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeFigures:
    """All that a card states of a scope.

    Attributes:
        sha256: Checksum of the scope's file.
        limit: Largest distance of a film in scope, chosen on val.
        refused: Share of real films refused, by split: val, test, and outside where another set
            was measured.
        by_rules: How many of them the rules alone refuse.
        intruders: By kind, on the half that nothing was chosen on; without inverted films.
        all_intruders: Share refused over all kinds.
        inverted: By split; val's were used to choose, test's were not.
        regions: On test films; empty where the model tells none.
        all_regions: Share of test films with just the regions told that they show.
        by_region: What each operating point did on the test films of each region, by its name.
    """

    sha256: str
    limit: float
    refused: dict[str, Estimate]
    by_rules: dict[str, int]
    intruders: tuple[IntruderFigures, ...]
    all_intruders: Estimate
    inverted: dict[str, InvertedFigures]
    regions: tuple[RecognisedFigures, ...]
    all_regions: Estimate | None
    by_region: dict[str, tuple[RegionFigures, ...]]
