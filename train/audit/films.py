"""List the films to audit with label, split and group, from a folder or a CSV file."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from bonefx.errors import RecipeError
from bonefx.films.discs.film_files import FILM_SUFFIXES
from train.data.adapters.films_csv import CSV_LABELS

FRACTURE_LABEL, NO_FRACTURE_LABEL = "fracture", "no_fracture"
LABEL_NAMES = {
    name: FRACTURE_LABEL if fractured else NO_FRACTURE_LABEL
    for name, fractured in CSV_LABELS.items()
}
SPLIT_FOLDERS = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
EXCLUDED_SPLITS = ("excluded", "holdout")
AUDITED_SUFFIXES = FILM_SUFFIXES | {".gif"}  # a GIF gets a row with the reason to convert it
GROUP_COLUMNS = ("group", "patient_block")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilm:
    """One file to audit.

    Attributes:
        path: The file.
        name: Path within the folder, with forward slashes.
        label: Ground truth; "" if unknown.
        split: Split; "" without splits.
        group: Group stated by the owner of the data, such as a patient; "" if none.
    """

    path: Path
    name: str
    label: str = ""
    split: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditListing:
    """The films to audit, and the number of excluded CSV rows without a file."""

    films: tuple[AuditFilm, ...]
    missing: int = 0


def list_films(folder: Path, splits: Path | None = None) -> AuditListing:
    """List the films of a folder, sorted by name.

    Args:
        folder: Folder of films; split and label are derived from the names of its subfolders.
        splits: CSV file with films, labels and splits, used instead; see list_csv.

    Raises:
        RecipeError: The folder is missing or has no films, or the CSV file is invalid.
    """
    if not folder.is_dir():
        raise RecipeError(f"{folder.name} is not a folder; name the folder that holds the films")
    listing = list_csv(folder, splits) if splits else AuditListing(films=tuple(list_tree(folder)))
    if not listing.films:
        raise RecipeError(
            f"no film was found in {folder.name}; file names of films end in "
            f"{', '.join(sorted(AUDITED_SUFFIXES))}"
        )
    return replace(listing, films=tuple(sorted(listing.films, key=lambda film: film.name)))


def list_tree(folder: Path) -> list[AuditFilm]:
    """List the films of {split}/{class}/, {class}/ or any other folder structure.

    A film's label is the nearest parent folder with a known class name. Folders of other names
    count as classes only if there are several of them.
    """
    films = [_tree_film(folder, path) for path in _find_files(folder)]
    if len({film.label for film in films}) > 1 or any(
        film.label in LABEL_NAMES.values() for film in films
    ):
        return films
    return [replace(film, label="") for film in films]


def list_csv(folder: Path, splits: Path) -> AuditListing:
    """List the films of a CSV file.

    Args:
        folder: Folder of the films.
        splits: CSV file with the columns path (within the folder) or image (file name only),
            label, split and, optionally, group or patient_block.

    Returns:
        The films; rows of the splits excluded and holdout may have no file and are counted.

    Raises:
        RecipeError: The CSV file cannot be read, a column or file is missing, or a label is
            unknown.
    """
    rows = _read_csv(splits)
    paths_by_name = _paths_by_name(folder) if rows and "path" not in rows[0] else None
    films, missing = [], 0
    for number, row in enumerate(rows, start=2):
        path = (
            folder / row["path"]
            if paths_by_name is None
            else _find_by_name(paths_by_name, row["image"], number)
        )
        if path is not None and path.is_file():
            films.append(_csv_film(folder, path, row, number))
        elif row["split"] in EXCLUDED_SPLITS:
            missing += 1
        else:
            raise RecipeError(
                f"{splits.name}, line {number}: there is no such film; check the path, or set "
                f"the split of the row to {EXCLUDED_SPLITS[0]!r}"
            )
    return AuditListing(films=tuple(films), missing=missing)


def _find_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
        if not hidden and path.is_file() and _may_be_film(path):
            yield path


def _may_be_film(path: Path) -> bool:
    """Whether a file has a film's suffix, or no suffix and a DICOM preamble."""
    if path.suffix:
        return path.suffix.lower() in AUDITED_SUFFIXES
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def _tree_film(folder: Path, path: Path) -> AuditFilm:
    name = PurePosixPath(*path.relative_to(folder).parts)
    parents = [part for part in name.parts[:-1] if part.lower() not in SPLIT_FOLDERS]
    split = next(
        (SPLIT_FOLDERS[part.lower()] for part in name.parts if part.lower() in SPLIT_FOLDERS), ""
    )
    known = (LABEL_NAMES[part.lower()] for part in reversed(parents) if part.lower() in LABEL_NAMES)
    return AuditFilm(
        path=path,
        name=str(name),
        label=next(known, parents[-1] if parents else ""),
        split=split,
    )


def _read_csv(splits: Path) -> list[dict[str, str]]:
    try:
        rows = list(csv.DictReader(splits.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise RecipeError(f"{splits.name} cannot be read; it must be a CSV in UTF-8") from error
    columns = set(rows[0]) if rows else set()
    if not ({"label", "split"} <= columns and {"path", "image"} & columns):
        raise RecipeError(f"{splits.name} needs the columns path (or image), label and split")
    return rows


def _csv_film(folder: Path, path: Path, row: dict[str, str], number: int) -> AuditFilm:
    label = row["label"].strip().lower()
    if label not in LABEL_NAMES and label != "":
        raise RecipeError(
            f"line {number} of the CSV: found label {row['label']!r}; write {FRACTURE_LABEL} or "
            f"{NO_FRACTURE_LABEL}, 1 or 0, or leave it empty"
        )
    return AuditFilm(
        path=path,
        name=path.relative_to(folder).as_posix(),
        label=LABEL_NAMES.get(label, ""),
        split=SPLIT_FOLDERS.get(row["split"], row["split"]),
        group=next((row[column] for column in GROUP_COLUMNS if row.get(column)), ""),
    )


def _paths_by_name(folder: Path) -> dict[str, list[Path]]:
    paths: dict[str, list[Path]] = defaultdict(list)
    for path in folder.rglob("*"):
        paths[path.name].append(path)
    return paths


def _find_by_name(paths_by_name: dict[str, list[Path]], name: str, number: int) -> Path | None:
    matches = paths_by_name.get(name, [])
    if len(matches) > 1:
        raise RecipeError(
            f"line {number} of the CSV: {len(matches)} files in the folder have this name; use a "
            "column path instead of image"
        )
    return matches[0] if matches else None
