"""Arguments and steps that several commands share: model choice, films, progress.

Heavy libraries are imported inside the functions, so that `bonefx --help` answers at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bonefx.films.sources import FilmSource
    from bonefx.reading.reader import Reader
    from bonefx.records import FilmEdit

CLI_BATCH_FILMS = 8
MODEL_HELP = "an id in the weights folder, the path of a model folder, or hf:OWNER/NAME[@REVISION]"


def add_reading_arguments(command: argparse.ArgumentParser) -> None:
    """Add --model and --point, and the changes of a film before it is read."""
    command.add_argument(
        "--model", metavar="MODEL", help=f"{MODEL_HELP} (default: the first model of the folder)"
    )
    command.add_argument(
        "--point", metavar="NAME", help="operating point (default: the model's default)"
    )
    command.add_argument(
        "--invert", action="store_true", help="swap black and white, for films that show bone dark"
    )
    command.add_argument(
        "--turn", type=_turn_degrees, default=0, metavar="DEGREES",
        help="turn each film clockwise by 90, 180 or 270 degrees",
    )  # fmt: skip
    command.add_argument("--mirror", action="store_true", help="swap left and right of each film")


def _turn_degrees(given: str) -> int:
    from bonefx.records import QUARTER_TURN_DEGREES

    if given not in map(str, QUARTER_TURN_DEGREES):
        raise argparse.ArgumentTypeError(f"turn by 0, 90, 180 or 270 degrees, not by {given}")
    return int(given)


def _region(given: str) -> str:
    from bonefx.scope.statistics import REGIONS

    if given not in REGIONS:
        raise argparse.ArgumentTypeError(f"use one of {', '.join(REGIONS)}, not {given}")
    return given


def add_one_film_arguments(command: argparse.ArgumentParser) -> None:
    """Add changes and requests that make sense for chosen films, not for a whole worklist."""
    command.add_argument(
        "--crop", type=int, nargs=4, metavar=("TOP", "LEFT", "BOTTOM", "RIGHT"),
        help="read only this part, in pixels of the film as bonefx reads it, upright and with "
        "square pixels; bottom and right are excluded",
    )  # fmt: skip
    command.add_argument(
        "--region", type=_region, metavar="NAME",
        help="body region of the films, for the figures in the answer: hand, leg, hip, shoulder, "
        "finger, wrist, forearm, elbow or humerus (default: by the header, else as recognised)",
    )  # fmt: skip
    command.add_argument(
        "--outside-scope", action="store_true",
        help="read a film anyway if only the statistics of the training films refuse it; the "
        "answer is marked as outside the model's scope",
    )  # fmt: skip
    command.add_argument(
        "--damaged", action="store_true",
        help="read a damaged JPEG anyway, as far as it can be decoded; the answer is marked",
    )  # fmt: skip


def add_machine_arguments(command: argparse.ArgumentParser) -> None:
    """Add --device and --weights, which choose where models run and where they are stored."""
    command.add_argument(
        "--device", help="cpu, cuda, cuda:N, mps or auto (default: BONEFX_DEVICE, else auto)"
    )
    command.add_argument(
        "--weights", type=Path, metavar="DIR",
        help="folder of models (default: BONEFX_WEIGHTS, else the models of bonefx itself)",
    )  # fmt: skip
    command.add_argument(
        "--engine", metavar="NAME",
        help="onnx or torch: what runs the networks on a CPU (default: BONEFX_ENGINE, else onnx)",
    )  # fmt: skip


def add_extra_models_argument(command: argparse.ArgumentParser) -> None:
    """Add --model for commands that load every model; it may be given several times."""
    command.add_argument(
        "--model", action="append", default=[], metavar="MODEL",
        help=f"load this model too: {MODEL_HELP}; may be repeated",
    )  # fmt: skip


def load_reader(
    options: argparse.Namespace, *, ids: Sequence[str] | None = None, also: Sequence[str] = ()
) -> Reader:
    """Load models onto the device of the options.

    Args:
        options: With device and weights, from add_machine_arguments.
        ids: Models to load; None loads every model of the folder.
        also: Further models, see MODEL_HELP.

    Returns:
        A reader of these models.
    """
    from bonefx.models.registry import pick_device
    from bonefx.reading.reader import Reader

    device = pick_device(options.device)
    return Reader.from_folder(
        options.weights, device=device, ids=ids, also=also, engine=options.engine
    )


def load_requested_model(options: argparse.Namespace) -> Reader:
    """Load the model that --model names; print its origin and its caution, if any, on stderr."""
    reader = load_reader(options, ids=[options.model] if options.model else None)
    print_origins(reader)
    if caution := reader.caution():
        print(f"bonefx: {caution}", file=sys.stderr)
    return reader


def print_origins(reader: Reader) -> None:
    """Print on stderr which repository and commit each downloaded model is from."""
    for model in reader.models:
        if model.origin:
            print(f"bonefx: {model.name} is {model.origin}", file=sys.stderr)


def requested_edit(options: argparse.Namespace) -> FilmEdit:
    """Return the changes that --crop, --mirror, --turn and --invert ask for.

    Raises:
        SettingsError: --crop has no rows or no columns.
    """
    from bonefx.records import FilmEdit, box_of_edges

    edges = getattr(options, "crop", None)
    return FilmEdit(
        crop=box_of_edges(edges) if edges else None,
        mirrored=options.mirror,
        quarter_turns=options.turn // 90,
        inverted=options.invert,
    )


def show_progress(items: Iterable[Any], *, total: int) -> Iterable[Any]:
    """Show a progress bar on stderr if it is a terminal."""
    from tqdm import tqdm

    counted: Iterable[Any] = tqdm(items, total=total, unit="film", disable=not sys.stderr.isatty())
    return counted


def find_films_in(paths: Sequence[Path]) -> tuple[FilmSource, ...]:
    """Find the films among files and in folders and zip archives.

    Args:
        paths: Files, folders and archives.

    Returns:
        The films in order; the number of files that are not films is printed on stderr.
    """
    from bonefx.films.sources import find_films

    found = find_films((str(path), path) for path in paths)
    if found.left_out:
        print(f"bonefx: {found.left_out} other files left out", file=sys.stderr)
    return found.films
