"""weights/comparisons/<first>--<second>.json: two models on the films that both were tested on.

`python -m train compare FIRST SECOND --write` writes such a file; here it is read, and held against
the weights that are loaded now, so that no figure of other weights is shown.
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
    """How far two models' maps are the same place, on val's fractures that both found.

    Attributes:
        n: Films on which both call the fracture and show a map.
        median: Intersection over union of their hot regions, in [0, 1].
        least: That all but the most unusual films reach, in [0, 1].
    """

    n: int
    median: float
    least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredComparison:
    """Two models on the same films, each at its own balanced threshold.

    Attributes:
        models: Their ids, first and second.
        weights_sha256: Checksums of the weights that were compared.
        films: By data set, how many films both read in test or outside, by checksum of the file.
        n: Of all sets.
        left_out: Such films that one of the two was trained on.
        aurocs: Of each model on these films.
        difference: First minus second AUROC, with the interval of a paired bootstrap over groups.
        only_first: Films that only the first calls right.
        only_second: Films that only the second calls right.
        mcnemar_p: Exact two-sided McNemar test of these two counts.
        maps: Of validation films; None where it was not measured.
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
        """Say whose weights are others now, and what to do; None where they are the same.

        Args:
            weights_sha256: Checksums of the weights as they are, by the models' ids.
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
    """Say where the comparison of two models is written, by their ids."""
    return weights / COMPARISONS / f"{first}--{second}.json"


def compare_command(first: str, second: str) -> str:
    """Say which command compares two models, by their ids."""
    return f"run `python -m train compare weights/{first} weights/{second} --write`"


def find_measured_comparison(first: LoadedModel, second: LoadedModel) -> MeasuredComparison | None:
    """Find how two loaded models compare on a test set; it may name them in either order.

    It is looked for beside the folders of the two. None where nobody has compared them.

    Raises:
        WeightsError: What there is was made with other weights, or is damaged.
    """
    stale: WeightsError | None = None
    for path in _places(first, second):
        if path.is_file():
            try:
                return _checked(path, (first, second))
            except WeightsError as error:
                stale = stale or error
    if stale is not None:
        raise stale
    return None


def _places(first: LoadedModel, second: LoadedModel) -> list[Path]:
    folders = dict.fromkeys(model.folder.parent for model in (first, second))
    return [
        comparison_path(weights, own.manifest.id, other.manifest.id)
        for weights in folders
        for own, other in permutations((first, second))
    ]


def read_measured_comparison(path: Path, *, remedy: str) -> MeasuredComparison:
    """Read a comparison, of whichever weights it is.

    Args:
        path: As comparison_path says.
        remedy: How it is made anew, for the error.

    Raises:
        WeightsError: It is missing or damaged.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path.name} is not JSON; {remedy}") from error
    return parse_record(
        MeasuredComparison, table, source=path.name, error=WeightsError, remedy=remedy
    )


def _checked(path: Path, models: tuple[LoadedModel, LoadedModel]) -> MeasuredComparison:
    """Read a comparison, and refuse one of other weights than are loaded."""
    remedy = compare_command(models[0].manifest.id, models[1].manifest.id)
    found = read_measured_comparison(path, remedy=remedy)
    stale = found.stale({model.manifest.id: model.manifest.sha256 for model in models})
    if stale:
        raise WeightsError(stale)
    return found
