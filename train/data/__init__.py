"""Published data sets -> an index of films with label, split, group and boxes.

An adapter knows one layout and nothing else; it decodes no film. All films are read later, through
bonefx.images.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from train.data.adapters.fracatlas import FRACATLAS_BOXES, coco_annotations, fracatlas
from train.data.adapters.grazpedwri import grazpedwri
from train.data.adapters.image_folder import image_folder
from train.data.adapters.mura import mura
from train.data.adapters.table import films_csv, table
from train.data.index import SPLITS_FOLDER, Box, DataSet, Film
from train.data.split import grouped_split

__all__ = [
    "ADAPTERS", "FRACATLAS_BOXES", "SPLITS_FOLDER", "Box", "DataSet", "Film", "coco_annotations",
    "films_csv", "fracatlas", "grazpedwri", "grouped_split", "image_folder", "load_data", "mura",
    "table",
]  # fmt: skip

ADAPTERS: dict[str, Callable[[Path], DataSet]] = {
    "fracatlas": fracatlas,
    "image_folder": image_folder,
    "csv": films_csv,
    "mura": mura,
    "grazpedwri": grazpedwri,
}


def load_data(layout: str, folder: Path, splits: Path | None = None) -> DataSet:
    """Index a data set.

    Args:
        layout: A key of ADAPTERS, as the recipe names it.
        folder: The data set.
        splits: A CSV file that says label, group and split instead of the layout; see table.

    Raises:
        RecipeError: The layout is not there, or the CSV file does not fit.
    """
    return ADAPTERS[layout](folder) if splits is None else table(folder, splits)
