"""Do the heat maps point at fractures, and do they tell what the network looks at?

    python -m tests.bench.bench_heatmaps --data data/fracatlas

Method and threshold are chosen on annotated films of val, and measured on those of test that the
model calls fractured. A table for people goes to stderr, one JSON line to stdout, and a figure to
--out. Slow references and faithfulness take --films of them, the first by name.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from benchmarks.faithfulness_tests import faithfulness, slow_references
from benchmarks.maps import Heats, Maps, maps_of
from benchmarks.maps_figure import draw_maps
from benchmarks.places import agreement, off_anatomy
from bonefx.heatmaps.methods import GRAD_CAM, HEATMAP_METHODS
from bonefx.models.registry import LoadedModel, load_model, model_ids, pick_device, weights_folder
from bonefx.records import Estimate
from bonefx.schema import dump_record
from train.data import load_data
from train.data.cache import load_cached
from train.evaluate.localisation import measure_maps, overlap_with_boxes
from train.metrics import estimate_ratio_of_means

THRESHOLDS = np.linspace(0.05, 0.95, 19)


def best_threshold(maps: Maps, heats: Heats) -> float:
    """Choose the share of the peak from which a map overlaps the boxes best."""
    truths = maps.truths
    pairs = list(zip(truths, heats(truths), strict=True))
    means = [
        np.mean([overlap_with_boxes(heat, truth, from_share=share) for truth, heat in pairs])
        for share in THRESHOLDS
    ]
    return float(THRESHOLDS[int(np.argmax(means))])


def row_of(val: Maps, test: Maps, name: str) -> dict[str, object]:
    """Measure one row on test, its threshold chosen on val."""
    threshold = best_threshold(val, val.rows()[name])
    return dump_record(measure_maps(test.films, test.truths, test.rows()[name](test.truths))) | {
        "iou": dump_record(mean_overlap(test, test.rows()[name], threshold)),
        "iou_threshold": threshold,
    }


def mean_overlap(maps: Maps, heats: Heats, from_share: float) -> Estimate:
    """Measure the mean intersection over union of maps and boxes."""
    truths = maps.truths
    overlaps = np.array([
        overlap_with_boxes(heat, truth, from_share=from_share)
        for truth, heat in zip(truths, heats(truths), strict=True)
    ])  # fmt: skip
    groups = maps.films.groups[[truth.index for truth in truths]]
    return estimate_ratio_of_means(overlaps, np.ones(len(overlaps)), groups)


def chosen_method(val: Maps) -> str:
    """Take the method whose maximum lies in a box most often on val; Grad-CAM where equal."""
    truths, rows = val.truths, val.rows()
    return max(
        HEATMAP_METHODS,
        key=lambda name: (
            measure_maps(val.films, truths, rows[name](truths)).pointing.value, name == GRAD_CAM,
        ),
    )  # fmt: skip


def options_of(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="bench_heatmaps", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), metavar="DIR")
    parser.add_argument("--weights", type=Path, metavar="DIR")
    parser.add_argument("--model", default="efficientnet_b0", metavar="ID")
    parser.add_argument("--device", metavar="NAME")
    parser.add_argument("--films", type=int, default=16, metavar="N", help="for the slow parts")
    parser.add_argument("--out", type=Path, metavar="PNG")
    return parser.parse_args(argv)


def split_maps(model: LoadedModel, split: str, options: argparse.Namespace) -> Maps:
    """Run a split's annotated films through a model."""
    films = load_data("fracatlas", options.data).split(split)
    size_px = model.manifest.preprocess.size_px
    return maps_of(model, load_cached(films, size_px=size_px, folder=options.cache))


def main(argv: list[str] | None = None) -> None:
    """Measure, and print a table and a JSON line."""
    options = options_of(argv)
    folder, device = weights_folder(options.weights), pick_device(options.device)
    ids = [options.model, *(name for name in model_ids(folder) if name != options.model)]
    model, *others = (load_model(folder / name, device=device) for name in ids)
    val, test = (split_maps(model, name, options) for name in ("val", "test"))
    result = {
        "model": model.name,
        "weights_sha256": model.manifest.sha256,
        "cam_layer": model.manifest.cam_layer,
        "method_chosen_on_val": chosen_method(val),
        "test": {name: row_of(val, test, name) for name in test.rows()},
        "off_anatomy": off_anatomy(test),
        "agreement": [agreement(test, split_maps(other, "test", options)) for other in others],
        "slow": slow_references(test, films=options.films),
        "faithfulness": faithfulness(test, films=options.films),
    }
    print(json.dumps(result))
    tell(result)
    if options.out:
        draw_maps(test, options.out)


def tell(result: dict[str, object]) -> None:
    """Print a table for people to stderr; slow references have no threshold from val."""
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
