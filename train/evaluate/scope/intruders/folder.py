"""Pictures of a folder: dental and chest films, slices, and borderline pictures of films."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image

from bonefx.errors import RecipeError
from train.evaluate.scope.intruders.picture import Intruder, half, make_intruder

LABELS = "labels.csv"
INTRUDER, BORDERLINE = "intruder", "borderline"


def read_intruders(folder: Path, name: str) -> list[Intruder]:
    """Read one half of each class of pictures, in grey, as a user may save them.

    Args:
        folder: Has a file labels.csv with the columns path, class, and kind, which is "intruder",
            or "borderline" for pictures that show films or bones after all.
        name: One of picture.HALVES.

    Raises:
        RecipeError: There is no such file, or it has other columns or kinds.
    """
    path = folder / LABELS
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        classes = defaultdict(list)
        for row in sorted(rows, key=lambda row: row["path"]):
            classes[row["class"]].append((row["path"], row["kind"]))
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"{path} cannot be read as a table with the columns path, class and kind; correct it, "
            "or leave out --intruders"
        ) from error
    unknown = {row["kind"] for row in rows} - {INTRUDER, BORDERLINE}
    if unknown:
        raise RecipeError(
            f"{path} has the kinds {', '.join(sorted(unknown))}; use {INTRUDER} and {BORDERLINE}"
        )
    return [
        _read(folder, place, kind=title.replace("_", " "), borderline=kind == BORDERLINE)
        for title, places in sorted(classes.items())
        for place, kind in half(places, name)
    ]


def _read(folder: Path, place: str, *, kind: str, borderline: bool) -> Intruder:
    try:
        with Image.open(folder / place) as image:
            levels = np.asarray(image.convert("L"))
    except OSError as error:
        raise RecipeError(f"{folder / place} cannot be read as a picture; correct it") from error
    return make_intruder(kind, place, levels, borderline=borderline)
