"""The published layout of FracAtlas, with the project's splits by patient block."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from bonefx.errors import RecipeError
from train.data import index
from train.data.adapters.csv_rows import CsvRow, read_csv_rows
from train.data.index import Box, DataSet, Film, Outline, check_files_exist

FRACATLAS_BOXES = Path("Annotations", "COCO JSON", "COCO_fracture_masks.json")
FRACATLAS_VIEWS = ("frontal", "lateral", "oblique")
FRACATLAS_REMEDY = (
    "unpack FracAtlas (figshare 22363012) so that --data contains images/Fractured and "
    "images/Non_fractured"
)


def index_fracatlas(folder: Path) -> DataSet:
    """Index FracAtlas in its published layout, with the project's splits by patient block.

    Labels are read from the split file, because the publisher's dataset.csv has a wrong label
    (IMG0003298). Views and hardware are read from dataset.csv; without it they are unknown.

    Args:
        folder: Folder with images/{Fractured,Non_fractured}, Annotations/ and dataset.csv.

    Raises:
        RecipeError: The layout is incomplete, or a film of the split is missing.
    """
    split_file = index.SPLITS_FOLDER / "fracatlas.csv"
    annotations = read_coco_annotations(folder / FRACATLAS_BOXES)
    facts = _published_facts(folder / "dataset.csv")
    films = tuple(
        _film(folder, row, annotations=annotations, facts=facts.get(row.text("image")))
        for row in read_csv_rows(split_file, remedy="restore it from the repository")
        if row.text("split") in ("train", "val", "test")
    )
    check_files_exist(films, remedy=FRACATLAS_REMEDY)
    return DataSet(
        name="FracAtlas",
        licence="CC BY 4.0",
        source="Abedeen et al. (2023), Scientific Data 10:521, doi 10.1038/s41597-023-02432-4",
        split_sha256=hashlib.sha256(split_file.read_bytes()).hexdigest(),
        films=films,
        unsuitable_for="children",
    )


def _published_facts(path: Path) -> dict[str, CsvRow]:
    if not path.is_file():
        return {}
    rows = read_csv_rows(
        path, needed=("image_id", "hardware", *FRACATLAS_VIEWS), remedy=FRACATLAS_REMEDY
    )
    return {row.text("image_id"): row for row in rows}


def _film(
    folder: Path, row: CsvRow, *, annotations: dict[str, list[Annotation]], facts: CsvRow | None
) -> Film:
    name = row.text("image")
    fractured = row.text("label") == "fracture"
    fractures = annotations.get(name, [])
    return Film(
        path=folder / "images" / ("Fractured" if fractured else "Non_fractured") / name,
        name=name,
        fractured=fractured,
        split=row.text("split"),
        group=row.text("patient_block"),
        region=row.text("regions"),
        boxes=tuple(fracture.box for fracture in fractures),
        outlines=tuple(line for fracture in fractures for line in fracture.outlines),
        annotated=bool(fractures) or not fractured,
        view="+".join(view for view in FRACATLAS_VIEWS if facts and facts.flag(view)),
        hardware=facts.flag("hardware") if facts else None,
        in_other_set=bool(row.flag("in_kaggle_set")),
    )


class Annotation(NamedTuple):
    """One annotated fracture: its box and its outlines, if any."""

    box: Box
    outlines: tuple[Outline, ...]


def read_coco_annotations(path: Path) -> dict[str, list[Annotation]]:
    """Read annotated fractures from a file in COCO format.

    Returns:
        Annotations by file name; boxes as left, top, right, bottom, in pixels of the film.

    Raises:
        RecipeError: The file is missing or not JSON.
    """
    try:
        coco = json.loads(path.read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise RecipeError(
            f"no readable annotations at {path.name}; --data must contain FracAtlas as published"
        ) from error
    names = {image["id"]: image["file_name"] for image in coco["images"]}
    annotations: dict[str, list[Annotation]] = {}
    for table in coco["annotations"]:
        left, top, width, height = table["bbox"]
        outlines = tuple(tuple(line) for line in table.get("segmentation", ()))
        annotations.setdefault(names[table["image_id"]], []).append(
            Annotation((left, top, left + width, top + height), outlines)
        )
    return annotations
