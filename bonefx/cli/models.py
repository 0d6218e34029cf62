"""`bonefx models`: list the models that can be used."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass
from bonefx.cli.common import load_reader


def run_models(options: argparse.Namespace) -> int:
    """Print a line for each model that can be used."""
    reader = load_reader(options, also=options.model)
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
