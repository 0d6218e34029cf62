"""`bonefx worklist`: read many films, sorted by urgency."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bonefx.errors import SettingsError, UnreadableRadiographError

if TYPE_CHECKING:
    from bonefx.reading.worklist import WorklistRow
from bonefx.cli.common import CLI_BATCH_FILMS, find_films_in, load_requested_model, show_progress


def run_worklist(options: argparse.Namespace) -> int:
    """Read many films; print a line each, and write a table if one is asked for."""
    from bonefx.reading.worklist import read_worklist, row_table

    films = find_films_in(options.paths, unpack=True)
    reader = load_requested_model(options)
    reader.model().point(options.point)
    if options.csv:
        _write_csv(options.csv, [])  # refused before the first film
    rows = read_worklist(
        reader, films, point=options.point, batch_films=CLI_BATCH_FILMS, thumbnails=False,
        invert=options.invert,
    )  # fmt: skip
    kept, unreadable = [], 0
    for row in show_progress(rows, total=len(films)):
        print(json.dumps(row_table(row)), flush=True)
        unreadable += row.error is not None
        if options.csv:
            kept.append(row)
    if options.csv:
        _write_csv(options.csv, kept)
    return UnreadableRadiographError.exit_code if unreadable else 0


def _write_csv(path: Path, rows: Sequence[WorklistRow]) -> None:
    from bonefx.reading.worklist import worklist_csv

    try:
        path.write_bytes(worklist_csv(rows))
    except OSError as error:
        raise SettingsError(f"--csv file cannot be written ({error.strerror})") from error
