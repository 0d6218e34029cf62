"""What each command does: stdout is for programs (one JSON line a film), stderr for people.

Heavy imports wait until a command is chosen, so that --help answers at once.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bonefx.errors import SettingsError, UnreadableRadiographError

if TYPE_CHECKING:
    from bonefx.reader import Reader
    from bonefx.records import Radiograph, Reading
    from bonefx.sources import FilmSource
    from bonefx.study import StudyHeader
    from bonefx.worklist import WorklistRow

BATCH_FILMS = 8


def _reader(
    options: argparse.Namespace, *, ids: Sequence[str] | None = None, also: Sequence[str] = ()
) -> Reader:
    from bonefx.reader import Reader
    from bonefx.registry import pick_device

    device = pick_device(options.device)
    reader = Reader.from_folder(options.weights, device=device, ids=ids, also=also)
    for model in reader.models:
        if model.origin:
            print(f"bonefx: {model.name} is {model.origin}", file=sys.stderr)
    return reader


def _asked(options: argparse.Namespace) -> Reader:
    """Load the model that is to read, and say what speaks against it."""
    reader = _reader(options, ids=[options.model] if options.model else None)
    if caution := reader.caution():
        print(f"bonefx: {caution}", file=sys.stderr)
    return reader


def models(options: argparse.Namespace) -> int:
    """Print a line for each model that can be used."""
    reader = _reader(options, also=options.model)
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


def report(options: argparse.Namespace) -> int:
    """Read one film and write its report."""
    from bonefx import images
    from bonefx.compose import compose_report
    from bonefx.report import reading_table, write_report
    from bonefx.second import with_second

    text = options.text if options.text_file is None else _text_of(options.text_file)
    film = _as_asked(images.read(options.film), options)
    header = _header_for(options, film)
    reader = _asked(options)
    reading = with_second(reader, film, reader.read(film, point=options.point))
    report = compose_report(film, reading, model=reader.model(), text=text)
    paths = write_report(
        report, options.out, forms=options.forms, header=header, overwrite=options.overwrite
    )
    written = {form: str(path) for form, path in paths.items()}
    print(json.dumps({"path": str(options.film), **reading_table(reading), "written": written}))
    return 0


def _as_asked(film: Radiograph, options: argparse.Namespace) -> Radiograph:
    from bonefx.records import inverted

    return inverted(film) if options.invert else film


def _text_of(path: Path) -> str:
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"--text-file cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise SettingsError("--text-file is not UTF-8; save it as UTF-8 text") from error


def _header_for(options: argparse.Namespace, film: Radiograph) -> StudyHeader | None:
    """The identifiers that DICOM forms need, and only if one is asked for."""
    asked = [form for form in ("sc", "sr") if form in options.forms]
    if not asked:
        return None
    if film.file_format != "DICOM":
        raise SettingsError(
            f"--forms {' '.join(asked)} needs a DICOM film, this one is {film.file_format}; "
            "use pdf, png or json"
        )
    from bonefx.study import study_header

    return study_header(options.film)


def read(options: argparse.Namespace) -> int:
    """Read films; print a line each."""
    films = _find(options.paths, unpack=False)
    reader = _asked(options)
    reader.model().point(options.point)  # refused before the first film
    if options.heat:
        _make_folder(options.heat)
    unreadable = 0
    remaining = iter(_progress(films, total=len(films)))
    while batch := list(itertools.islice(remaining, BATCH_FILMS)):
        for line in _lines(reader, batch, options):
            unreadable += "error" in line
            print(json.dumps(line), flush=True)
    return UnreadableRadiographError.exit_code if unreadable else 0


def worklist(options: argparse.Namespace) -> int:
    """Read many films; print a line each, and write a table if one is asked for."""
    from bonefx.worklist import read_list, row_table

    films = _find(options.paths, unpack=True)
    reader = _asked(options)
    reader.model().point(options.point)
    if options.csv:
        _write_csv(options.csv, [])  # refused before the first film
    rows = read_list(
        reader, films, point=options.point, batch_films=BATCH_FILMS, thumbnails=False,
        invert=options.invert,
    )  # fmt: skip
    kept, unreadable = [], 0
    for row in _progress(rows, total=len(films)):
        print(json.dumps(row_table(row)), flush=True)
        unreadable += row.error is not None
        if options.csv:
            kept.append(row)
    if options.csv:
        _write_csv(options.csv, kept)
    return UnreadableRadiographError.exit_code if unreadable else 0


def _write_csv(path: Path, rows: Sequence[WorklistRow]) -> None:
    from bonefx.worklist import csv_bytes

    try:
        path.write_bytes(csv_bytes(rows))
    except OSError as error:
        raise SettingsError(f"--csv file cannot be written ({error.strerror})") from error


def _progress(items: Iterable[Any], *, total: int) -> Iterable[Any]:
    """Count on stderr, where a person watches."""
    from tqdm import tqdm

    counted: Iterable[Any] = tqdm(items, total=total, unit="film", disable=not sys.stderr.isatty())
    return counted


def _find(paths: Sequence[Path], *, unpack: bool) -> tuple[FilmSource, ...]:
    from bonefx.sources import find_films

    found = find_films(((str(path), path) for path in paths), unpack=unpack)
    if found.left_out:
        print(f"bonefx: {found.left_out} other files left out", file=sys.stderr)
    return found.films


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"--heat folder cannot be made ({error.strerror})") from error


def _lines(
    reader: Reader, sources: Sequence[FilmSource], options: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """Read files as one batch; a film that cannot be read gives a line with its error."""
    from bonefx.sources import film_or_error

    films = [
        film if isinstance(film, str) else _as_asked(film, options)
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

    from bonefx.cam import GRAD_CAM

    if reading.heat is None:
        return None
    by = "" if method == GRAD_CAM else f".{method}"
    path = folder / f"{reading.radiograph_sha256[:16]}.{reading.model}{by}.npy"
    np.save(path, reading.heat)
    return str(path)


def login(options: argparse.Namespace) -> int:
    """Ask for a password twice, without showing it."""
    from getpass import getpass

    from bonefx.login import hash_of

    if ":" in options.user:
        raise SettingsError("a user's name may not hold a colon; choose another")
    password = getpass("password: ")
    if not password or password != getpass("once more: "):
        raise SettingsError("the two passwords are empty or differ; run the command again")
    print(f"{options.user}:{hash_of(password)}")
    return 0
