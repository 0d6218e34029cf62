"""`python -m train compare`: compare two evaluated models on the same films."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from train.cli.data_options import DEVICE_HELP

if TYPE_CHECKING:
    from bonefx.models.measured_comparison import MapOverlap


def add_compare_command(commands: Any) -> None:
    """Add the command to the sub-commands of a parser."""
    compare = commands.add_parser("compare", help="compare two evaluated models on the same films")
    compare.add_argument(
        "folders", nargs=2, type=Path, metavar="FOLDER", help="folder of an evaluated run or model"
    )
    compare.add_argument(
        "--write", action="store_true", help="store the result for the app, in WEIGHTS/comparisons"
    )
    compare.add_argument(
        "--weights", type=Path, default=Path("weights"), metavar="WEIGHTS",
        help="folder of all models (default: weights)",
    )  # fmt: skip
    compare.add_argument(
        "--data", type=Path, metavar="DIR",
        help="also measure how far the two models' heat maps overlap, on val of this data set",
    )  # fmt: skip
    compare.add_argument(
        "--layout", default="fracatlas", metavar="NAME",
        help="layout of --data, as `data` in a recipe (default: fracatlas)",
    )  # fmt: skip
    compare.add_argument("--splits", type=Path, metavar="CSV", help="splits of --data, as in fit")
    compare.add_argument(
        "--cache", type=Path, default=Path("runs/cache"), metavar="DIR",
        help="folder of decoded films (default: runs/cache)",
    )  # fmt: skip
    compare.add_argument("--device", help=DEVICE_HELP)
    compare.set_defaults(run=_run_compare)


def _run_compare(options: argparse.Namespace) -> None:
    import json

    from bonefx.schema import dump_record
    from train.evaluate.comparison import compare_and_write, compare_evaluated_models

    maps = _measure_overlap(options) if options.data else None
    if options.write:
        comparison = compare_and_write(*options.folders, weights=options.weights, maps=maps)
    else:
        comparison = compare_evaluated_models(*options.folders, maps=maps)
    print(json.dumps(dump_record(comparison)))


def _measure_overlap(options: argparse.Namespace) -> MapOverlap | None:
    from bonefx.models.registry import pick_device
    from train.data import load_data
    from train.evaluate.maps.overlap import map_overlap

    films = load_data(options.layout, options.data, options.splits).split("val")
    return map_overlap(
        options.folders, films, cache=options.cache, device=pick_device(options.device)
    )
