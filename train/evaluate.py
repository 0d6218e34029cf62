"""A run's best weights -> evaluation.json: chosen on val, measured once on test.

The weights are evaluated as they will be shipped, kernels and matrices rounded to float16.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from scipy.special import expit

from bonefx.architectures import SplitNetwork
from bonefx.decide import decide
from bonefx.records import Calibration, Estimate, OperatingPoint, Verdict
from bonefx.registry import TrainingData
from bonefx.schema import table_of
from train import metrics
from train.cache import CachedFilms, cached
from train.choose import choose_heat_floor, choose_points, fit_calibration, probabilities
from train.data import ADAPTERS
from train.files import write_atomically
from train.forward import Outputs, outputs_of
from train.localisation import Pointing, pointing
from train.run import RunFacts, best_sha256, counts_of, load_best, read_facts

EVALUATION = "evaluation.json"
LOGITS = "logits.csv"
BALANCED = "balanced"
FEWEST_FILMS = 5  # of each class, for a region's AUROC to say anything


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFigures:
    """Figures of a body region; None where it has too few films of a class to measure."""

    n: int
    fractured: int
    auroc: Estimate | None
    sensitivity: Estimate | None
    specificity: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitFigures:
    """What the model does on one split.

    Attributes:
        skipped: Films of the split that could not be read.
        before: Expected calibration error and Brier score of the plain sigmoid of the logit.
        after: The same of the calibrated probability.
        points: At each operating point, with what it did on this split.
        regions: At the balanced point; a film with two regions counts in both.
        pointing: How often the heat map's maximum lies at an annotated fracture.
    """

    n: int
    fractured: int
    groups: int
    skipped: int
    auroc: Estimate
    sensitivity_at_90_specificity: Estimate
    before: dict[str, Estimate]
    after: dict[str, Estimate]
    points: tuple[OperatingPoint, ...]
    regions: dict[str, GroupFigures] = field(default_factory=dict)
    pointing: dict[str, Pointing] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All that a card states, and all that an export needs beside the weights.

    Attributes:
        weights_sha256: Checksum of the run's float32 weights that were evaluated.
        size_px: Side of the input that films are read at; the last stage's, or one chosen on val.
        trained_size_px: Side of the input in the last stage of training.
        supervised: Annotated boxes supervised the evidence map.
        splits: Figures of val, and of test once it was asked for.
        float16_drift: Largest change of the probability on val by storing float16.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    model: str
    weights_sha256: str
    size_px: int
    trained_size_px: int
    supervised: bool
    data: TrainingData
    calibration: Calibration
    heat_floor: float
    float16_drift: float
    splits: dict[str, SplitFigures]


def evaluate(
    run: Path,
    *,
    data: Path,
    cache: Path,
    with_test: bool,
    device: str,
    size_px: int | None = None,
) -> Evaluation:
    """Evaluate a run and write evaluation.json and logits.csv into its folder.

    Args:
        run: Folder of a fitted run.
        data: Folder of the data set that it was trained on.
        cache: Folder of decoded films.
        with_test: Measure on test too: once, when nothing will be changed any more.
        device: A torch device.
        size_px: Side of the input; None takes the last stage's. A network trained on magnified
            films often reads best a little larger than it was trained (Touvron et al. 2019,
            "Fixing the train-test resolution discrepancy"): compare sizes on val.

    Raises:
        RecipeError: The run has no weights yet, or the data do not fit it.
    """
    facts = read_facts(run)
    data_set = ADAPTERS[facts.recipe.data](data)
    size_px = size_px or facts.recipe.size_px
    names = ("val", "test") if with_test else ("val",)
    films = {name: cached(data_set.split(name), size_px=size_px, folder=cache) for name in names}
    spec = facts.recipe.spec(size_px)
    shipped = load_best(run, facts, float16=True).to(device)
    outputs = {name: outputs_of(shipped, films[name], spec) for name in names}
    exact = outputs_of(load_best(run, facts, float16=False).to(device), films["val"], spec)
    evaluation = _measured(facts, films, outputs, exact, run=run, network=shipped)
    text = json.dumps(table_of(evaluation), indent=2)
    write_atomically(run / EVALUATION, lambda part: part.write_text(text, encoding="utf-8"))
    _write_logits(run / LOGITS, films, outputs)
    return evaluation


def _measured(
    facts: RunFacts,
    films: dict[str, CachedFilms],
    outputs: dict[str, Outputs],
    exact: Outputs,
    *,
    run: Path,
    network: SplitNetwork,
) -> Evaluation:
    """Choose on val, then measure on each split."""
    fractured = fractured_of(films["val"])
    logits = outputs["val"].logits
    calibration = fit_calibration(logits, fractured, split="val")
    probability = probabilities(logits, calibration)
    points = choose_points(probability, fractured)
    balanced = next(point for point in points if point.name == BALANCED)
    floor = choose_heat_floor(outputs["val"].peaks, probability, fractured, balanced.threshold)
    drift = np.abs(probability - probabilities(exact.logits, calibration)).max()
    measure = partial(_split_figures, calibration=calibration, points=points, network=network)
    return Evaluation(
        model=facts.recipe.id,
        weights_sha256=best_sha256(run),
        size_px=films["val"].squares.shape[-1],
        trained_size_px=facts.recipe.size_px,
        supervised=facts.recipe.evidence.weight > 0,
        data=replace(
            facts.data,
            counts=facts.data.counts | {name: counts_of(films[name].films) for name in films},
        ),
        calibration=calibration,
        heat_floor=floor,
        float16_drift=float(drift),
        splits={name: measure(films[name], outputs[name]) for name in films},
    )


def fractured_of(films: CachedFilms) -> NDArray[np.bool_]:
    """Ground truth of cached films, (N,)."""
    return np.array([film.fractured for film in films.films])


def _split_figures(
    films: CachedFilms,
    outputs: Outputs,
    *,
    calibration: Calibration,
    points: tuple[OperatingPoint, ...],
    network: SplitNetwork,
) -> SplitFigures:
    fractured = fractured_of(films)
    groups = np.array([film.group for film in films.films])
    probability = probabilities(outputs.logits, calibration)
    plain = expit(outputs.logits)
    interval = partial(metrics.with_interval, fractured=fractured, groups=groups)
    balanced = next(point for point in points if point.name == BALANCED)
    called = probability >= balanced.threshold
    return SplitFigures(
        n=len(fractured),
        fractured=int(fractured.sum()),
        groups=len(np.unique(groups)),
        skipped=films.skipped,
        auroc=interval(metrics.auroc, values=outputs.logits),
        sensitivity_at_90_specificity=replace(
            interval(metrics.sensitivity_at_specificity, values=outputs.logits),
            n=int(fractured.sum()),
        ),
        before={name: interval(figure, values=plain) for name, figure in ERRORS.items()},
        after={name: interval(figure, values=probability) for name, figure in ERRORS.items()},
        points=tuple(point_on(probability, fractured, point, groups=groups) for point in points),
        regions=_regions(films, outputs.logits, called, groups),
        pointing=pointing(films, outputs.cells, called, network.grid()),
    )


ERRORS: dict[str, metrics.Figure] = {
    "expected_calibration_error": metrics.calibration_error,
    "brier": metrics.brier,
}


def point_on(
    probability: NDArray[np.float64],
    fractured: NDArray[np.bool_],
    point: OperatingPoint,
    *,
    groups: NDArray[np.str_],
) -> OperatingPoint:
    """Measure an operating point on films: threshold alone, and with its review band.

    Args:
        probability: Calibrated, (N,).
        fractured: Ground truth, (N,).
        point: Threshold and band; its figures are replaced.
        groups: Patient or block of each film, (N,).
    """
    called = probability >= point.threshold
    verdicts = np.array([decide(float(value), point) for value in probability])
    negative = verdicts == Verdict.NO_FRACTURE
    return replace(
        point,
        sensitivity=metrics.proportion(called[fractured], groups[fractured]),
        specificity=metrics.proportion(~called[~fractured], groups[~fractured]),
        review_rate=metrics.proportion(verdicts == Verdict.REVIEW, groups),
        missed_rate=metrics.proportion(fractured[negative], groups[negative]),
    )


def _regions(
    films: CachedFilms,
    logits: NDArray[np.float64],
    called: NDArray[np.bool_],
    groups: NDArray[np.str_],
) -> dict[str, GroupFigures]:
    fractured = fractured_of(films)
    regions = [film.region.split("+") if film.region else [] for film in films.films]
    figures = {}
    for region in sorted({name for names in regions for name in names}):
        own = np.array([region in names for names in regions])
        truth = fractured[own]
        both = min(truth.sum(), (~truth).sum()) >= FEWEST_FILMS
        figures[region] = GroupFigures(
            n=len(truth),
            fractured=int(truth.sum()),
            auroc=metrics.with_interval(metrics.auroc, truth, logits[own], groups[own])
            if both
            else None,
            sensitivity=metrics.proportion(called[own & fractured], groups[own & fractured]),
            specificity=metrics.proportion(~called[own & ~fractured], groups[own & ~fractured]),
        )
    return figures


def _write_logits(path: Path, films: dict[str, CachedFilms], outputs: dict[str, Outputs]) -> None:
    """Write one line a film, for plots and for whoever wants to check a figure."""
    rows: list[dict[str, Any]] = [
        {"split": split, "film": film.name, "fractured": int(film.fractured), "group": film.group,
         "region": film.region, "logit": logit, "heat_peak": peak}
        for split in films
        for film, logit, peak in zip(
            films[split].films, outputs[split].logits, outputs[split].peaks, strict=True
        )
    ]  # fmt: skip

    def write(part: Path) -> None:
        with part.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    write_atomically(path, write)
