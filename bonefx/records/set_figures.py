"""Figures of one model on films of one hospital or collection."""

from __future__ import annotations

from dataclasses import dataclass

from bonefx.records.estimate import Estimate
from bonefx.records.model import OperatingPoint


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFigures:
    """Figures of one model on films of one hospital or collection.

    Films that the scope refuses count in all figures but called_fracture and sent_to_review.

    Attributes:
        name: Name of the data set, or of the source within it.
        split: Split of the films; "all" if the set was measured whole.
        trained_on: Whether other films of the same source were trained on.
        n: Number of distinct films, without those of the training split.
        fractured: Number of films with a fracture.
        groups: Number of patients or sources.
        refused: Share of films that the scope refuses.
        auroc: Area under the ROC curve; None with fewer than 5 films of either label.
        points: Each operating point's figures on these films.
        called_fracture: Share of the films in scope called fracture at the balanced point.
        sent_to_review: Share of the films in scope sent to review at the balanced point.
        pointing: Share of the boxed films called fractured on which the map's maximum lies in a
            box; None without such films.
        normals_against_others: AUROC of the logit for telling this set's films without fracture
            from those of the other sets measured with it. 0.5 if the model does not tell sources
            apart; None without such films.
        calibration_error: Expected calibration error of the probability, in [0, 1]; None with fewer
            than 5 films of either label.
    """

    name: str
    split: str
    trained_on: bool
    n: int
    fractured: int
    groups: int
    refused: Estimate
    auroc: Estimate | None
    points: tuple[OperatingPoint, ...]
    called_fracture: Estimate | None
    sent_to_review: Estimate | None
    pointing: Estimate | None
    normals_against_others: Estimate | None = None
    calibration_error: Estimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSummary:
    """What accompanies each reading of a model: how it did on films of other hospitals.

    Attributes:
        name: Name of the set.
        auroc: Area under the ROC curve of all its films, in [0, 1].
        refused: Share of its films that the scope refuses; None where it was not measured.
    """

    name: str
    auroc: Estimate
    refused: Estimate | None
