"""The parser of all training commands, and the exit code of an error.

Heavy libraries are imported by the command that runs, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import sys
from collections.abc import Sequence

from bonefx.errors import BonefxError, SettingsError
from train.cli.audit import add_audit_commands
from train.cli.compare import add_compare_command
from train.cli.evaluate import (
    add_evaluate_command,
    add_maps_command,
    add_outside_command,
    add_points_command,
    add_scope_command,
)
from train.cli.fit import add_fit_command
from train.cli.publish import (
    add_card_command,
    add_export_command,
    add_publish_command,
    add_readme_command,
    add_space_command,
)

# What train imports and the app does not: the extra `train` of pyproject.toml.
TRAINING_PACKAGES = (
    "accelerate", "imagehash", "scipy", "sklearn", "torchmetrics", "yaml",
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments after the program's name; None takes those of the process.

    Returns:
        Exit code: 0 for success, else a code of bonefx.errors.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    options = build_parser().parse_args(argv)
    try:
        check_training_packages()
        options.run(options)
    except BonefxError as error:
        print(f"train: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def check_training_packages() -> None:
    """Check that the packages of the extra `train` are installed.

    Raises:
        SettingsError: A package is missing.
    """
    missing = [name for name in TRAINING_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise SettingsError(
            f"training needs packages that are not installed ({', '.join(missing)}); "
            "run pip install --editable '.[train]' in the checkout"
        )


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of `python -m train` with all its commands."""
    parser = argparse.ArgumentParser(
        prog="python -m train",
        description="Train, evaluate and publish models that find fractures on bone radiographs.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    add_fit_command(commands)
    add_evaluate_command(commands)
    add_scope_command(commands)
    add_maps_command(commands)
    add_points_command(commands)
    add_outside_command(commands)
    add_compare_command(commands)
    add_export_command(commands)
    add_card_command(commands)
    add_publish_command(commands)
    add_space_command(commands)
    add_readme_command(commands)
    add_audit_commands(commands)
    return parser
