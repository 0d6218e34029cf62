"""The "csv" layout: any folder of films, described by films.csv or another CSV file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

from bonefx.errors import RecipeError
from train.data.adapters.csv_rows import CsvRow, read_csv_rows
from train.data.adapters.image_folder import (
    FRACTURE_FOLDERS,
    NO_FRACTURE_FOLDERS,
    kaggle_paths_in_fracatlas,
)
from train.data.index import Box, DataSet, Film

FILMS_CSV = "films.csv"
CSV_LABELS = dict.fromkeys((*FRACTURE_FOLDERS, "1", "positive"), True) | dict.fromkeys(
    (*NO_FRACTURE_FOLDERS, "0", "negative"), False
)
SPLIT_NAMES = ("train", "val", "test")
EXCLUDED_SPLIT = "excluded"
SPLIT_REMEDY = "run `python -m train audit DIR`, which writes splits with each group in one split"
BOXES_REMEDY = (
    "write boxes as [[left, top, right, bottom], ...] in shares of width and height, and the sides "
    "of the film in pixels under width and height"
)
COLUMNS_REMEDY = "write a header with the columns path, label and split, separated by commas"


def index_csv(folder: Path, csv_path: Path) -> DataSet:
    """Index the films that a CSV file lists.

    Required columns are path (relative to the folder), label (empty if it is not known) and split
    (train, val, test or excluded). Optional columns are group, region, view, hardware (1 or 0),
    types (of fracture, separated by semicolons), source (hospital or collection), fracatlas_twin
    (any text if FracAtlas contains the film too), and boxes: all fractures of the film as a JSON
    list of [left, top, right, bottom], in shares of
    its width and height, beside the columns width and height in pixels. Other columns are ignored.
    A film without a group forms a group of its own. Films without a known label are left out.

    A film without a fracture counts as annotated, with no box, if the table has boxes.

    Args:
        folder: Folder that the paths are relative to.
        csv_path: CSV file in UTF-8.

    Raises:
        RecipeError: A column is missing; a label, split or path is invalid; a film is listed
            twice; or a group lies in two splits. The message states the line and no file name,
            because file names of a hospital may contain patient names.
    """
    rows = read_csv_rows(csv_path, needed=("path", "label"), remedy=COLUMNS_REMEDY)
    if "split" not in rows[0].cells:
        raise RecipeError(f"{csv_path.name} has no column 'split'; {SPLIT_REMEDY}")
    used = [
        row for row in rows if row.text("split").lower() != EXCLUDED_SPLIT and row.text("label")
    ]
    if not used:
        raise RecipeError(f"no row of {csv_path.name} has a label; write fracture or no_fracture")
    films = tuple(_film(folder, row) for row in used)
    _check_films_differ(used, films)
    _check_groups_stay(used, films)
    return DataSet(
        name=folder.resolve().name,
        licence="as given by its owner",
        source="",
        split_sha256=hashlib.sha256(csv_path.read_bytes()).hexdigest(),
        films=films,
        left_out=len(rows) - len(used),
    )


def index_films_csv(folder: Path) -> DataSet:
    """Index the films that films.csv in their folder lists; see index_csv.

    Raises:
        RecipeError: See index_csv.
    """
    return index_csv(folder, folder / FILMS_CSV)


def _film(folder: Path, row: CsvRow) -> Film:
    name, fractured = row.text("path"), _label(row)
    boxes = _boxes(row)
    if boxes and not fractured:
        raise row.error("a film without a fracture has boxes; correct its label, or remove them")
    return Film(
        path=_path_inside(folder, row),
        name=name,
        fractured=fractured,
        split=_split(row),
        group=row.text("group") or name,
        region=row.text("region"),
        boxes=boxes,
        annotated=bool(boxes) or ("boxes" in row.cells and not fractured),
        source=row.text("source"),
        view=row.text("view"),
        hardware=row.flag("hardware"),
        types=tuple(name for part in row.text("types").split(";") if (name := part.strip())),
        in_other_set=bool(row.text("fracatlas_twin")) or name in kaggle_paths_in_fracatlas(),
    )


def _path_inside(folder: Path, row: CsvRow) -> Path:
    name = row.text("path")
    parts = PureWindowsPath(name)  # accepts both kinds of slashes and drive letters
    if not name or parts.anchor or ".." in parts.parts:
        raise row.error(
            "the path is empty or leads outside --data; write it relative to that folder"
        )
    path = folder / name
    if not path.is_file():
        raise row.error("there is no such file in --data; correct the path or remove the row")
    return path


def _boxes(row: CsvRow) -> tuple[Box, ...]:
    """Return the boxes of a row, in pixels of the film.

    Raises:
        RecipeError: They are no JSON list of boxes inside the film, or its size is missing.
    """
    if not row.text("boxes"):
        return ()
    try:
        shares = [tuple(float(edge) for edge in box) for box in json.loads(row.text("boxes"))]
        width, height = int(row.text("width")), int(row.text("height"))
        boxes = tuple(
            (left * width, top * height, right * width, bottom * height)
            for left, top, right, bottom in shares
        )
    except (TypeError, ValueError) as error:
        raise row.error(BOXES_REMEDY) from error
    if not all(
        0 <= left < right <= 1 and 0 <= top < bottom <= 1 for left, top, right, bottom in shares
    ):
        raise row.error(BOXES_REMEDY)
    return boxes


def _label(row: CsvRow) -> bool:
    label = row.text("label").lower()
    if label not in CSV_LABELS:
        raise row.error(f"label {label!r} is not known; write fracture or no_fracture")
    return CSV_LABELS[label]


def _split(row: CsvRow) -> str:
    split = row.text("split").lower()
    if split not in SPLIT_NAMES:
        raise row.error(f"split {split!r} is not known; write train, val, test or {EXCLUDED_SPLIT}")
    return split


def _check_films_differ(rows: Sequence[CsvRow], films: Sequence[Film]) -> None:
    lines: dict[Path, int] = {}
    for row, film in zip(rows, films, strict=True):
        line = lines.setdefault(film.path, row.line)
        if line != row.line:
            raise row.error(f"line {line} names the same film; remove one of the two rows")


def _check_groups_stay(rows: Sequence[CsvRow], films: Sequence[Film]) -> None:
    first: dict[str, tuple[int, str]] = {}
    for row, film in zip(rows, films, strict=True):
        line, split = first.setdefault(film.group, (row.line, film.split))
        if split != film.split:
            raise row.error(
                f"the film's group is in {film.split} here and in {split} on line {line}; "
                f"keep each group in one split, or {SPLIT_REMEDY}"
            )
