"""Do the heat maps point at fractures, and do they show what the network uses?

    python -m benchmarks.heatmaps --data data/fracatlas

Method and threshold are chosen on the annotated validation films, and measured on the annotated
test films that the model calls fractured. Faithfulness and the slow methods are measured on the
first --films of those. Prints a table to stderr and one JSON line to stdout; --out draws a figure.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.heatmaps.figure import draw_maps
from benchmarks.heatmaps.film_sample import measure_faithfulness, measure_slow_methods
from benchmarks.heatmaps.location import measure_agreement, measure_off_anatomy
from benchmarks.heatmaps.model_maps import Heats, ModelMaps, compute_model_maps
from bonefx.heatmaps.methods import GRAD_CAM, HEATMAP_METHODS
from bonefx.models.registry import LoadedModel, load_model, model_ids, pick_device, weights_folder
from bonefx.records import Estimate
from bonefx.schema import dump_record
from train.data import load_data
from train.data.cache import load_cached
from train.evaluate.maps.localisation import measure_maps, overlap_with_boxes
from train.metrics import estimate_ratio_of_means

THRESHOLDS = np.linspace(0.05, 0.95, 19)


def choose_threshold(maps: ModelMaps, heats: Heats) -> float:
    """Return the share of the peak at which the maps overlap the boxes best, on average."""
    truths = maps.truths
    pairs = list(zip(truths, heats(truths), strict=True))
    means = [
        np.mean([overlap_with_boxes(heat, truth, from_share=share) for truth, heat in pairs])
        for share in THRESHOLDS
    ]
    return float(THRESHOLDS[int(np.argmax(means))])


def measure_row(val: ModelMaps, test: ModelMaps, name: str) -> dict[str, object]:
    """Measure one method or baseline on test, with its threshold chosen on val."""
    threshold = choose_threshold(val, val.rows()[name])
    heats = test.rows()[name]
    figures = dump_record(measure_maps(test.films, test.truths, heats(test.truths)))
    return {
        **figures,
        "iou": dump_record(measure_overlap(test, heats, threshold)),
        "iou_threshold": threshold,
    }


def measure_overlap(maps: ModelMaps, heats: Heats, from_share: float) -> Estimate:
    """Compute the mean intersection over union of maps and boxes."""
    truths = maps.truths
    overlaps = np.array([
        overlap_with_boxes(heat, truth, from_share=from_share)
        for truth, heat in zip(truths, heats(truths), strict=True)
    ])  # fmt: skip
    groups = maps.films.groups[[truth.index for truth in truths]]
    return estimate_ratio_of_means(overlaps, np.ones(len(overlaps)), groups)


def choose_method(val: ModelMaps) -> str:
    """Return the method whose maximum lies in a box most often; Grad-CAM in a tie."""
    truths, rows = val.truths, val.rows()
    return max(
        HEATMAP_METHODS,
        key=lambda name: (
            measure_maps(val.films, truths, rows[name](truths)).pointing.value, name == GRAD_CAM,
        ),
    )  # fmt: skip


def parse_options(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.heatmaps", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), metavar="DIR")
    parser.add_argument("--weights", type=Path, metavar="DIR")
    parser.add_argument("--model", default="efficientnet_b0", metavar="ID")
    parser.add_argument("--device", metavar="NAME")
    parser.add_argument(
        "--films",
        type=int,
        default=16,
        metavar="N",
        help="films for faithfulness and the slow methods",
    )
    parser.add_argument("--out", type=Path, metavar="PNG")
    return parser.parse_args(argv)


def load_split_maps(model: LoadedModel, split: str, options: argparse.Namespace) -> ModelMaps:
    """Compute a model's maps of the annotated films of a split."""
    films = load_data("fracatlas", options.data).split(split)
    spec = model.manifest.preprocess
    cached = load_cached(
        films, size_px=spec.size_px, folder=options.cache, grey_levels=spec.grey_levels
    )
    return compute_model_maps(model, cached)


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark."""
    options = parse_options(argv)
    folder, device = weights_folder(options.weights), pick_device(options.device)
    ids = [options.model, *(name for name in model_ids(folder) if name != options.model)]
    model, *others = (load_model(folder / name, device=device) for name in ids)
    val, test = (load_split_maps(model, name, options) for name in ("val", "test"))
    result: dict[str, Any] = {
        "model": model.name,
        "weights_sha256": model.manifest.sha256,
        "cam_layer": model.manifest.cam_layer,
        "method_chosen_on_val": choose_method(val),
        "test": {name: measure_row(val, test, name) for name in test.rows()},
        "off_anatomy": measure_off_anatomy(test),
        "agreement": [
            measure_agreement(test, load_split_maps(other, "test", options)) for other in others
        ],
        "slow": measure_slow_methods(test, films=options.films),
        "faithfulness": measure_faithfulness(test, films=options.films),
    }
    print(json.dumps(result))
    print_table(result)
    if options.out:
        draw_maps(test, options.out)


def print_table(result: dict[str, Any]) -> None:
    """Print the table to stderr; the slow methods have no threshold and so no overlap."""
    columns = ("pointing", "energy", "gain", "mass", "hottest", "iou")
    print(f"{'':38}" + "".join(f"{name:>22}" for name in columns), file=sys.stderr)
    for name, row in (result["test"] | result["slow"]).items():
        print(f"{name:38}" + "".join(_cell(row.get(c)) for c in columns), file=sys.stderr)
    for name, row in result["off_anatomy"].items():
        cells = "".join(f"  {place} {_cell(share)}" for place, share in row.items())
        print(f"{name:38}{cells}", file=sys.stderr)
    for row in filter(None, result["agreement"]):
        print(f"overlap with {row['with']:25}{_cell(row['overlap'])}", file=sys.stderr)


def _cell(figure: dict[str, float] | None) -> str:
    if figure is None:
        return f"{'-':>22}"
    return f"{figure['value']:8.3f} ({figure['low']:.2f}-{figure['high']:.2f})"


if __name__ == "__main__":
    main()
