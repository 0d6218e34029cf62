"""Which films have an exposed field, and is anatomy ever cut off?

    python -m benchmarks.exposed_field --data data/fracatlas --split val

Bone pixels are those above Otsu's threshold of the film, without bright regions that lie along a
side: they span EDGE_SPAN of a side, and 95 % of them lie within EDGE_DEPTH of the sides, as the
unexposed edge of a plate does and a limb does not. A box of an annotated fracture is cut if more
than 2 % of its area lie outside of the field. Expected: no film loses more than 2 % of its bone
pixels, and no box is cut. Prints one JSON line, for the first command kept in exposed_field.json;
names of films whose bone is cut go to stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bonefx.errors import UnreadableRadiographError
from bonefx.films import formats
from bonefx.records import Radiograph, convex_mask
from train.data import ADAPTERS, Film, load_data

MAX_LOSS = 0.02
EDGE_SPAN = 0.6  # of a side
EDGE_DEPTH = 0.15  # of the film


class FieldFigures(NamedTuple):
    """Figures of one film: shares that lie outside of its exposed field."""

    name: str
    cut: float
    bone: float
    boxes_cut: int
    boxes: int


def measure_film(film: Film) -> FieldFigures | None:
    """Measure one film; None if it cannot be read."""
    try:
        read = formats.read(film.path)
    except UnreadableRadiographError:
        return None
    inside = field_pixels(read)
    bone = bone_pixels(read.pixels)
    lost = [_share_outside(inside, box) for box in film.boxes]
    return FieldFigures(
        name=film.name,
        cut=1 - float(inside.mean()),
        bone=float((bone & ~inside).sum() / max(1, bone.sum())),
        boxes_cut=sum(share > MAX_LOSS for share in lost),
        boxes=len(lost),
    )


def field_pixels(film: Radiograph) -> NDArray[np.bool_]:
    """Return which pixels of a film lie in its exposed field, (H, W)."""
    inside = np.ones(film.pixels.shape, bool)
    if film.field is not None:
        inside[:] = False
        corners = film.field_corners
        inside[film.field.slices] = convex_mask(corners, film.field) if corners else True
    return inside


def bone_pixels(pixels: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the bright pixels of a film that do not lie along a side, (H, W)."""
    grey = np.rint(pixels * 255).astype(np.uint8)
    threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)
    bright = grey > threshold
    _, labels = cv2.connectedComponents(bright.astype(np.uint8))
    height, width = labels.shape
    rows, columns = np.indices(labels.shape)
    from_side = np.minimum(
        np.minimum(rows, height - 1 - rows) / height,
        np.minimum(columns, width - 1 - columns) / width,
    )
    for label in np.unique(labels[from_side <= 0.01]):
        region = labels == label
        spans = max(region.any(axis=0).mean(), region.any(axis=1).mean()) >= EDGE_SPAN
        if label and spans and np.quantile(from_side[region], 0.95) <= EDGE_DEPTH:
            bright &= ~region
    return bright


def _share_outside(inside: NDArray[np.bool_], box: tuple[float, float, float, float]) -> float:
    left, top, right, bottom = (round(edge) for edge in box)
    part = inside[top : max(bottom, top + 1), left : max(right, left + 1)]
    return 1 - float(part.mean()) if part.size else 0.0


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the films of one split; the status is 1 if anatomy is cut."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--layout", choices=ADAPTERS, default="fracatlas")
    parser.add_argument("--splits", type=Path)
    parser.add_argument("--split", default="val")
    parser.add_argument("--prefix", default="", help="only films whose name begins so")
    options = parser.parse_args(argv)
    films = load_data(options.layout, options.data, options.splits).films
    chosen = [
        film for film in films
        if film.split == options.split and film.name.startswith(options.prefix)
    ]  # fmt: skip
    with ThreadPoolExecutor(2) as pool:
        measured = [one for one in pool.map(measure_film, chosen) if one is not None]
    losing = [one for one in measured if one.bone > MAX_LOSS]
    fields = [one.cut for one in measured if one.cut > 0]
    for one in losing:
        print(f"{one.name}: {one.bone:.3f} of the bone pixels", file=sys.stderr)
    table = {
        "data": f"{options.data.name} {options.split} {options.prefix}".strip(),
        "n": len(measured),
        "with_field": len(fields),
        "mean_share_cut": round(float(np.mean(fields)), 4) if fields else 0.0,
        "films_losing_bone": len(losing),
        "largest_bone_loss": round(max((one.bone for one in measured), default=0.0), 4),
        "boxes": sum(one.boxes for one in measured),
        "boxes_cut": sum(one.boxes_cut for one in measured),
    }
    print(json.dumps(table))
    return 1 if losing or table["boxes_cut"] else 0


if __name__ == "__main__":
    sys.exit(main())
