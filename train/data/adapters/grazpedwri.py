"""The published layout of GRAZPEDWRI-DX, wrist radiographs of children."""

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
GRAZPEDWRI_CLASSES = (  # as published; the position is the class number of a box
    "boneanomaly", "bonelesion", "foreignbody", "fracture", "metal", "periostealreaction",
    "pronatorsign", "softtissue", "text",
)  # fmt: skip
GRAZPEDWRI_VIEWS = {"1": "frontal", "2": "lateral"}
GRAZPEDWRI_SHARES = (("train", 0.7), ("val", 0.15), ("test", 0.15))
GRAZPEDWRI_REMEDY = (
    "unpack GRAZPEDWRI-DX (figshare 14825193) so that --data contains dataset.csv, "
    "images_part1 to images_part4 and folder_structure"
)


def index_grazpedwri(folder: Path) -> DataSet:
    """Index GRAZPEDWRI-DX, split by patient into 70 % train, 15 % val and 15 % test.

    A film is positive if the fracture is visible on it: of one fractured wrist, the lateral film
    may be positive and the frontal one negative. Films with a diagnosis that the publisher marks
    as uncertain are excluded and counted. No film is decoded; only the image size is read from the
    file header, to convert the boxes.

    Args:
        folder: Folder with dataset.csv, images_part1 to images_part4 (or images), and yolov5 (or
            folder_structure/yolov5) with the boxes. Without boxes no film counts as annotated.

    Raises:
        RecipeError: The layout is incomplete, or a film is missing.

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
    logger.info("%d films with an uncertain diagnosis are excluded", len(rows) - len(sure))
    films = split_films(_with_boxes(folder, indexed), GRAZPEDWRI_SHARES)
    return DataSet(
        name="GRAZPEDWRI-DX",
        licence="CC BY 4.0",
        source="Nagy et al. (2022), Scientific Data 9:222, doi 10.1038/s41597-022-01328-z",
        split_sha256=compute_split_checksum(films),
        films=films,
        label_meaning="fracture visible on the film",
        unsuitable_for="adults",
        left_out=len(rows) - len(sure),
    )


def _film(row: CsvRow, path: Path) -> Film:
    return Film(
        path=path,
        name=row.text("filestem"),
        fractured=bool(row.flag("fracture_visible")),  # an empty cell means no
        split="",  # set by split_films
        group=row.text("patient_id"),
        region="wrist",
        view=GRAZPEDWRI_VIEWS.get(row.text("projection"), ""),
        hardware=bool(row.flag("metal")),
    )


def _with_boxes(folder: Path, films: Sequence[Film]) -> Sequence[Film]:
    for folder_name in GRAZPEDWRI_ANNOTATIONS:
        if (folder / folder_name / "labels").is_dir():
            fracture = _fracture_class(folder / folder_name)
            return [_annotated(film, folder / folder_name / "labels", fracture) for film in films]
    return films


def _annotated(film: Film, labels: Path, fracture: int) -> Film:
    boxes = _boxes(film.path, labels / f"{film.name}.txt", fracture)
    if bool(boxes) != film.fractured:  # boxes and label contradict each other
        return film
    return replace(film, boxes=boxes, annotated=True)


def _fracture_class(folder: Path) -> int:
    """Return the class number of fractures from meta.yaml or data.yaml, or the published one."""
    for name in ("meta.yaml", "data.yaml"):
        path = folder / name
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
    """Read the fractures of a film in YOLO format, in pixels of the film."""
    size_px = _size_px(film)
    if size_px is None or not annotations.is_file():
        return ()
    text = annotations.read_text(encoding="utf-8")
    try:
        lines = [[float(cell) for cell in line.split()] for line in text.splitlines()]
        return tuple(_box(line[1:], size_px) for line in lines if line and line[0] == fracture)
    except ValueError as error:
        raise RecipeError(
            "a file of yolov5/labels has a line that is not `class x y width height`; "
            f"{GRAZPEDWRI_REMEDY}"
        ) from error


def _box(relative: Sequence[float], size_px: tuple[int, int]) -> Box:
    x, y, width, height = relative  # centre and size of the box, relative to the film
    film_width, film_height = size_px
    return (
        (x - width / 2) * film_width,
        (y - height / 2) * film_height,
        (x + width / 2) * film_width,
        (y + height / 2) * film_height,
    )


def _size_px(path: Path) -> tuple[int, int] | None:
    """Read width and height from the file header; None for a damaged file."""
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, Image.DecompressionBombError):
        return None
