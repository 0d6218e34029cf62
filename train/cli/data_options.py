"""Options that several training commands share: the data set, and the outside data set."""

from __future__ import annotations

import argparse
from pathlib import Path

DEVICE_HELP = "cpu, cuda or auto (default: BONEFX_DEVICE, else auto)"


def add_data_options(command: argparse.ArgumentParser) -> None:
    """Add the options that name the data set and where its films are read."""
    command.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data set")
    command.add_argument(
        "--splits", type=Path, metavar="CSV",
        help="file with the columns path, label, group, split, used instead of the layout",
    )  # fmt: skip
    command.add_argument(
        "--cache", type=Path, metavar="DIR", help="folder of decoded films (default: beside RUN)"
    )
    command.add_argument("--device", help=DEVICE_HELP)


def add_engine_option(command: argparse.ArgumentParser) -> None:
    """Add the option that chooses what runs the network."""
    command.add_argument(
        "--engine", default="torch", metavar="NAME",
        help="what runs the network on a CPU: torch, or onnx, which is faster and runs in the app "
        "(default: torch)",
    )  # fmt: skip


def add_full_option(command: argparse.ArgumentParser) -> None:
    """Add the option to use the whole head of a network."""
    words = "use the whole head, although the recipe compresses it"
    command.add_argument("--full", action="store_true", help=words)


def add_intruders_option(command: argparse.ArgumentParser) -> None:
    """Add the option that names a folder of pictures that are not bone radiographs."""
    command.add_argument(
        "--intruders", type=Path, metavar="DIR",
        help="pictures that are not bone radiographs, with labels.csv (path, class, kind); half of "
        "them teach the scope, half are measured",
    )  # fmt: skip


def add_outside_options(command: argparse.ArgumentParser) -> None:
    """Add the options that name another data set to measure on."""
    command.add_argument(
        "--outside", type=Path, metavar="DIR", help="another data set, of other hospitals"
    )
    command.add_argument(
        "--outside-layout", default="fracatlas", metavar="NAME",
        help="layout of --outside, as `data` in a recipe (default: fracatlas)",
    )  # fmt: skip
    command.add_argument(
        "--outside-splits", type=Path, metavar="CSV", help="file with the groups of its films"
    )


def cache_folder(options: argparse.Namespace, run: Path) -> Path:
    """Return the folder of decoded films: as given, or beside the run."""
    folder: Path = options.cache or run.parent / "cache"
    return folder
