"""Choose the example films from FracAtlas by a fixed rule without a model; write films.json.

Run from the repository: python -m examples.choose data/fracatlas train/splits/fracatlas.csv
"""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import sys
from pathlib import Path

from PIL import Image

from train.data import FRACATLAS_BOXES, read_coco_annotations

EXAMPLES_FOLDER = Path(__file__).parent
MIN_EXAMPLE_SIDE_PX = 350
EXAMPLE_SLOTS = [  # label, region, accepted region flags of the publisher
    ("fracture", "hand", {"hand"}),
    ("fracture", "leg", {"leg"}),
    ("fracture", "hand", {"hand"}),
    (
        "fracture",
        "shoulder",
        {"shoulder", "hand+shoulder"},
    ),  # others differ from the published files
    ("no_fracture", "hand", {"hand"}),
    ("no_fracture", "leg", {"leg"}),
    ("no_fracture", "hip", {"hip"}),
    ("no_fracture", "shoulder", {"shoulder"}),
]


def find_example_candidates(data: Path, split_file: Path) -> list[dict[str, str]]:
    """Find unmodified test films without hardware, of one view, and not in the Kaggle set."""
    with (data / "dataset.csv").open() as file:
        flags = {row["image_id"]: row for row in csv.DictReader(file)}
    with split_file.open() as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["image"])
    return [
        row
        for row in rows
        if row["split"] == "test"
        and row["in_kaggle_set"] == "0"
        and not row["why_excluded"]
        and _is_single_view_without_hardware(flags[row["image"]])
        and _is_unmodified(published_film_path(data, row), row["sha256_original"])
    ]


def published_film_path(data: Path, row: dict[str, str]) -> Path:
    """Return the path of a film in the published layout."""
    folder = "Fractured" if row["label"] == "fracture" else "Non_fractured"
    return data / "images" / folder / row["image"]


def _is_single_view_without_hardware(flags: dict[str, str]) -> bool:
    views = [flags[view] for view in ("frontal", "lateral", "oblique")]
    return flags["hardware"] == flags["multiscan"] == "0" and views.count("1") == 1


def _is_unmodified(path: Path, sha256: str) -> bool:
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        return False
    with Image.open(path) as image:
        return min(image.size) >= MIN_EXAMPLE_SIDE_PX


def choose_examples(rows: list[dict[str, str]]) -> list[tuple[str, dict[str, str]]]:
    """Choose the first film by number for each slot, from a patient block of no earlier slot."""
    chosen: list[tuple[str, dict[str, str]]] = []
    for label, region, accepted in EXAMPLE_SLOTS:
        used_blocks = {row["patient_block"] for _, row in chosen}
        chosen.append((region, next(
            row for row in rows
            if row["label"] == label
            and row["regions"] in accepted
            and row["patient_block"] not in used_blocks
        )))  # fmt: skip
    return sorted(chosen, key=lambda pair: pair[1]["image"])


def write_examples(data: Path, split_file: Path) -> None:
    """Copy the chosen films to the folder of this file and write films.json."""
    annotations = read_coco_annotations(data / FRACATLAS_BOXES)
    films = []
    for region, row in choose_examples(find_example_candidates(data, split_file)):
        name = row["image"]
        shutil.copyfile(published_film_path(data, row), EXAMPLES_FOLDER / name)
        films.append({
            "file": name, "label": row["label"], "region": region,
            "boxes": [
                [round(edge) for edge in fracture.box] for fracture in annotations.get(name, [])
            ],
            "sha256": row["sha256_original"],
        })  # fmt: skip
    text = ",\n".join(f"  {json.dumps(film)}" for film in films)
    (EXAMPLES_FOLDER / "films.json").write_text(f"[\n{text}\n]\n")


if __name__ == "__main__":
    write_examples(Path(sys.argv[1]), Path(sys.argv[2]))
