"""Measure the figures of a split from its films and their network outputs.

Thresholds are arguments; nothing is chosen here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from bonefx.models.cell_grid import CellGrid
from bonefx.models.decision import decide
from bonefx.models.networks import SplitNetwork
from bonefx.models.preprocess import PreprocessSpec
from bonefx.records import Calibration, Estimate, OperatingPoint, Verdict, VerdictShares
from bonefx.records.split_figures import ClassFigures, Classification, GroupFigures, SplitFigures
from train import metrics
from train.data.cache import CachedFilms
from train.data.index import film_subgroups
from train.evaluate.maps.localisation import measure_localisation
from train.evaluate.operating_points import BALANCED, calibrated_probabilities
from train.fit.outputs import NetworkOutputs, compute_network_outputs

MIN_FILMS_PER_CLASS = 5  # of each class; below that a subgroup has no AUROC


ERRORS: dict[str, metrics.Metric] = {
    "expected_calibration_error": metrics.calibration_error,
    "brier": metrics.brier_score,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class ReadSplit:
    """The films of one split, with the outputs of one network.

    Attributes:
        films: N films.
        outputs: Of the films.
    """

    films: CachedFilms
    outputs: NetworkOutputs

    @property
    def logits(self) -> NDArray[np.float64]:
        """Logit of each film, (N,)."""
        return self.outputs.logits

    def select(self, indices: NDArray[np.int64]) -> ReadSplit:
        """Return the films at the given indices, in that order."""
        return ReadSplit(films=self.films.select(indices), outputs=self.outputs.select(indices))


def read_films(network: SplitNetwork, films: CachedFilms, spec: PreprocessSpec) -> ReadSplit:
    """Run films through a network as readings do."""
    return ReadSplit(films=films, outputs=compute_network_outputs(network, films, spec))


def split_figures(
    read: ReadSplit,
    *,
    calibration: Calibration,
    points: tuple[OperatingPoint, ...],
    grid: CellGrid,
    trained_on: set[str],
) -> SplitFigures:
    """Measure the figures of a split.

    Args:
        read: Films and network outputs.
        calibration: Fitted on validation films.
        points: Chosen on validation films.
        grid: Position of the map's cells on the network input.
        trained_on: SHA-256 of the training films' files.
    """
    films, fractured, groups = read.films, read.films.fractured, read.films.groups
    probability, plain = calibrated_probabilities(read.logits, calibration), expit(read.logits)
    interval = partial(metrics.estimate_with_interval, fractured=fractured, groups=groups)
    balanced = next(point for point in points if point.name == BALANCED)
    called = probability >= balanced.threshold
    return SplitFigures(
        n=len(fractured),
        fractured=int(fractured.sum()),
        groups=len(np.unique(groups)),
        skipped=films.skipped,
        in_training=sum(digest in trained_on for digest in films.sha256.tolist()),
        auroc=interval(metrics.auroc, values=read.logits),
        sensitivity_at_90_specificity=replace(
            interval(metrics.sensitivity_at_specificity, values=read.logits),
            n=int(fractured.sum()),
        ),
        before={name: interval(figure, values=plain) for name, figure in ERRORS.items()},
        after={name: interval(figure, values=probability) for name, figure in ERRORS.items()},
        points=tuple(point_on(probability, fractured, point, groups=groups) for point in points),
        classification=classification(read.logits > 0, fractured, groups),
        subgroups=subgroups(films, read.logits, called),
        localisation=measure_localisation(films, read.outputs.cells, called, grid),
    )


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
        point: Threshold and review band; its figures are replaced.
        groups: Patient or block of each film, (N,).
    """
    called = probability >= point.threshold
    verdicts = np.array([decide(float(value), point) for value in probability])
    negative = verdicts == Verdict.NO_FRACTURE
    return replace(
        point,
        sensitivity=metrics.estimate_proportion(called[fractured], groups[fractured]),
        specificity=metrics.estimate_proportion(~called[~fractured], groups[~fractured]),
        review_rate=metrics.estimate_proportion(verdicts == Verdict.REVIEW, groups),
        missed_rate=metrics.estimate_proportion(fractured[negative], groups[negative]),
        verdicts=_verdict_shares(verdicts, fractured, groups),
    )


def _verdict_shares(
    verdicts: NDArray[np.str_], fractured: NDArray[np.bool_], groups: NDArray[np.str_]
) -> VerdictShares | None:
    """Return the shares of the verdicts among fractured and intact films; None without both."""
    if fractured.all() or not fractured.any():
        return None

    def share(verdict: Verdict, films: NDArray[np.bool_]) -> Estimate:
        found = metrics.estimate_proportion(verdicts[films] == verdict, groups[films])
        assert found is not None  # there are films of both kinds
        return found

    return VerdictShares(
        fractures_called=share(Verdict.FRACTURE, fractured),
        fractures_reviewed=share(Verdict.REVIEW, fractured),
        fractures_missed=share(Verdict.NO_FRACTURE, fractured),
        intact_called=share(Verdict.FRACTURE, ~fractured),
        intact_reviewed=share(Verdict.REVIEW, ~fractured),
    )


def classification(
    called: NDArray[np.bool_], fractured: NDArray[np.bool_], groups: NDArray[np.str_]
) -> Classification:
    """Compute accuracy, precision and recall.

    Args:
        called: Whether each film is called fractured, (N,).
        fractured: Ground truth, (N,).
        groups: Patient or block of each film, (N,).
    """
    from sklearn.metrics import classification_report, confusion_matrix

    names = ["no_fracture", "fracture"]
    table = classification_report(
        fractured, called, labels=[False, True], target_names=names, output_dict=True,
        zero_division=0.0,
    )  # fmt: skip
    (tn, fp), (fn, tp) = confusion_matrix(fractured, called, labels=[False, True]).tolist()
    accuracy = metrics.estimate_proportion(called == fractured, groups)
    assert accuracy is not None  # a split has films
    parts = {
        name: ClassFigures(
            precision=row["precision"], recall=row["recall"], f1=row["f1-score"],
            support=int(row["support"]),
        )
        for name, row in table.items() if name != "accuracy"
    }  # fmt: skip
    return Classification(
        accuracy=accuracy,
        confusion=((tn, fp), (fn, tp)),
        no_fracture=parts["no_fracture"],
        fracture=parts["fracture"],
        macro=parts["macro avg"],
        weighted=parts["weighted avg"],
    )


def subgroups(
    films: CachedFilms, logits: NDArray[np.float64], called: NDArray[np.bool_]
) -> dict[str, dict[str, GroupFigures]]:
    """Measure each subgroup, by its name and value."""
    belongs = [film_subgroups(film) for film in films.films]
    figures: dict[str, dict[str, GroupFigures]] = {}
    for trait, value in sorted({pair for pairs in belongs for pair in pairs}):
        own = np.array([(trait, value) in pairs for pairs in belongs])
        figures.setdefault(trait, {})[value] = _group_figures(
            films.fractured[own], logits[own], called[own], films.groups[own]
        )
    return figures


def _group_figures(
    fractured: NDArray[np.bool_],
    logits: NDArray[np.float64],
    called: NDArray[np.bool_],
    groups: NDArray[np.str_],
) -> GroupFigures:
    both = min(fractured.sum(), (~fractured).sum()) >= MIN_FILMS_PER_CLASS
    return GroupFigures(
        n=len(fractured),
        fractured=int(fractured.sum()),
        auroc=metrics.estimate_with_interval(metrics.auroc, fractured, logits, groups)
        if both
        else None,
        sensitivity=metrics.estimate_proportion(called[fractured], groups[fractured]),
        specificity=metrics.estimate_proportion(~called[~fractured], groups[~fractured]),
    )
