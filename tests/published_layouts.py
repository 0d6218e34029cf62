"""Small MURA and GRAZPEDWRI-DX trees in their published layouts, and a folder with a table."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.synthetic import SIDE_PX, make_film

GRAZPEDWRI_COLUMNS = (
    "filestem", "patient_id", "study_number", "timehash", "gender", "age", "laterality",
    "projection", "initial_exam", "ao_classification", "cast", "diagnosis_uncertain", "osteopenia",
    "fracture_visible", "metal", "pixel_spacing", "device_manufacturer",
)  # fmt: skip
GRAZPEDWRI_NAMES = (
    "boneanomaly", "bonelesion", "foreignbody", "fracture", "metal", "periostealreaction",
    "pronatorsign", "softtissue", "text",
)  # fmt: skip


def make_mura(folder: Path, *, patients: int = 12) -> Path:
    """MURA-v1.1/ with two films for each patient; each second patient's study is positive.

    A third of as many patients more are in valid.
    """
    for part, numbers in (("train", range(patients)), ("valid", range(900, 900 + patients // 3))):
        images, studies = [], []
        for number in numbers:
            positive = number % 2 == 1
            region = "XR_SHOULDER" if number % 3 else "XR_WRIST"
            label = "positive" if positive else "negative"
            study = f"MURA-v1.1/{part}/{region}/patient{number:05}/study1_{label}/"
            studies.append((study, int(positive)))
            for film in (1, 2):
                images.append((f"{study}image{film}.png",))
                _write(folder / images[-1][0], make_film(positive, seed=10 * number + film)[0])
        _write_rows(folder / "MURA-v1.1" / f"{part}_image_paths.csv", images)
        _write_rows(folder / "MURA-v1.1" / f"{part}_labeled_studies.csv", studies)
    return folder


def make_grazpedwri(folder: Path, *, patients: int = 12, **changes: Any) -> Path:
    """dataset.csv, images_part1 and 2, and folder_structure/yolov5 with labels and meta.yaml.

    Each patient has a frontal and a lateral film of 16 bit; the fracture of each second patient can
    be seen on both. The first patient's lateral film shows metal, and patient 2 has a third,
    uncertain film.

    Args:
        folder: Where the tree shall lie.
        patients: How many.
        changes: Cells by column, written into every row.
    """
    rows = []
    for number in range(patients):
        for projection in (1, 2, 2)[: 3 if number == 2 else 2]:
            rows.append(_grazpedwri_row(number, projection, len(rows)) | changes)
            _write_grazpedwri_film(folder, rows[-1], seed=len(rows))
    rows[1]["metal"] = 1
    rows[6]["diagnosis_uncertain"] = 1
    _write_rows(
        folder / "dataset.csv",
        [GRAZPEDWRI_COLUMNS, *([row.get(name, "") for name in GRAZPEDWRI_COLUMNS] for row in rows)],
    )
    names = "\n".join(f"- {name}" for name in GRAZPEDWRI_NAMES)
    meta = folder / "folder_structure" / "yolov5" / "meta.yaml"
    meta.write_text(f"names:\n{names}\nnc: 9\npath: images\n")
    return folder


def _grazpedwri_row(number: int, projection: int, index: int) -> dict[str, Any]:
    return {
        "filestem": f"{number:04}_{index:010}_01_WRI-L{projection}_M011",
        "patient_id": number,
        "projection": projection,
        "fracture_visible": 1 if number % 2 else "",
    }


def _write_grazpedwri_film(folder: Path, row: dict[str, Any], *, seed: int) -> None:
    """A film that is wider than high, so that swapped axes of a box are noticed."""
    pixels, box = make_film(bool(row["fracture_visible"]), seed=seed)
    wide = np.concatenate([pixels, pixels[:, : SIDE_PX // 2]], axis=1)
    part = f"images_part{1 + row['patient_id'] % 2}"
    _write(folder / part / f"{row['filestem']}.png", wide.astype(np.uint16) * 40 + 700)
    labels = folder / "folder_structure" / "yolov5" / "labels" / f"{row['filestem']}.txt"
    labels.parent.mkdir(parents=True, exist_ok=True)
    height, width = wide.shape
    left, top, right, bottom = box
    middle = ((left + right) / 2 / width, (top + bottom) / 2 / height)
    fracture = f"3 {middle[0]} {middle[1]} {(right - left) / width} {(bottom - top) / height}\n"
    labels.write_text("8 0.1 0.1 0.05 0.05\n" + (fracture if row["fracture_visible"] else ""))


def make_table(folder: Path, *, header: str, rows: list[str]) -> Path:
    """A folder with films.csv, and the file of each first cell that has none yet."""
    folder.mkdir(exist_ok=True)
    (folder / "films.csv").write_text("\n".join([header, *rows]) + "\n")
    for index, row in enumerate(rows):
        path = folder / row.split(",")[0]
        if path.suffix == ".png" and ".." not in path.parts:
            _write(path, make_film(index % 2 == 0, seed=index)[0])
    return folder


def _write(path: Path, pixels: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels)


def _write_rows(path: Path, rows: list[Any]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
