"""Figures of a model on the films of one split, as evaluation.json records them."""

from __future__ import annotations

from dataclasses import dataclass, field

from bonefx.records.estimate import Estimate
from bonefx.records.model import OperatingPoint
from bonefx.records.trust_limits import GradeFigures, MapGrade


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFigures:
    """Figures of a subgroup of films, at the balanced point.

    Attributes:
        n: Number of films.
        fractured: Number of films with a fracture.
        auroc: None if the subgroup has too few films of a class.
        sensitivity: None if no film of the subgroup has a fracture.
        specificity: None if every film of the subgroup has a fracture.
    """

    n: int
    fractured: int
    auroc: Estimate | None
    sensitivity: Estimate | None
    specificity: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFigures:
    """Precision, recall and F1 score of one class, or their average over both classes.

    Attributes:
        precision: In [0, 1].
        recall: In [0, 1].
        f1: Harmonic mean of precision and recall, in [0, 1].
        support: Number of films.
    """

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """Classification report at the larger of the network's two outputs.

    Attributes:
        accuracy: Share of films called as labelled, in [0, 1].
        confusion: ((true negatives, false positives), (false negatives, true positives)).
        no_fracture: Figures of the films without a fracture.
        fracture: Figures of the films with a fracture.
        macro: Mean over both classes.
        weighted: Mean over both classes, weighted by their number of films.
    """

    accuracy: Estimate
    confusion: tuple[tuple[int, int], tuple[int, int]]
    no_fracture: ClassFigures
    fracture: ClassFigures
    macro: ClassFigures
    weighted: ClassFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class MapFigures:
    """Agreement of heat maps with the annotated fractures of n films.

    Attributes:
        pointing: Share of films on which the map's maximum lies in a box, within a tolerance.
        energy: Mean share of a map's sum inside boxes, in [0, 1]; an empty map counts as 0.
        gain: Mean energy divided by the mean share of the film inside boxes; 1 for a constant
            map.
        mass: Mean share of a map's sum inside annotated outlines, in [0, 1]; None if no film has
            outlines.
        hottest: Share of films on which the hottest 5 % of the pixels contain the centre of a
            box.
    """

    pointing: Estimate
    energy: Estimate
    gain: Estimate
    mass: Estimate | None
    hottest: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Localisation:
    """Figures of heat maps, and of a spot in the centre of each film as a baseline.

    Attributes:
        map: Figures of the maps.
        centre: Figures of the spot.
        pointing_by: Pointing of the maps by subgroup name and value: "region", "view",
            "hardware", and "fracture" with the smaller and the larger half by the share of the
            film inside boxes.
    """

    map: MapFigures
    centre: MapFigures
    pointing_by: dict[str, dict[str, Estimate]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingFigures:
    """Figures of findings, the hot regions of shown maps; films with unboxed fractures left out.

    Attributes:
        n: Number of films, with and without fractures.
        fractures: Number of annotated boxes.
        findings: Number of findings.
        found: Share of the boxes at which a finding lies, in [0, 1].
        wrong_per_film: Findings that lie at no box, divided by the films.
        right: Share of the findings that lie at a box, in [0, 1]; None without findings.
        ap50: Average precision of findings whose intersection over union with a box is at least
            0.5, in [0, 1].
        calibration_error: Expected calibration error of the findings' probability, in [0, 1]; None
            if it is not known, or all findings are right, or none.
    """

    n: int
    fractures: int
    findings: int
    found: Estimate
    wrong_per_film: Estimate
    right: Estimate | None
    ap50: Estimate
    calibration_error: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitFigures:
    """Figures of a model on the films of one split.

    Attributes:
        n: Number of films.
        fractured: Number of films with a fracture.
        groups: Number of patients or sources; equal to n if the data set does not name them.
        skipped: Films of the split that could not be read.
        in_training: Films that are byte-identical to a training film.
        auroc: Area under the ROC curve, in [0, 1].
        sensitivity_at_90_specificity: Read off the curve of these films, in [0, 1].
        before: Expected calibration error and Brier score of the plain sigmoid of the logit.
        after: The same figures of the calibrated probability.
        points: Each operating point with its figures on this split.
        classification: Without calibration and operating points.
        subgroups: Figures by subgroup name (region, view, hardware) and value, at the balanced
            point; a film that shows two regions or views counts in both.
        localisation: Figures of the heat maps by set of films: "annotated" and
            "called_fracture".
        map_grades: Figures of the maps of boxed fractures called fracture, by grade; empty where
            there are none, or the model has no trust limits.
        findings: Figures of the findings; None where they were not measured.
    """

    n: int
    fractured: int
    groups: int
    skipped: int
    in_training: int
    auroc: Estimate
    sensitivity_at_90_specificity: Estimate
    before: dict[str, Estimate]
    after: dict[str, Estimate]
    points: tuple[OperatingPoint, ...]
    classification: Classification
    subgroups: dict[str, dict[str, GroupFigures]] = field(default_factory=dict)
    localisation: dict[str, Localisation] = field(default_factory=dict)
    map_grades: dict[MapGrade, GradeFigures] = field(default_factory=dict)
    findings: FindingFigures | None = None

    def point(self, name: str) -> OperatingPoint:
        """Look up an operating point by name."""
        return next(point for point in self.points if point.name == name)
