"""The layout of image folders, {train,val,test}/{fractured,not fractured}/, common on Kaggle."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from bonefx.errors import RecipeError
from train.data.index import SPLITS_FOLDER, DataSet, Film

FRACTURE_FOLDERS = ("fractured", "fracture")


NO_FRACTURE_FOLDERS = ("not fractured", "not_fractured", "non_fractured", "no_fracture", "normal")


def index_image_folder(folder: Path) -> DataSet:
    """Index folders {train,val,test}/{fractured,not fractured}/.

    Each file forms a group of its own, because the layout does not identify patients.

    Raises:
        RecipeError: No class folder is found, or one has an unknown name.
    """
    films: list[Film] = []
    for split in ("train", "val", "test"):
        classes = sorted(path for path in (folder / split).glob("*") if path.is_dir())
        for path in classes:
            films += _class_films(path, split)
    if not films:
        raise RecipeError(
            "--data has no folders train/, val/ and test/ with class folders such as "
            f"'{FRACTURE_FOLDERS[0]}' and '{NO_FRACTURE_FOLDERS[0]}'; arrange the films in this way"
        )
    return DataSet(
        name=folder.resolve().name, licence="as given by its owner", source="", split_sha256=None,
        films=tuple(films),
    )  # fmt: skip


def _class_films(folder: Path, split: str) -> list[Film]:
    name = folder.name.lower()
    if name not in FRACTURE_FOLDERS + NO_FRACTURE_FOLDERS:
        raise RecipeError(
            f"class folder {folder.name!r} is not known; rename it to '{FRACTURE_FOLDERS[0]}' or "
            f"'{NO_FRACTURE_FOLDERS[0]}'"
        )
    return [
        Film(
            path=path,
            name=f"{split}/{folder.name}/{path.name}",
            fractured=name in FRACTURE_FOLDERS,
            split=split,
            group=f"{split}/{folder.name}/{path.name}",
            in_other_set=f"{split}/{folder.name}/{path.name}" in kaggle_paths_in_fracatlas(),
        )
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.startswith(".")
    ]


@cache
def kaggle_paths_in_fracatlas() -> frozenset[str]:
    """Read which films of Kaggle's "Fracture Multi-Region X-ray Data" are in FracAtlas, by path."""
    with (SPLITS_FOLDER / "kaggle_shared.csv").open(newline="") as file:
        return frozenset(row["path"] for row in csv.DictReader(file))
