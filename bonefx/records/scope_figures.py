"""Figures of a scope, as the entry "scope" of evaluation.json records them."""

from __future__ import annotations

from dataclasses import dataclass

from bonefx.records.estimate import Estimate
from bonefx.records.model import RegionFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class IntruderFigures:
    """Refusals among pictures of one kind that are not bone radiographs.

    Attributes:
        kind: Such as "photographs".
        sources: Number of photographs, patients or drawings from which the pictures come;
            intervals count pictures of one source together.
        refused: Share of the pictures that is refused, in [0, 1].
        by_rules: Number of pictures that the grey-level rules alone refuse.
        auroc: AUROC of the Mahalanobis distance alone, pictures against test films, in [0, 1].
        offered: Number of pictures that the app offers to read inverted.
        borderline: The pictures are of films or bones, such as photographs of films; they are
            marked on the card, and do not count among the intruders.
    """

    kind: str
    sources: int
    refused: Estimate
    by_rules: int
    auroc: Estimate
    offered: int
    borderline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InvertedFigures:
    """Refusals among the films of a split with black and white swapped.

    Attributes:
        refused: Share of the films that is refused, in [0, 1].
        recognised: Share of the films that the app offers to read inverted, in [0, 1].
    """

    refused: Estimate
    recognised: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognisedFigures:
    """Recognition of one body region on test films.

    Attributes:
        region: An entry of bonefx.scope.statistics.REGIONS.
        found: Share of the films with the region on which it is recognised, in [0, 1].
        false_positive_rate: Share of the other films on which it is recognised, in [0, 1].
    """

    region: str
    found: Estimate
    false_positive_rate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFigures:
    """How often a body region is named, on test films whose region is known.

    Regions of which it is not known whether a film shows them count neither way.

    Attributes:
        named: Share of the films on which at least one region is named, in [0, 1].
        wrong: Share of these on which a region is named that they do not show; None if no region
            was named.
    """

    named: Estimate
    wrong: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrientationFigures:
    """How a model's answer depends on the orientation, on validation films turned in all four.

    Attributes:
        point: Operating point of the verdicts.
        orientations: In how many orientations the model reads a film, 1 or 4.
        same_verdict_alone: Share of the films with one verdict in all four orientations where the
            network reads one of them, in [0, 1].
        opposite_verdicts_alone: Share of the films called fracture in one orientation and no
            fracture in another, likewise, in [0, 1].
        auroc: Of all films as the model reads them, in [0, 1].
        auroc_alone: Of all films in one orientation, by clockwise quarter turns 0 to 3, in [0, 1].
        refused: Share of the films that is refused in each of these orientations, in [0, 1]; empty
            in figures that were measured before it was.
    """

    point: str
    orientations: int
    same_verdict_alone: Estimate
    opposite_verdicts_alone: Estimate
    auroc: Estimate
    auroc_alone: tuple[Estimate, ...]
    refused: tuple[Estimate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeFigures:
    """All that a card states about a scope.

    Attributes:
        sha256: Checksum of the scope's file.
        limit: Largest distance of a film in scope, chosen on validation films.
        refused: Share of real films that is refused, by split: "val", "test", and "outside" if
            another data set was measured.
        by_rules: Number of these films that the grey-level rules alone refuse, by split.
        intruders: Figures by kind, on the half of the sources on which nothing was chosen;
            without inverted films.
        all_intruders: Share of all these pictures but the borderline ones that is refused, in
            [0, 1].
        inverted: Figures of inverted films by split; those of val were used to choose limits.
        regions: On test films; empty if the model recognises no region.
        all_regions: Share of test films on which exactly the regions shown are recognised, in
            figures of version 0.1; None in later ones, which have `named`.
        named: How often a region is named, and wrongly; None if no region is known.
        by_region: Figures of each operating point on the test films of each region, by the
            point's name.
        orientation: How the answer depends on the turn of a film; None where it was not measured.
        learned_from: Number of pictures of a folder, not bone radiographs, from which the scope
            learned to recognise such pictures; 0 without a folder.
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
    orientation: OrientationFigures | None = None
    learned_from: int = 0
    named: NamedFigures | None = None
