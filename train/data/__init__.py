"""Published data sets -> an index of films with label, split, group and boxes.

An adapter knows one layout and nothing else; it decodes no film. All films are read later, through
bonefx.images.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bonefx.errors import RecipeError
from train.data.adapters.films_csv import index_csv, index_films_csv
from train.data.adapters.fracatlas import FRACATLAS_BOXES, index_fracatlas, read_coco_annotations
from train.data.adapters.grazpedwri import index_grazpedwri
from train.data.adapters.image_folder import index_image_folder
from train.data.adapters.mura import index_mura
from train.data.index import SPLITS_FOLDER, Box, DataSet, Film
from train.data.split import grouped_split

__all__ = [
    "ADAPTERS", "FRACATLAS_BOXES", "SPLITS_FOLDER", "Box", "DataSet", "Film", "grouped_split",
    "index_csv", "index_films_csv", "index_fracatlas", "index_grazpedwri", "index_image_folder",
    "index_mura", "load_data", "read_coco_annotations",
]  # fmt: skip

ADAPTERS: dict[str, Callable[[Path], DataSet]] = {
    "fracatlas": index_fracatlas,
    "image_folder": index_image_folder,
    "csv": index_films_csv,
    "mura": index_mura,
    "grazpedwri": index_grazpedwri,
}


def load_data(layout: str, folder: Path, splits: Path | None = None) -> DataSet:
    """Index a data set.

    Args:
        layout: A key of ADAPTERS, as the recipe names it.
        folder: The data set.
        splits: A CSV file that says label, group and split instead of the layout; see table.

    Raises:
        RecipeError: No such layout is known, the folder does not have it, or the CSV file does
            not fit.
    """
    if layout not in ADAPTERS:
        raise RecipeError(f"there is no data layout {layout!r}; use one of {', '.join(ADAPTERS)}")
    return ADAPTERS[layout](folder) if splits is None else index_csv(folder, splits)
