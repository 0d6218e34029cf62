"""`bonefx read`: read films and print one JSON line for each."""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bonefx.cli.common import (
    CLI_BATCH_FILMS,
    add_machine_arguments,
    add_one_film_arguments,
    add_reading_arguments,
    find_films_in,
    load_requested_model,
    requested_edit,
    show_progress,
)
from bonefx.errors import SettingsError, UnreadableRadiographError

if TYPE_CHECKING:
    from bonefx.films.sources import FilmSource
    from bonefx.reading.reader import Reader
    from bonefx.records import Reading

METHOD_NAMES = (  # the keys of HEATMAP_METHODS, whose module imports torch; a test compares them
    "grad_cam",
    "grad_cam_plus_plus",
    "hires_cam",
    "layer_cam",
    "xgrad_cam",
    "eigen_cam",
)


def add_read_command(commands: Any) -> None:
    """Add `bonefx read` to the subparsers of the command line."""
    read = commands.add_parser(
        "read",
        help="read films and print one JSON line for each",
        description="Read films and print one JSON line for each, in the order given. A film that "
        "cannot be read gives a line with its error, and the command ends with exit code 3.",
    )
    read.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="a film, a folder or a zip archive"
    )
    add_reading_arguments(read)
    add_one_film_arguments(read)
    read.add_argument(
        "--heat", type=Path, metavar="DIR",
        help="write each heat map into this folder as .npy, on the grid of its film; maps are not "
        "compared with a second model's",
    )  # fmt: skip
    read.add_argument(
        "--method", choices=METHOD_NAMES, default=METHOD_NAMES[0], metavar="NAME",
        help="method of the maps of --heat: grad_cam (default; the only one that is checked "
        f"against the model's limits), {', '.join(METHOD_NAMES[1:])}",
    )  # fmt: skip
    add_machine_arguments(read)
    read.set_defaults(run=run_read)


def run_read(options: argparse.Namespace) -> int:
    """Read films in batches and print one JSON line for each."""
    from bonefx.films.decoding.pool import start_decoding

    films = find_films_in(options.paths)
    start_decoding()  # while the model loads
    reader = load_requested_model(options)
    reader.model().point(options.point)  # an unknown name is refused before the first film
    if options.heat:
        _make_folder(options.heat)
    unreadable = 0
    remaining = iter(show_progress(films, total=len(films)))
    while batch := list(itertools.islice(remaining, CLI_BATCH_FILMS)):
        for line in _read_batch_lines(reader, batch, options):
            unreadable += "error" in line
            print(json.dumps(line), flush=True)
    return UnreadableRadiographError.exit_code if unreadable else 0


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"the folder of --heat cannot be made ({error.strerror}); choose another folder"
        ) from error


def _read_batch_lines(
    reader: Reader, sources: Sequence[FilmSource], options: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """Read files as one batch; return a line with its error for a film that cannot be read."""
    from bonefx.films.sources import film_or_error
    from bonefx.reading.worklist import edited_or_error

    edit = requested_edit(options)
    films = [
        edited_or_error(film_or_error(source, salvage=options.damaged), edit) for source in sources
    ]
    readable = [film for film in films if not isinstance(film, str)]
    readings = iter(
        reader.read_batch(
            readable,
            point=options.point,
            heat=options.heat is not None,
            method=options.method,
            outside_scope=options.outside_scope,
        )
    )
    for source, film in zip(sources, films, strict=True):
        if isinstance(film, str):
            yield {"path": source.location, "error": film}
        else:
            yield _reading_line(source.location, next(readings), options)


def _reading_line(path: str, reading: Reading, options: argparse.Namespace) -> dict[str, Any]:
    from bonefx.report import reading_table
    from bonefx.scope.body_parts import with_named_region

    reading = with_named_region(reading, options.region)
    heat = _save_heat(reading, options.heat, options.method) if options.heat else None
    return {"path": path, **reading_table(reading), "heat": heat}


def _save_heat(reading: Reading, folder: Path, method: str) -> str | None:
    """Write the map as float32 .npy, named by film, model, changes and, unless Grad-CAM, method.

    Returns:
        Path of the file; None if the reading has no map.
    """
    import numpy as np

    from bonefx.heatmaps.methods import GRAD_CAM
    from bonefx.report import changes_suffix

    if reading.heat is None:
        return None
    method_suffix = "" if method == GRAD_CAM else f".{method}"
    stem = f"{reading.radiograph_sha256[:16]}.{reading.model}{changes_suffix(reading)}"
    path = folder / f"{stem}{method_suffix}.npy"
    np.save(path, reading.heat)
    return str(path)
