"""Write and read logits.csv: the outputs of a model on each film of its evaluation."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonefx.errors import RecipeError
from bonefx.records import Calibration
from train.evaluate.operating_points import calibrated_probabilities
from train.evaluate.split_figures import ReadSplit
from train.files import write_atomically

LOGITS = "logits.csv"


def write_logits(
    path: Path, reads: dict[str, ReadSplit], calibration: Calibration, trained_on: set[str]
) -> None:
    """Write one line for each film: checksum, label, logit, probability and map peak.

    The names of films and groups may be names of patients; the file has checksums and numbers
    instead.
    """
    rows = [row for name in reads for row in _rows(name, reads[name], calibration, trained_on)]

    def write(part: Path) -> None:
        with part.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    write_atomically(path, write)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class WrittenSplit:
    """Films of one split as logits.csv holds them: logits, ground truth and groups, (N,) each."""

    logits: NDArray[np.float64]
    fractured: NDArray[np.bool_]
    groups: NDArray[np.str_]


def read_logits(path: Path) -> dict[str, WrittenSplit]:
    """Read the splits of a logits.csv by their names.

    Raises:
        RecipeError: The file is missing or damaged.
    """
    try:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        names = dict.fromkeys(row["split"] for row in rows)
        return {name: _written([row for row in rows if row["split"] == name]) for name in names}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise RecipeError(
            f"{path.name} of {path.parent.name} is missing or damaged; evaluate the model again"
        ) from error


def _written(rows: Sequence[dict[str, str]]) -> WrittenSplit:
    return WrittenSplit(
        logits=np.array([float(row["logit"]) for row in rows]),
        fractured=np.array([int(row["fractured"]) for row in rows], bool),
        groups=np.array([row["group"] for row in rows]),
    )


def _rows(
    split: str, read: ReadSplit, calibration: Calibration, trained_on: set[str]
) -> list[dict[str, Any]]:
    films = read.films
    _, numbers = np.unique(films.groups, return_inverse=True)
    probability = calibrated_probabilities(read.logits, calibration)
    return [
        {
            "split": split, "sha256": sha256, "fractured": int(film.fractured),
            "group": int(number), "in_training": int(sha256 in trained_on),
            "logit": round(float(logit), 6), "probability": round(float(p), 6),
            "heat_peak": round(float(peak), 6),
        }
        for film, sha256, number, logit, p, peak in zip(
            films.films, films.sha256.tolist(), numbers, read.logits, probability,
            read.outputs.peaks, strict=True,
        )
    ]  # fmt: skip
