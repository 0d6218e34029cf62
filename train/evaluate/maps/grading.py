"""Choose the trust limits of a model on validation films, and measure its maps and findings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bonefx.models.networks import SplitNetwork
from bonefx.models.preprocess import PreprocessSpec
from bonefx.records import TrustLimits
from bonefx.records.evaluation import Evaluation
from train.evaluate.maps.findings import (
    MeasuredFindings,
    finding_figures,
    fit_findings,
    locate_findings,
)
from train.evaluate.maps.map_checks import MapChecks, measure_map_checks
from train.evaluate.maps.trust_limits import (
    choose_strong_drop,
    choose_trust_limits,
    failed_maps,
    measure_grades,
)
from train.evaluate.operating_points import BALANCED, calibrated_probabilities
from train.evaluate.split_figures import ReadSplit


def grade_maps(
    evaluation: Evaluation,
    network: SplitNetwork,
    spec: PreprocessSpec,
    *,
    reads: dict[str, ReadSplit],
    boxed_val: ReadSplit,
) -> Evaluation:
    """Return an evaluation with trust limits from val; measure grades and findings of all splits.

    Args:
        evaluation: Of the network, with calibration, points and the floor of the peak.
        network: The evaluated network.
        spec: Its preprocessing.
        reads: Films of each split, read as readings do. The maps of a split that is missing here
            have neither grades nor findings.
        boxed_val: Validation films for the limit of strong maps, in the orientation of their
            files; those of sources whose labels are not trained on belong to them.
    """
    floor, val = evaluation.heat_floor, reads["val"]
    found = _called(val, evaluation) & (val.outputs.peaks >= floor)
    limits = choose_trust_limits(
        measure_map_checks(network, val, found & val.films.fractured, spec)
    )
    if limits is None:
        return replace(evaluation, trust=None)
    checks = {
        name: _checks_of_boxed(network, read, evaluation, spec) for name, read in reads.items()
    }
    chosen_on = _checks_of_boxed(network, boxed_val, evaluation, spec)
    limits = replace(limits, strong_drop=choose_strong_drop(chosen_on, limits, floor=floor))
    located = {
        name: _findings_of_shown(network, read, spec, limits=limits, floor=floor)
        for name, read in reads.items()
    }
    limits = replace(limits, findings=fit_findings(located["val"], split="val"))
    splits = {
        name: replace(
            figures,
            map_grades=measure_grades(checks[name], limits, floor=floor),
            findings=finding_figures(located[name], limits.findings),
        )
        if name in reads
        else replace(figures, map_grades={}, findings=None)
        for name, figures in evaluation.splits.items()
    }
    return replace(evaluation, trust=limits, splits=splits)


def _findings_of_shown(
    network: SplitNetwork,
    read: ReadSplit,
    spec: PreprocessSpec,
    *,
    limits: TrustLimits,
    floor: float,
) -> MeasuredFindings:
    """Locate the findings of the maps that pass their checks and are not below the floor."""
    shown: NDArray[np.bool_] = read.outputs.peaks >= floor
    checks = measure_map_checks(network, read, shown, spec)
    shown[shown] = ~failed_maps(checks, limits, floor=floor)
    return locate_findings(read, shown, network.grid())


def _called(read: ReadSplit, evaluation: Evaluation) -> NDArray[np.bool_]:
    probability = calibrated_probabilities(read.logits, evaluation.calibration)
    called: NDArray[np.bool_] = probability >= evaluation.splits["val"].point(BALANCED).threshold
    return called


def _checks_of_boxed(
    network: SplitNetwork, read: ReadSplit, evaluation: Evaluation, spec: PreprocessSpec
) -> MapChecks:
    """Measure the maps of the films with boxes that are called fracture."""
    boxed = np.array([bool(film.boxes) for film in read.films.films], bool)
    return measure_map_checks(network, read, boxed & _called(read, evaluation), spec)
