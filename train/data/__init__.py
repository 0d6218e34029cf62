"""Index data sets: films with label, split, group and annotated boxes.

Each adapter indexes one layout of a data folder and decodes no film. Films are decoded later by
bonefx.films.formats.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from bonefx.errors import RecipeError
from train.data.adapters.combined import index_combined
from train.data.adapters.films_csv import index_csv, index_films_csv
from train.data.adapters.fracatlas import FRACATLAS_BOXES, index_fracatlas, read_coco_annotations
from train.data.adapters.grazpedwri import index_grazpedwri
from train.data.adapters.image_folder import index_image_folder
from train.data.adapters.mura import index_mura
from train.data.index import SPLITS_FOLDER, Box, DataSet, DataSource, Film
from train.data.split import grouped_split

__all__ = [
    "ADAPTERS", "FRACATLAS_BOXES", "SPLITS_FOLDER", "Box", "DataSet", "DataSource", "Film",
    "grouped_split", "index_csv", "index_films_csv", "index_fracatlas", "index_grazpedwri",
    "index_image_folder", "index_mura", "load_data", "read_coco_annotations",
]  # fmt: skip

COMBINED = "combined"
ADAPTERS: dict[str, Callable[[Path], DataSet]] = {
    "fracatlas": index_fracatlas,
    "image_folder": index_image_folder,
    "csv": index_films_csv,
    "mura": index_mura,
    "grazpedwri": index_grazpedwri,
    COMBINED: lambda folder: index_combined(folder, load_data),
}


def load_data(
    layout: str, folder: Path, splits: Path | None = None, *, sources: Collection[str] = ()
) -> DataSet:
    """Index a data set.

    Args:
        layout: A key of ADAPTERS; the `data` of a recipe.
        folder: Folder of the data set.
        splits: CSV file with label, group and split, used instead of the layout; see
            train.data.adapters.films_csv.index_csv.
        sources: Hospitals and collections whose films are used; empty for all.

    Raises:
        RecipeError: The layout is unknown, the folder does not have it, the CSV file is invalid,
            or a source is not in the data set.
    """
    if layout not in ADAPTERS:
        raise RecipeError(f"there is no data layout {layout!r}; use one of {', '.join(ADAPTERS)}")
    if layout == COMBINED and splits is not None:
        raise RecipeError(
            "several data sets together take no --splits; each set has its own split, see sets.toml"
        )
    data_set = ADAPTERS[layout](folder) if splits is None else index_csv(folder, splits)
    return data_set.of_sources(sources) if sources else data_set
