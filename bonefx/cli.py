"""The command line: stdout is for programs (one JSON line a film), stderr for people.

Heavy imports wait until a command is chosen, so that --help answers at once.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bonefx import __version__
from bonefx.errors import BonefxError, SettingsError, UnreadableRadiographError

if TYPE_CHECKING:
    from bonefx.reader import Reader
    from bonefx.records import Radiograph, Reading
    from bonefx.study import StudyHeader

BATCH_FILMS = 8
MODEL_HELP = "an id of weights/, a model folder's path, or hf:OWNER/NAME[@REVISION]"
REPORT_FORMS = ("pdf", "png", "json", "sc", "sr")  # those of bonefx.report.FORMS
NOT_FILMS = {".csv", ".htm", ".html", ".json", ".md", ".pdf", ".py", ".txt", ".xml"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code of bonefx.errors, 0 when every film was read."""
    options = _parser().parse_args(argv)
    try:
        code: int = options.run(options)
    except BonefxError as error:
        print(f"bonefx: {error}", file=sys.stderr)
        return error.exit_code
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bonefx",
        description="Second opinion on bone radiographs. Research software, not a medical device.",
    )
    parser.add_argument("--version", action="version", version=f"bonefx {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    read = commands.add_parser("read", help="read films; prints one JSON line each")
    read.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a film or a folder")
    read.add_argument("--model", metavar="MODEL", help=f"{MODEL_HELP} (default: the first)")
    read.add_argument("--point", metavar="NAME", help="operating point (default: the model's)")
    read.add_argument("--heat", type=Path, metavar="DIR", help="write heat maps there as .npy")
    _add_shared(read)
    read.set_defaults(run=_read)
    _add_report(commands)
    models = commands.add_parser("models", help="list the models that can be used")
    models.add_argument(
        "--model", action="append", default=[], metavar="MODEL", help=f"also {MODEL_HELP}"
    )
    _add_shared(models)
    models.set_defaults(run=_models)
    login = commands.add_parser("login", help="print a line for the file of BONEFX_AUTH")
    login.add_argument("user", help="name to log in with")
    login.set_defaults(run=_login)
    return parser


def _add_report(commands: Any) -> None:
    report = commands.add_parser(
        "report", help="read one film and write a report; prints one JSON line with its files"
    )
    report.add_argument("film", type=Path, metavar="FILM", help="the film")
    report.add_argument("--model", metavar="MODEL", help=f"{MODEL_HELP} (default: the first)")
    report.add_argument("--point", metavar="NAME", help="operating point (default: the model's)")
    text = report.add_mutually_exclusive_group()
    text.add_argument("--text", default="", metavar="TEXT", help="the reader's own text")
    text.add_argument(
        "--text-file", type=Path, metavar="FILE", help="the same from a UTF-8 file; - for stdin"
    )
    report.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="folder to write to (default: here)"
    )
    report.add_argument(
        "--forms", nargs="+", choices=REPORT_FORMS, default=["pdf", "json"], metavar="FORM",
        help="of pdf, png, json, and sc and sr (DICOM, for a DICOM film); default: pdf json",
    )  # fmt: skip
    report.add_argument("--overwrite", action="store_true", help="replace files of the same names")
    _add_shared(report)
    report.set_defaults(run=_report)


def _add_shared(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", help="cpu, cuda, cuda:N, mps or auto (default: auto)")
    command.add_argument(
        "--weights", type=Path, metavar="DIR", help="folder of models (default: BONEFX_WEIGHTS)"
    )


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


def _models(options: argparse.Namespace) -> int:
    for model in _reader(options, also=options.model).models:
        manifest = model.manifest
        points = [point.name for point in manifest.operating_points]
        print(json.dumps({
            "model": model.name, "architecture": manifest.architecture, "points": points,
            "default_point": manifest.default_point, "weights_sha256": manifest.sha256,
            "origin": str(model.origin) if model.origin else None,
        }))  # fmt: skip
    return 0


def _report(options: argparse.Namespace) -> int:
    from bonefx import images
    from bonefx.compose import compose_report
    from bonefx.report import reading_table, write_report

    text = options.text if options.text_file is None else _text_of(options.text_file)
    film = images.read(options.film)
    header = _header_for(options, film)
    reader = _reader(options, ids=[options.model] if options.model else None)
    reading = reader.read(film, point=options.point)
    report = compose_report(film, reading, model=reader.model(), text=text)
    paths = write_report(
        report, options.out, forms=options.forms, header=header, overwrite=options.overwrite
    )
    written = {form: str(path) for form, path in paths.items()}
    print(json.dumps({"path": str(options.film), **reading_table(reading), "written": written}))
    return 0


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


def _read(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    files = list(_files(options.paths))
    reader = _reader(options, ids=[options.model] if options.model else None)
    reader.model().point(options.point)  # refused before the first film
    if options.heat:
        _make_folder(options.heat)
    progress = tqdm(total=len(files), unit="film", disable=not sys.stderr.isatty())
    unreadable = 0
    remaining = iter(files)
    while batch := list(itertools.islice(remaining, BATCH_FILMS)):
        for line in _lines(reader, batch, options):
            unreadable += "error" in line
            print(json.dumps(line), flush=True)
            progress.update()
    progress.close()
    return UnreadableRadiographError.exit_code if unreadable else 0


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """Files as named, and all files in folders but hidden ones and plain documents."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(entry for entry in path.rglob("*") if entry.is_file())
        films = [entry for entry in found if _may_be_film(entry)]
        if len(films) < len(found):
            print(f"bonefx: {len(found) - len(films)} other files left out", file=sys.stderr)
        yield from films


def _may_be_film(path: Path) -> bool:
    hidden = path.name.startswith(".")
    return not hidden and path.name != "DICOMDIR" and path.suffix.lower() not in NOT_FILMS


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"--heat folder cannot be made ({error.strerror})") from error


def _lines(
    reader: Reader, paths: Sequence[Path], options: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """Read files as one batch; a film that cannot be read gives a line with its error."""
    films = [_film_or_error(path) for path in paths]
    readable = [film for film in films if not isinstance(film, str)]
    readings = iter(
        reader.read_batch(readable, point=options.point, heat=options.heat is not None)
        if readable
        else []
    )
    for path, film in zip(paths, films, strict=True):
        if isinstance(film, str):
            yield {"path": str(path), "error": film}
        else:
            yield _line(path, next(readings), options.heat)


def _film_or_error(path: Path) -> Radiograph | str:
    from bonefx.images import read

    try:
        return read(path)
    except UnreadableRadiographError as error:
        return str(error)


def _line(path: Path, reading: Reading, heat_folder: Path | None) -> dict[str, Any]:
    from bonefx.report import reading_table

    heat = _save_heat(reading, heat_folder) if heat_folder else None
    return {"path": str(path), **reading_table(reading), "heat": heat}


def _save_heat(reading: Reading, folder: Path) -> str | None:
    """Write the map as float32 .npy, named after film and model; None where there is no map."""
    import numpy as np

    if reading.heat is None:
        return None
    path = folder / f"{reading.radiograph_sha256[:16]}.{reading.model}.npy"
    np.save(path, reading.heat)
    return str(path)


def _login(options: argparse.Namespace) -> int:
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
