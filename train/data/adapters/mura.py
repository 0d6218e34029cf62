"""The published layout of MURA v1.1."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from train.data.adapters.csv_rows import CsvRow, read_csv_rows
from train.data.index import DataSet, Film, check_files_exist
from train.data.split import compute_split_checksum, split_films

MURA_FOLDER = "MURA-v1.1"
MURA_SHARES = (("train", 0.9), ("val", 0.1))
MURA_REMEDY = (
    "unpack MURA v1.1 as published, so that --data contains MURA-v1.1/train_image_paths.csv"
)


def index_mura(folder: Path) -> DataSet:
    """Index MURA v1.1. Positive studies are abnormal; fractures are only a part of them.

    The published valid set, whose patients are not in train, is used as test, since the published
    test set is not available. A tenth of train, split by patient, is used as val.

    Args:
        folder: MURA-v1.1/ or its parent folder.

    Raises:
        RecipeError: The layout is incomplete, a study has no label, or a film is missing.

    Source:
        Rajpurkar et al. (2017), "MURA: Large dataset for abnormality detection in musculoskeletal
        radiographs", arXiv 1712.06957.
    """
    root = folder / MURA_FOLDER if (folder / MURA_FOLDER).is_dir() else folder
    films = (*split_films(_films(root, "train"), MURA_SHARES), *_films(root, "valid"))
    check_files_exist(films, remedy=MURA_REMEDY)
    return DataSet(
        name="MURA v1.1",
        licence="Stanford University School of Medicine MURA Dataset Research Use Agreement",
        source="Rajpurkar et al. (2017), arXiv 1712.06957",
        split_sha256=compute_split_checksum(films),
        films=films,
        label_meaning="abnormal study (fracture, hardware, degeneration, lesion or other)",
    )


def _films(root: Path, part: str) -> list[Film]:
    """Index the films of one published part; each film gets the label of its study."""
    studies = read_csv_rows(
        root / f"{part}_labeled_studies.csv", columns=("study", "label"), remedy=MURA_REMEDY
    )
    labels = {PurePosixPath(row.text("study")): row.flag("label") for row in studies}
    images = read_csv_rows(root / f"{part}_image_paths.csv", columns=("path",), remedy=MURA_REMEDY)
    return [_film(root, row, labels) for row in images]


def _film(root: Path, row: CsvRow, labels: dict[PurePosixPath, bool | None]) -> Film:
    path = PurePosixPath(row.text("path"))
    label = labels.get(path.parent)
    if label is None:
        raise row.error(f"its study has no label in the file of labels; {MURA_REMEDY}")
    _, part, region, patient, study, image = _parts(path, row)
    return Film(
        path=root / part / region / patient / study / image,
        name=f"{part}/{region}/{patient}/{study}/{image}",
        fractured=label,
        split="test" if part == "valid" else "train",
        group=patient,
        region=region.removeprefix("XR_").lower(),
    )


def _parts(path: PurePosixPath, row: CsvRow) -> tuple[str, ...]:
    if len(path.parts) != 6 or ".." in path.parts:
        raise row.error(
            f"expected a path such as {MURA_FOLDER}/train/XR_WRIST/patient00001/study1_positive/"
            f"image1.png; {MURA_REMEDY}"
        )
    return path.parts
