"""Any folder of films, described by a CSV file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

from bonefx.errors import RecipeError
from train.data.adapters.csv_rows import CsvRow, read_rows
from train.data.adapters.image_folder import (
    FRACTURED_NAMES,
    INTACT_NAMES,
    kaggle_films_of_fracatlas,
)
from train.data.index import DataSet, Film

FILMS_CSV = "films.csv"
TABLE_LABELS = dict.fromkeys((*FRACTURED_NAMES, "1", "positive"), True) | dict.fromkeys(
    (*INTACT_NAMES, "0", "negative"), False
)
SPLIT_NAMES = ("train", "val", "test")
EXCLUDED = "excluded"
AUDIT_COLUMNS = "run `python -m train audit DIR`, which writes splits that no group crosses"
TABLE_COLUMNS = "give it a header with the columns path, label and split, separated by commas"


def table(folder: Path, csv_path: Path) -> DataSet:
    """Index the films that a CSV file names.

    Its columns are path (relative to the folder), label and split (train, val, test or excluded),
    and where known group, region, view, hardware (1 or 0) and fracatlas_twin (not empty: the film
    lies in FracAtlas too). Other columns are ignored. A film without group is its own group.

    Args:
        folder: What the paths are relative to.
        csv_path: The CSV file, in UTF-8.

    Raises:
        RecipeError: The file lacks a column, or a row's label, split or path cannot be used, names
            a film again, or puts a group into a second split. The message names the line and no
            film, as a hospital's file names may be patients'.
    """
    rows = read_rows(csv_path, needed=("path", "label"), remedy=TABLE_COLUMNS)
    if "split" not in rows[0].cells:
        raise RecipeError(f"{csv_path.name} has no column 'split'; {AUDIT_COLUMNS}")
    used = [row for row in rows if row.text("split").lower() != EXCLUDED]
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


def films_csv(folder: Path) -> DataSet:
    """Index the films that films.csv in their own folder names; see table.

    Raises:
        RecipeError: See table.
    """
    return table(folder, folder / FILMS_CSV)


def _film(folder: Path, row: CsvRow) -> Film:
    name = row.text("path")
    return Film(
        path=_path_inside(folder, row),
        name=name,
        fractured=_label(row),
        split=_split(row),
        group=row.text("group") or name,
        region=row.text("region"),
        view=row.text("view"),
        hardware=row.flag("hardware"),
        twin=bool(row.text("fracatlas_twin")) or name in kaggle_films_of_fracatlas(),
    )


def _path_inside(folder: Path, row: CsvRow) -> Path:
    name = row.text("path")
    parts = PureWindowsPath(name)  # it knows both kinds of slashes and roots
    if not name or parts.anchor or ".." in parts.parts:
        raise row.wrong("the path is empty or leaves --data; write it relative to that folder")
    path = folder / name
    if not path.is_file():
        raise row.wrong("there is no such file in --data; correct the path or leave the row out")
    return path


def _label(row: CsvRow) -> bool:
    label = row.text("label").lower()
    if label not in TABLE_LABELS:
        raise row.wrong(f"label {label!r} is not known; write fracture or no_fracture")
    return TABLE_LABELS[label]


def _split(row: CsvRow) -> str:
    split = row.text("split").lower()
    if split not in SPLIT_NAMES:
        raise row.wrong(f"split {split!r} is not known; write train, val, test or {EXCLUDED}")
    return split


def _check_films_differ(rows: Sequence[CsvRow], films: Sequence[Film]) -> None:
    lines: dict[Path, int] = {}
    for row, film in zip(rows, films, strict=True):
        line = lines.setdefault(film.path, row.line)
        if line != row.line:
            raise row.wrong(f"line {line} names the same film; leave one of the two out")


def _check_groups_stay(rows: Sequence[CsvRow], films: Sequence[Film]) -> None:
    first: dict[str, tuple[int, str]] = {}
    for row, film in zip(rows, films, strict=True):
        line, split = first.setdefault(film.group, (row.line, film.split))
        if split != film.split:
            raise row.wrong(
                f"the film's group lies in {film.split} here and in {split} on line {line}; keep a "
                f"group in one split, or {AUDIT_COLUMNS}"
            )
