"""Published data sets -> an index of films with label, split, group and boxes.

An adapter knows one layout and nothing else; it decodes no film. All films are read later, through
bonefx.images.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from train.data.fracatlas import FRACATLAS_BOXES, coco_boxes, fracatlas
from train.data.image_folder import image_folder
from train.data.index import SPLITS, Box, DataSet, Film

__all__ = [
    "ADAPTERS", "FRACATLAS_BOXES", "SPLITS", "Box", "DataSet", "Film", "coco_boxes", "fracatlas",
    "image_folder",
]  # fmt: skip

ADAPTERS: dict[str, Callable[[Path], DataSet]] = {
    "fracatlas": fracatlas,
    "image_folder": image_folder,
}
