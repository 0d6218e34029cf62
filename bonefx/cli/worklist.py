"""`bonefx worklist`: read many films and sort them by urgency."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bonefx.cli.common import (
    CLI_BATCH_FILMS,
    add_machine_arguments,
    add_reading_arguments,
    find_films_in,
    load_requested_model,
    requested_edit,
    show_progress,
)
from bonefx.errors import SettingsError, UnreadableRadiographError

if TYPE_CHECKING:
    from bonefx.reading.worklist_row import WorklistRow


def add_worklist_command(commands: Any) -> None:
    """Add `bonefx worklist` to the subparsers of the command line."""
    worklist = commands.add_parser(
        "worklist",
        help="read many films and sort them by urgency",
        description="Read films and print one JSON line for each as soon as it is read, in the "
        "order given, with its urgency (smaller is more urgent). The table of --csv names the case "
        "of each film, which is known when all films are read, and is sorted by the urgency of the "
        "cases.",
    )
    worklist.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="a film, a folder or a zip archive"
    )
    add_reading_arguments(worklist)
    worklist.add_argument(
        "--csv", type=Path, metavar="FILE", help="write the worklist as a table into this file too"
    )
    add_machine_arguments(worklist)
    worklist.set_defaults(run=run_worklist)


def run_worklist(options: argparse.Namespace) -> int:
    """Read many films, print one JSON line for each and write the table of --csv."""
    from bonefx.films.decoding.pool import start_decoding
    from bonefx.reading.worklist import read_worklist
    from bonefx.reading.worklist_tables import row_table

    films = find_films_in(options.paths)
    start_decoding()  # while the model loads
    reader = load_requested_model(options)
    reader.model().point(options.point)  # an unknown name is refused before the first film
    if options.csv:
        _write_csv(options.csv, [])  # so is a file that cannot be written
    rows = read_worklist(
        reader, films, point=options.point, batch_films=CLI_BATCH_FILMS, thumbnails=False,
        edit=requested_edit(options),
    )  # fmt: skip
    finished, unreadable = [], 0
    for row in show_progress(rows, total=len(films)):
        print(json.dumps(row_table(row)), flush=True)
        unreadable += row.error is not None
        if options.csv:
            finished.append(row)
    if options.csv:
        _write_csv(options.csv, finished)
    return UnreadableRadiographError.exit_code if unreadable else 0


def _write_csv(path: Path, rows: Sequence[WorklistRow]) -> None:
    from bonefx.reading.worklist_tables import worklist_csv

    try:
        path.write_bytes(worklist_csv(rows))
    except OSError as error:
        raise SettingsError(
            f"the --csv file cannot be written ({error.strerror}); choose another path"
        ) from error
