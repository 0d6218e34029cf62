"""What the commands share: loading models, finding films, progress on stderr.

Heavy libraries are imported inside functions, so that --help answers at once.
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
    from bonefx.records import Radiograph

CLI_BATCH_FILMS = 8


def load_reader(
    options: argparse.Namespace, *, ids: Sequence[str] | None = None, also: Sequence[str] = ()
) -> Reader:
    """Load models as the options say; see Reader.from_folder for ids and also."""
    from bonefx.models.registry import pick_device
    from bonefx.reading.reader import Reader

    device = pick_device(options.device)
    reader = Reader.from_folder(options.weights, device=device, ids=ids, also=also)
    for model in reader.models:
        if model.origin:
            print(f"bonefx: {model.name} is {model.origin}", file=sys.stderr)
    return reader


def load_requested_model(options: argparse.Namespace) -> Reader:
    """Load the model that is to read, and say what speaks against it."""
    reader = load_reader(options, ids=[options.model] if options.model else None)
    if caution := reader.caution():
        print(f"bonefx: {caution}", file=sys.stderr)
    return reader


def invert_if_requested(film: Radiograph, options: argparse.Namespace) -> Radiograph:
    """Swap black and white if --invert was given."""
    from bonefx.records import invert_radiograph

    return invert_radiograph(film) if options.invert else film


def show_progress(items: Iterable[Any], *, total: int) -> Iterable[Any]:
    """Count on stderr, where a person watches."""
    from tqdm import tqdm

    counted: Iterable[Any] = tqdm(items, total=total, unit="film", disable=not sys.stderr.isatty())
    return counted


def find_films_in(paths: Sequence[Path], *, unpack: bool) -> tuple[FilmSource, ...]:
    """Find the films of files, folders and, if unpacked, zip archives."""
    from bonefx.films.sources import find_films

    found = find_films(((str(path), path) for path in paths), unpack=unpack)
    if found.left_out:
        print(f"bonefx: {found.left_out} other files left out", file=sys.stderr)
    return found.films
