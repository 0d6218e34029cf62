"""Published data sets -> an index of films with label, split, group and boxes.

An adapter knows one layout and nothing else; it opens no film.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bonefx.errors import RecipeError

SPLITS = Path(__file__).parent / "splits"
FRACATLAS_BOXES = Path("Annotations", "COCO JSON", "COCO_fracture_masks.json")
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """One film of a data set.

    Attributes:
        path: Its file.
        name: Its name within the data set.
        fractured: The ground truth.
        split: train, val or test.
        group: Films of one patient or source share it; a group lies in one split.
        region: Body region; "" where the data set does not say.
        boxes: Annotated fractures as left, top, right, bottom, in pixels of the film.
        annotated: The boxes are known to be all fractures of the film.
    """

    path: Path
    name: str
    fractured: bool
    split: str
    group: str
    region: str = ""
    boxes: tuple[Box, ...] = ()
    annotated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """An index of films and where they come from.

    Attributes:
        split_sha256: Checksum of the file that says which film is in which split; None where the
            folders say it.
    """

    name: str
    licence: str
    source: str
    split_sha256: str | None
    films: tuple[Film, ...]

    def split(self, name: str) -> list[Film]:
        """Films of one split, in the order of the index.

        Raises:
            RecipeError: The split is empty or has films of one class only.
        """
        films = [film for film in self.films if film.split == name]
        if len({film.fractured for film in films}) < 2:
            raise RecipeError(
                f"split {name!r} of {self.name} has {len(films)} films of fewer than two classes; "
                "check the folder and its split file"
            )
        return films


def fracatlas(folder: Path) -> DataSet:
    """Index FracAtlas in its published layout, with the project's patient-block splits.

    Args:
        folder: Holds images/{Fractured,Non_fractured} and Annotations/.

    Raises:
        RecipeError: The layout is not there, or a film of the split is missing.
    """
    split_file = SPLITS / "fracatlas.csv"
    boxes = coco_boxes(folder / FRACATLAS_BOXES)
    rows = list(csv.DictReader(split_file.read_text().splitlines()))
    films = tuple(
        _fracatlas_film(folder, row, boxes)
        for row in rows
        if row["split"] in ("train", "val", "test")
    )
    missing = [film.name for film in films if not film.path.is_file()]
    if missing:
        raise RecipeError(
            f"{len(missing)} films of the split are missing, first {missing[0]}; unpack FracAtlas "
            "(figshare 22363012) so that images/Fractured and images/Non_fractured lie in --data"
        )
    return DataSet(
        name="FracAtlas",
        licence="CC BY 4.0",
        source="Abedeen et al. (2023), Scientific Data 10:521, doi 10.1038/s41597-023-02432-4",
        split_sha256=hashlib.sha256(split_file.read_bytes()).hexdigest(),
        films=films,
    )


def _fracatlas_film(folder: Path, row: dict[str, str], boxes: dict[str, list[Box]]) -> Film:
    fractured = row["label"] == "fracture"
    own = tuple(boxes.get(row["image"], ()))
    return Film(
        path=folder / "images" / ("Fractured" if fractured else "Non_fractured") / row["image"],
        name=row["image"],
        fractured=fractured,
        split=row["split"],
        group=row["patient_block"],
        region=row["regions"],
        boxes=own,
        annotated=bool(own) or not fractured,
    )


def coco_boxes(path: Path) -> dict[str, list[Box]]:
    """Read annotated boxes from a file in COCO's format.

    Returns:
        By file name, boxes as left, top, right, bottom, in pixels of the film.

    Raises:
        RecipeError: The file is missing or no JSON.
    """
    try:
        coco = json.loads(path.read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise RecipeError(
            f"no readable annotations at {path.name}; --data must hold FracAtlas as published"
        ) from error
    names = {image["id"]: image["file_name"] for image in coco["images"]}
    boxes: dict[str, list[Box]] = {}
    for annotation in coco["annotations"]:
        left, top, width, height = annotation["bbox"]
        boxes.setdefault(names[annotation["image_id"]], []).append(
            (left, top, left + width, top + height)
        )
    return boxes


FRACTURED_NAMES = ("fractured", "fracture")
INTACT_NAMES = ("not fractured", "not_fractured", "non_fractured", "no_fracture", "normal")


def image_folder(folder: Path) -> DataSet:
    """Index {train,val,test}/{fractured,not fractured}/ as image folders lay films out.

    Every file is a film of its own group: such a layout does not tell patients apart.

    Raises:
        RecipeError: A split or a class folder is missing or has another name.
    """
    films: list[Film] = []
    for split in ("train", "val", "test"):
        classes = sorted(path for path in (folder / split).glob("*") if path.is_dir())
        for path in classes:
            films += _class_films(path, split)
    if not films:
        raise RecipeError(
            "--data has no train/, val/ and test/ with class folders such as "
            f"'{FRACTURED_NAMES[0]}' and '{INTACT_NAMES[0]}'; lay the films out so"
        )
    return DataSet(
        name=folder.name, licence="as given by its owner", source="", split_sha256=None,
        films=tuple(films),
    )  # fmt: skip


def _class_films(folder: Path, split: str) -> list[Film]:
    name = folder.name.lower()
    if name not in FRACTURED_NAMES + INTACT_NAMES:
        raise RecipeError(
            f"class folder {folder.name!r} is not known; call it '{FRACTURED_NAMES[0]}' or "
            f"'{INTACT_NAMES[0]}'"
        )
    return [
        Film(
            path=path,
            name=f"{split}/{folder.name}/{path.name}",
            fractured=name in FRACTURED_NAMES,
            split=split,
            group=f"{split}/{folder.name}/{path.name}",
        )
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.startswith(".")
    ]


ADAPTERS: dict[str, Callable[[Path], DataSet]] = {
    "fracatlas": fracatlas,
    "image_folder": image_folder,
}
