"""`bonefx models`: list the models that can be used."""

from __future__ import annotations

import argparse
import json
from typing import Any

from bonefx.cli.common import (
    add_extra_models_argument,
    add_machine_arguments,
    load_reader,
    print_origins,
)


def add_models_command(commands: Any) -> None:
    """Add `bonefx models` to the subparsers of the command line."""
    models = commands.add_parser(
        "models",
        help="list the models that can be used",
        description="Load every model and print one JSON line for each.",
    )
    add_extra_models_argument(models)
    add_machine_arguments(models)
    models.set_defaults(run=run_models)


def run_models(options: argparse.Namespace) -> int:
    """Load every model and print one JSON line for each."""
    reader = load_reader(options, also=options.model)
    print_origins(reader)
    for model in reader.models:
        manifest = model.manifest
        points = [point.name for point in manifest.operating_points]
        print(json.dumps({
            "model": model.name, "architecture": manifest.architecture, "points": points,
            "default_point": manifest.default_point, "weights_sha256": manifest.sha256,
            "origin": str(model.origin) if model.origin else None,
            "caution": reader.caution(model.name) or None,
        }))  # fmt: skip
    return 0
