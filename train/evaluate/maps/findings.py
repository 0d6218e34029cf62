"""Measure findings: whether the hot regions of shown maps lie at annotated fractures.

Films with fractures that nobody annotated are left out. A finding is right if its hottest point
lies at a box, by the rule of the pointing game.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from torchvision.ops import box_iou

from bonefx.errors import RecipeError
from bonefx.heatmaps.findings import HotRegion, hot_regions
from bonefx.models.cell_grid import CellGrid
from bonefx.records import Calibration, Estimate
from bonefx.records.split_figures import FindingFigures
from train import metrics
from train.evaluate.maps.localisation import AnnotatedFilm, annotation_of, lies_at_box, map_heats
from train.evaluate.operating_points import calibrated_probabilities, fit_calibration
from train.evaluate.split_figures import ReadSplit

LEAST_OVERLAP = 0.5  # intersection over union from which a finding has the bounds of a box
FEWEST_FINDINGS = 20  # right and wrong ones, each; below that no probability is fitted


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class MeasuredFindings:
    """Findings of F films with B annotated fractures.

    Attributes:
        evidence: Of each finding, (N,), in logits.
        right: Whether it lies at a box, (N,).
        bounded: Whether it has the bounds of a box that no stronger finding has, (N,).
        film: Index of its film, (N,), below F.
        found: Whether a finding lies at each box, (B,).
        fracture_film: Index of the film of each box, (B,).
        groups: Patient or block of each film, (F,).
    """

    evidence: NDArray[np.float64]
    right: NDArray[np.bool_]
    bounded: NDArray[np.bool_]
    film: NDArray[np.int64]
    found: NDArray[np.bool_]
    fracture_film: NDArray[np.int64]
    groups: NDArray[np.str_]


def locate_findings(read: ReadSplit, shown: NDArray[np.bool_], grid: CellGrid) -> MeasuredFindings:
    """Compare the findings of films with their annotations.

    Args:
        read: N films with their maps.
        shown: Whether the map of each film is shown, (N,); other films have no finding.
        grid: Position of the cells on the network input.
    """
    annotated = np.array([bool(film.boxes) for film in read.films.films], bool)
    kept = np.flatnonzero(annotated | ~read.films.fractured)
    own, shown = read.select(kept), shown[kept]
    truths = [annotation_of(own.films, index) for index in range(len(kept))]
    evidence: list[float] = []
    right: list[bool] = []
    bounded: list[bool] = []
    film: list[int] = []
    found: list[bool] = []
    for truth, heat in zip(truths, map_heats(truths, own.outputs.cells, grid), strict=True):
        regions = hot_regions(heat) if shown[truth.index] else []
        at = _at_boxes(regions, truth)
        evidence += [one.share * float(own.outputs.peaks[truth.index]) for one in regions]
        right += [any(row) for row in at.tolist()]
        bounded += _bounded(regions, truth)
        film += [truth.index] * len(regions)
        found += [any(column) for column in at.T.tolist()]
    return MeasuredFindings(
        evidence=np.array(evidence, np.float64), right=np.array(right, bool),
        bounded=np.array(bounded, bool), film=np.array(film, np.int64),
        found=np.array(found, bool),
        fracture_film=np.repeat(np.arange(len(truths)), [len(one.boxes) for one in truths]),
        groups=own.films.groups,
    )  # fmt: skip


def _at_boxes(regions: list[HotRegion], truth: AnnotatedFilm) -> NDArray[np.bool_]:
    """Return which regions lie at which boxes of their film, (regions, boxes)."""
    at = [[lies_at_box(one.row, one.column, box) for box in truth.boxes] for one in regions]
    return np.array(at, bool).reshape(len(regions), len(truth.boxes))


def _bounded(regions: list[HotRegion], truth: AnnotatedFilm) -> list[bool]:
    """Return which regions have the bounds of a box; the hottest region takes a box first."""
    if not regions or not truth.boxes:
        return [False] * len(regions)
    bounds = [(one.box.left, one.box.top, one.box.right, one.box.bottom) for one in regions]
    overlaps = box_iou(torch.tensor(bounds).double(), torch.tensor(truth.boxes).double())
    taken: set[int] = set()
    result = []
    for row in overlaps.tolist():
        free = [(iou, box) for box, iou in enumerate(row) if box not in taken]
        iou, box = max(free, default=(0.0, -1))
        result.append(iou >= LEAST_OVERLAP)
        if result[-1]:
            taken.add(box)
    return result


def fit_findings(found: MeasuredFindings, *, split: str) -> Calibration | None:
    """Fit the probability that a finding lies at a fracture, from its evidence.

    Args:
        found: Findings of validation films.
        split: Name of their split, for the record.

    Returns:
        None with fewer than FEWEST_FINDINGS right or wrong findings, or if more evidence does not
        mean that more of them are right.
    """
    right = int(found.right.sum())
    if min(right, len(found.right) - right) < FEWEST_FINDINGS:
        return None
    try:
        return fit_calibration(found.evidence, found.right, split=split)
    except RecipeError:
        return None


def finding_figures(
    found: MeasuredFindings, calibration: Calibration | None
) -> FindingFigures | None:
    """Measure findings; None without an annotated fracture.

    Args:
        found: Findings of films.
        calibration: From fit_findings.
    """
    share = metrics.estimate_proportion(found.found, found.groups[found.fracture_film])
    if share is None:
        return None
    films = len(found.groups)
    wrong = np.bincount(found.film[~found.right], minlength=films).astype(np.float64)
    groups = found.groups[found.film]
    return FindingFigures(
        n=films,
        fractures=len(found.found),
        findings=len(found.evidence),
        found=share,
        wrong_per_film=metrics.estimate_ratio_of_means(wrong, np.ones(films), found.groups),
        right=metrics.estimate_proportion(found.right, groups),
        ap50=_average_precision(found),
        calibration_error=(
            None
            if calibration is None or found.right.all() or not found.right.any()
            else metrics.estimate_with_interval(
                metrics.calibration_error, found.right,
                calibrated_probabilities(found.evidence, calibration), groups,
            )
        ),
    )  # fmt: skip


def _average_precision(found: MeasuredFindings) -> Estimate:
    """Estimate the average precision of findings with the bounds of a box.

    Precision is averaged over the recall of all boxes, those without a finding included.
    """

    def of_films(weights: NDArray[np.float64]) -> float:
        of_findings, boxes = weights[found.film], float(weights[found.fracture_film].sum())
        recall = float(of_findings[found.bounded].sum()) / boxes if boxes else 0.0
        if not recall:
            return 0.0
        return recall * float(
            average_precision_score(found.bounded, found.evidence, sample_weight=of_findings)
        )

    drawn = [of_films(weights) for weights in metrics.resampled_weights(found.groups)]
    value = of_films(np.ones(len(found.groups)))
    return metrics.percentile_estimate(value, drawn, n=len(found.found))
