"""Small synthetic data sets in published layouts, with fractures that a network can learn."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save_file

from tests.factories import make_network, make_pixels
from train.data import SPLITS

SIDE_PX = 96
SHIPPED_SPLIT = SPLITS / "fracatlas.csv"


def make_film(fractured: bool, *, seed: int) -> tuple[NDArray[np.uint8], tuple[int, int, int, int]]:
    """A shaft, broken by a dark gap with a bright rim if fractured; returns it with the gap's box.

    Returns:
        (S, S) uint8 and left, top, right, bottom.
    """
    random = np.random.default_rng(seed)
    pixels = make_pixels(SIDE_PX, SIDE_PX, seed=seed)
    top = int(random.integers(20, SIDE_PX - 40))
    box = (16, top, SIDE_PX - 16, top + 16)
    if fractured:
        pixels[top : top + 16, 16 : SIDE_PX - 16] = random.random((16, SIDE_PX - 32))
    return np.rint(pixels * 255).astype(np.uint8), box


def make_image_folder(folder: Path, *, films: int = 4, first_seed: int = 0) -> Path:
    """An image folder with as many films of each class in each split."""
    for split_index, split in enumerate(("train", "val", "test")):
        for label, name in enumerate(("not fractured", "fractured")):
            place = folder / split / name
            place.mkdir(parents=True)
            for index in range(films):
                seed = first_seed + 1000 * split_index + 100 * label + index
                pixels, _ = make_film(bool(label), seed=seed)
                cv2.imwrite(str(place / f"{index}.png"), pixels)
    return folder


def make_fracatlas(folder: Path, names: dict[str, bool]) -> Path:
    """FracAtlas's layout with the named films; the value says which are fractured."""
    images, annotations = [], []
    for index, (name, fractured) in enumerate(names.items()):
        place = folder / "images" / ("Fractured" if fractured else "Non_fractured")
        place.mkdir(parents=True, exist_ok=True)
        pixels, (left, top, right, bottom) = make_film(fractured, seed=index)
        cv2.imwrite(str(place / name), pixels)
        images.append({"id": index, "file_name": name, "width": SIDE_PX, "height": SIDE_PX})
        if fractured:
            box = [left, top, right - left, bottom - top]
            annotations.append({"id": index, "image_id": index, "bbox": box})
    path = folder / "Annotations" / "COCO JSON" / "COCO_fracture_masks.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    return folder


def shipped_rows() -> list[dict[str, str]]:
    """Rows of the shipped FracAtlas split."""
    with SHIPPED_SPLIT.open(newline="") as file:
        return list(csv.DictReader(file))


def make_split_fracatlas(folder: Path, *, films: int) -> tuple[Path, Path]:
    """FracAtlas with as many films of each class in each split, and one that is excluded.

    Returns:
        The data folder and the folder of its split file.
    """
    shipped = shipped_rows()
    rows = [row for row in shipped if row["split"] == "excluded"][:1]
    for split in ("train", "val", "test"):
        for label in ("fracture", "no_fracture"):
            same = [row for row in shipped if (row["split"], row["label"]) == (split, label)]
            rows += same[:films]
    splits = folder / "splits"
    splits.mkdir()
    with (splits / SHIPPED_SPLIT.name).open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    names = {row["image"]: row["label"] == "fracture" for row in rows if row["split"] != "excluded"}
    return make_fracatlas(folder / "fracatlas", names), splits


RECIPE = """
id = "synthetic"
architecture = "efficientnet_b0"
data = "image_folder"
batch_size = {batch_size}
average_decay = 0.5
{extra}

[[stages]]
size_px = 64
epochs = {epochs}

[optimiser]
{optimiser}

[augmentation]
rotation_deg = 5.0
flip = true
contrast = 0.1
gamma = 1.1

[evidence]
weight = 0.5
"""


ADAMW = """
learning_rate = 1e-3
weight_decay = 0.01
"""

SGD = """
name = "sgd_plateau"
learning_rate = 0.05
momentum = 0.9
weight_decay = 1e-4
factor = 0.5
patience = 1
"""


def write_recipe(
    path: Path, *, epochs: int = 1, extra: str = "", optimiser: str = ADAMW, batch_size: int = 4
) -> Path:
    """A recipe that ends in seconds."""
    path.write_text(
        RECIPE.format(epochs=epochs, extra=extra, optimiser=optimiser, batch_size=batch_size)
    )
    return path


def write_initial_weights(path: Path) -> Path:
    """Seeded features of EfficientNet-B0 as a file that --init takes."""
    state = make_network("efficientnet_b0").backbone.state_dict()
    features = {name: value for name, value in state.items() if "features" in name}
    save_file(features, path, metadata={"bn_eps": "1e-3", "note": "seed 0", "licence": "none"})
    return path
