"""Read weights/comparisons/<first>--<second>.json: two models on the same test films.

`python -m train compare FIRST SECOND --write` writes such a file. A comparison of other weights
than the loaded ones is refused, so that no outdated figure is shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from pydantic import ConfigDict

from bonefx.errors import WeightsError
from bonefx.models.registry import LoadedModel
from bonefx.records import Estimate
from bonefx.schema import parse_record

COMPARISONS = "comparisons"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapOverlap:
    """Overlap of two models' heat maps on validation fractures that both found.

    Attributes:
        n: Films on which both call fracture and show a map.
        median: Median intersection over union of their hot regions, in [0, 1].
        least: 5 % quantile of the same, in [0, 1]; a smaller overlap is a contradiction.
    """

    n: int
    median: float
    least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredComparison:
    """Comparison of two models on the same films, each at its own balanced threshold.

    Attributes:
        models: Ids of the first and the second model.
        weights_sha256: Checksums of their weights.
        films: Number of films that both read in test or outside, by data set; two films are the
            same if the checksums of their files agree.
        n: Number of films of all data sets.
        fractured: Number of films with a fracture.
        groups: Number of patients or sources.
        left_out: Further common films, left out because one of the two was trained on them.
        aurocs: AUROC of each model on these films, in [0, 1].
        difference: AUROC of the first minus that of the second, with the interval of a paired
            bootstrap over groups.
        only_first: Films that only the first calls correctly.
        only_second: Films that only the second calls correctly.
        mcnemar_p: p value of the exact two-sided McNemar test of these two counts.
        maps: Overlap of their heat maps; None if it was not measured.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    models: tuple[str, str]
    weights_sha256: tuple[str, str]
    films: dict[str, int]
    n: int
    fractured: int
    groups: int
    left_out: int
    aurocs: tuple[Estimate, Estimate]
    difference: Estimate
    only_first: int
    only_second: int
    mcnemar_p: float
    maps: MapOverlap | None = None

    def stale(self, weights_sha256: Mapping[str, str]) -> str | None:
        """Return why the comparison is stale and what to do; None if the weights are unchanged.

        Args:
            weights_sha256: Checksums of the present weights by model id.
        """
        compared = zip(self.models, self.weights_sha256, strict=True)
        other = [name for name, was in compared if weights_sha256.get(name) != was]
        if not other:
            return None
        return (
            f"the comparison of {' and '.join(self.models)} is stale: it was made with other "
            f"weights of {' and '.join(other)}; {compare_command(*self.models)}"
        )


def comparison_path(weights: Path, first: str, second: str) -> Path:
    """Return the path of the comparison of two models, by their ids."""
    return weights / COMPARISONS / f"{first}--{second}.json"


def compare_command(first: str, second: str) -> str:
    """Return the remedy: the command that compares two models, by their ids."""
    return f"run `python -m train compare weights/{first} weights/{second} --write`"


def find_measured_comparison(first: LoadedModel, second: LoadedModel) -> MeasuredComparison | None:
    """Find the comparison of two loaded models, in either order; None if there is none.

    The folders that contain the two model folders are searched.

    Raises:
        WeightsError: The comparison is damaged, or was made with other weights.
    """
    stale: WeightsError | None = None
    for path in _possible_paths(first, second):
        if path.is_file():
            try:
                return _read_current(path, (first, second))
            except WeightsError as error:
                stale = stale or error
    if stale is not None:
        raise stale
    return None


def _possible_paths(first: LoadedModel, second: LoadedModel) -> list[Path]:
    folders = dict.fromkeys(model.folder.parent for model in (first, second))
    return [
        comparison_path(weights, own.manifest.id, other.manifest.id)
        for weights in folders
        for own, other in permutations((first, second))
    ]


def read_measured_comparison(path: Path, *, remedy: str) -> MeasuredComparison:
    """Read a comparison, without a check of its weights.

    Args:
        path: See comparison_path.
        remedy: What the user can do, as the end of an error message.

    Raises:
        WeightsError: The file is missing or damaged.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path.name} is missing or not JSON; {remedy}") from error
    return parse_record(
        MeasuredComparison, table, source=path.name, error=WeightsError, remedy=remedy
    )


def _read_current(path: Path, models: tuple[LoadedModel, LoadedModel]) -> MeasuredComparison:
    """Read a comparison; one of weights other than the loaded ones raises WeightsError."""
    remedy = compare_command(models[0].manifest.id, models[1].manifest.id)
    comparison = read_measured_comparison(path, remedy=remedy)
    stale = comparison.stale({model.manifest.id: model.manifest.sha256 for model in models})
    if stale:
        raise WeightsError(stale)
    return comparison
