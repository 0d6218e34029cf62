"""GRAZPEDWRI-DX, wrists of children, in its published layout."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import yaml
from PIL import Image

from bonefx.errors import RecipeError
from train.data.adapters.csv_rows import CsvRow, read_csv_rows
from train.data.index import Box, DataSet, Film, check_files_exist
from train.data.split import compute_split_checksum, split_films

logger = logging.getLogger(__name__)

GRAZPEDWRI_COLUMNS = (
    "filestem", "patient_id", "projection", "diagnosis_uncertain", "fracture_visible", "metal",
)  # fmt: skip
GRAZPEDWRI_IMAGES = ("images", "images_part1", "images_part2", "images_part3", "images_part4")
GRAZPEDWRI_ANNOTATIONS = (Path("yolov5"), Path("folder_structure", "yolov5"))
GRAZPEDWRI_CLASSES = (  # as published; the index is the class number of a box
    "boneanomaly", "bonelesion", "foreignbody", "fracture", "metal", "periostealreaction",
    "pronatorsign", "softtissue", "text",
)  # fmt: skip
GRAZPEDWRI_VIEWS = {"1": "frontal", "2": "lateral"}
GRAZPEDWRI_SHARES = (("train", 0.7), ("val", 0.15), ("test", 0.15))
GRAZPEDWRI_REMEDY = (
    "unpack GRAZPEDWRI-DX (figshare 14825193) so that dataset.csv, images_part1 to images_part4 "
    "and folder_structure lie in --data"
)


def index_grazpedwri(folder: Path) -> DataSet:
    """Index GRAZPEDWRI-DX, cut by patient into 70 % train, 15 % val and 15 % test.

    A film is positive where the fracture can be seen on it: the lateral film of a broken wrist may
    be positive and the frontal one negative. Films whose diagnosis the publisher calls uncertain
    are left out and counted. No film is decoded; only the size is read from a header, for boxes.

    Args:
        folder: Holds dataset.csv, images_part1 to images_part4 (or images), and yolov5 (or
            folder_structure/yolov5) with the boxes; without boxes no film counts as annotated.

    Raises:
        RecipeError: The layout is not there, or a film is missing.

    Source:
        Nagy et al. (2022), "A pediatric wrist trauma X-ray dataset (GRAZPEDWRI-DX) for machine
        learning", Scientific Data 9:222.
    """
    rows = read_csv_rows(
        folder / "dataset.csv", needed=GRAZPEDWRI_COLUMNS, remedy=GRAZPEDWRI_REMEDY
    )
    sure = [row for row in rows if not row.flag("diagnosis_uncertain")]
    places = {
        path.stem: path for part in GRAZPEDWRI_IMAGES for path in (folder / part).glob("*.png")
    }
    indexed = [
        _film(row, places.get(row.text("filestem"), folder / GRAZPEDWRI_IMAGES[0] / "missing"))
        for row in sure
    ]
    check_files_exist(indexed, remedy=GRAZPEDWRI_REMEDY)
    logger.info("%d films with an uncertain diagnosis are left out", len(rows) - len(sure))
    films = split_films(_with_boxes(folder, indexed), GRAZPEDWRI_SHARES)
    return DataSet(
        name="GRAZPEDWRI-DX",
        licence="CC BY 4.0",
        source="Nagy et al. (2022), Scientific Data 9:222, doi 10.1038/s41597-022-01328-z",
        split_sha256=compute_split_checksum(films),
        films=films,
        label_meaning="fracture visible on the film",
        left_out=len(rows) - len(sure),
    )


def _film(row: CsvRow, path: Path) -> Film:
    return Film(
        path=path,
        name=row.text("filestem"),
        fractured=bool(row.flag("fracture_visible")),  # the publisher leaves a "no" empty
        split="",  # until all films are cut
        group=row.text("patient_id"),
        region="wrist",
        view=GRAZPEDWRI_VIEWS.get(row.text("projection"), ""),
        hardware=bool(row.flag("metal")),
    )


def _with_boxes(folder: Path, films: Sequence[Film]) -> Sequence[Film]:
    for home in GRAZPEDWRI_ANNOTATIONS:
        if (folder / home / "labels").is_dir():
            fracture = _fracture_class(folder / home)
            return [_annotated(film, folder / home / "labels", fracture) for film in films]
    return films


def _annotated(film: Film, labels: Path, fracture: int) -> Film:
    boxes = _boxes(film.path, labels / f"{film.name}.txt", fracture)
    if bool(boxes) != film.fractured:  # its boxes and its label disagree: neither is supervised
        return film
    return replace(film, boxes=boxes, annotated=True)


def _fracture_class(home: Path) -> int:
    """Read the class number of fractures from meta.yaml or data.yaml; else the published one."""
    for name in ("meta.yaml", "data.yaml"):
        path = home / name
        if path.is_file():
            return _class_in(path)
    return GRAZPEDWRI_CLASSES.index("fracture")


def _class_in(path: Path) -> int:
    try:
        names = yaml.safe_load(path.read_text(encoding="utf-8"))["names"]
        numbers = names if isinstance(names, dict) else dict(enumerate(names))
        return next(int(number) for number, name in numbers.items() if name == "fracture")
    except (yaml.YAMLError, KeyError, TypeError, ValueError, StopIteration) as error:
        raise RecipeError(f"{path.name} names no class 'fracture'; {GRAZPEDWRI_REMEDY}") from error


def _boxes(film: Path, annotations: Path, fracture: int) -> tuple[Box, ...]:
    """Read a film's fractures from YOLO's format, in pixels of the film."""
    size_px = _size_px(film)
    if size_px is None or not annotations.is_file():
        return ()
    text = annotations.read_text(encoding="utf-8")
    try:
        lines = [[float(cell) for cell in line.split()] for line in text.splitlines()]
        return tuple(_box(line[1:], size_px) for line in lines if line and line[0] == fracture)
    except ValueError as error:
        raise RecipeError(
            "a file of yolov5/labels has lines that are no `class x y width height`; "
            f"{GRAZPEDWRI_REMEDY}"
        ) from error


def _box(share: Sequence[float], size_px: tuple[int, int]) -> Box:
    x, y, width, height = share  # of the box's centre and sides, in shares of the film's
    across, down = size_px
    return (
        (x - width / 2) * across,
        (y - height / 2) * down,
        (x + width / 2) * across,
        (y + height / 2) * down,
    )


def _size_px(path: Path) -> tuple[int, int] | None:
    """Read a film's width and height from its header; None if damaged: decoding counts it."""
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, Image.DecompressionBombError):
        return None
