"""Write logits.csv: the outputs of a model on each film of its evaluation."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

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
