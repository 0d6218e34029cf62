"""`bonefx read`: read films, one JSON line each."""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bonefx.errors import SettingsError, UnreadableRadiographError

if TYPE_CHECKING:
    from bonefx.films.sources import FilmSource
    from bonefx.reading.reader import Reader
    from bonefx.records import Reading
from bonefx.cli.common import (
    CLI_BATCH_FILMS,
    find_films_in,
    invert_if_requested,
    load_requested_model,
    show_progress,
)


def run_read(options: argparse.Namespace) -> int:
    """Read films; print a line each."""
    films = find_films_in(options.paths, unpack=False)
    reader = load_requested_model(options)
    reader.model().point(options.point)  # refused before the first film
    if options.heat:
        _make_folder(options.heat)
    unreadable = 0
    remaining = iter(show_progress(films, total=len(films)))
    while batch := list(itertools.islice(remaining, CLI_BATCH_FILMS)):
        for line in _lines(reader, batch, options):
            unreadable += "error" in line
            print(json.dumps(line), flush=True)
    return UnreadableRadiographError.exit_code if unreadable else 0


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"--heat folder cannot be made ({error.strerror})") from error


def _lines(
    reader: Reader, sources: Sequence[FilmSource], options: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """Read files as one batch; a film that cannot be read gives a line with its error."""
    from bonefx.films.sources import film_or_error

    films = [
        film if isinstance(film, str) else invert_if_requested(film, options)
        for film in map(film_or_error, sources)
    ]
    readable = [film for film in films if not isinstance(film, str)]
    readings = iter(
        reader.read_batch(
            readable, point=options.point, heat=options.heat is not None, method=options.method
        )
    )
    for source, film in zip(sources, films, strict=True):
        if isinstance(film, str):
            yield {"path": str(source.path), "error": film}
        else:
            yield _line(source.path, next(readings), options)


def _line(path: Path, reading: Reading, options: argparse.Namespace) -> dict[str, Any]:
    from bonefx.report import reading_table

    heat = _save_heat(reading, options.heat, options.method) if options.heat else None
    return {"path": str(path), **reading_table(reading), "heat": heat}


def _save_heat(reading: Reading, folder: Path, method: str) -> str | None:
    """Write the map as float32 .npy, named after film, model and, unless Grad-CAM, method.

    Returns:
        Where it lies; None where there is no map.
    """
    import numpy as np

    from bonefx.heatmaps.methods import GRAD_CAM

    if reading.heat is None:
        return None
    by = "" if method == GRAD_CAM else f".{method}"
    path = folder / f"{reading.radiograph_sha256[:16]}.{reading.model}{by}.npy"
    np.save(path, reading.heat)
    return str(path)
