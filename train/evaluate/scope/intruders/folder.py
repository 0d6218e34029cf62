"""Pictures of a folder: dental and chest films, slices, and borderline pictures of films."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from train.data.adapters.csv_rows import CsvRow, read_csv_rows
from train.evaluate.scope.intruders.picture import Intruder, half, make_intruder

LABELS = "labels.csv"
INTRUDER, BORDERLINE = "intruder", "borderline"


def read_intruders(folder: Path, name: str) -> list[Intruder]:
    """Read one half of each class of pictures, in grey, as a user may save them.

    Args:
        folder: Has a file labels.csv with the columns path, class, and kind, which is "intruder",
            or "borderline" for pictures that show films or bones after all. With a column group,
            of patients or origins, no group is in both halves.
        name: One of picture.HALVES.

    Raises:
        RecipeError: There is no such file, or it has other columns or kinds.
    """
    rows = read_csv_rows(
        folder / LABELS,
        needed=("path", "class", "kind"),
        remedy="correct it, or leave out --intruders",
    )
    for row in rows:
        if row.text("kind") not in (INTRUDER, BORDERLINE):
            raise row.error(f"the kind is {row.text('kind')!r}; use {INTRUDER} or {BORDERLINE}")
    pictures = []
    for title in sorted({row.text("class") for row in rows}):
        own = [row for row in rows if row.text("class") == title]
        kept = set(half(sorted({_group(row) for row in own}), name))
        pictures += [_read(folder, row) for row in own if _group(row) in kept]
    return pictures


def _group(row: CsvRow) -> str:
    """Return the patient or origin of a picture, or else the picture."""
    return row.text("group") or row.text("path")


def _read(folder: Path, row: CsvRow) -> Intruder:
    try:
        with Image.open(folder / row.text("path")) as image:
            levels = np.asarray(image.convert("L"))
    except OSError as error:
        raise row.error("the picture is missing or cannot be read; correct it") from error
    return make_intruder(
        row.text("class").replace("_", " "), _group(row), levels,
        borderline=row.text("kind") == BORDERLINE,
    )  # fmt: skip
