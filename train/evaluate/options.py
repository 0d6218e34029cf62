"""What `evaluate` may be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSetDescription:
    """What a card says of a data set."""

    name: str
    licence: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateOptions:
    """What is measured, and where its films are.

    Attributes:
        data: Folder of the data set that the subject was trained on.
        cache: Folder of decoded films.
        device: A torch device.
        splits: The CSV file that the subject was fitted with, if it was.
        with_test: Measure on test too: once, when nothing will be changed any more.
        size_px: Side of the input; None takes the last stage's. A network trained on magnified
            films often reads best a little larger than it was trained (Touvron et al. 2019,
            "Fixing the train-test resolution discrepancy"): compare sizes on val.
        grouped: An evaluated run of the same recipe on a grouped split of the same set.
        outside: Folder of another data set.
        outside_layout: A key of ADAPTERS.
        outside_splits: A CSV file that gives its films their groups.
        description: What the data set is, where its layout does not tell.
        outside_name: The same of the outside set.
        full: Take the whole weights where the recipe ships them compressed.
    """

    data: Path
    cache: Path
    device: str
    splits: Path | None = None
    with_test: bool = False
    size_px: int | None = None
    grouped: Path | None = None
    outside: Path | None = None
    outside_layout: str = "fracatlas"
    outside_splits: Path | None = None
    description: DataSetDescription | None = None
    outside_name: str | None = None
    full: bool = False
