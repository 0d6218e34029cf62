"""`bonefx archive`: read archives larger than one machine, into Parquet files."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bonefx.cli.common import (
    CLI_BATCH_FILMS,
    add_machine_arguments,
    add_reading_arguments,
    load_requested_model,
    requested_edit,
)
from bonefx.environment import variable
from bonefx.errors import SettingsError, UnreadableRadiographError

if TYPE_CHECKING:
    from bonefx.archive.records import RunSettings
    from bonefx.archive.run import ArchiveRequest, Progress
    from bonefx.models.registry import LoadedModel

PACKAGES = {"ray": "Ray", "pyarrow": "PyArrow", "fsspec": "fsspec"}
PARTITIONS = ("shard", "folder")  # of archive.records.Partition; a test compares them
SHARD_FILES = 256
STOPPED = 130  # what shells expect after Ctrl-C
LINE_EVERY_S = 30.0  # of progress, where stderr is no terminal


def add_archive_command(commands: Any) -> None:
    """Add `bonefx archive` to the subparsers of the command line."""
    archive = commands.add_parser(
        "archive",
        help="read archives larger than one machine, with Ray",
        description="Read the films of folders, zip archives and object stores with many workers, "
        "on this machine or on a Ray cluster, write their rows as Parquet files, and print one "
        "JSON line with the counts. The same command again goes on where a run was stopped, and "
        "reads only files that are new or changed. Needs pip install 'bonefx[archive]'.",
    )
    archive.add_argument(
        "sources", nargs="+", metavar="SOURCE",
        help="a folder, zip archive or film: a path, or a URL such as s3://bucket/folder",
    )  # fmt: skip
    archive.add_argument(
        "--out", required=True, metavar="DIR",
        help="folder of the results: a path that all machines share, or a URL",
    )  # fmt: skip
    add_reading_arguments(archive)
    _add_result_arguments(archive)
    _add_worker_arguments(archive)
    add_machine_arguments(archive)
    archive.set_defaults(run=run_archive)


def _add_result_arguments(archive: argparse.ArgumentParser) -> None:
    archive.add_argument(
        "--hash-names", type=Path, metavar="FILE",
        help="replace file names in the results by keyed hashes (HMAC-SHA-256); FILE holds the "
        "secret key, and is made if there is none",
    )  # fmt: skip
    archive.add_argument(
        "--partition", choices=PARTITIONS, default=PARTITIONS[0], metavar="KIND",
        help="shard: all files of the results in one folder; folder: one folder for each top "
        "folder of a source (default: shard)",
    )  # fmt: skip
    archive.add_argument(
        "--shard-files", type=_positive(int), default=SHARD_FILES, metavar="N",
        help="files that a worker reads before it writes; a run that is stopped loses at most "
        "these of each worker (default: %(default)s)",
    )  # fmt: skip


def _add_worker_arguments(archive: argparse.ArgumentParser) -> None:
    archive.add_argument(
        "--address", metavar="HOST:PORT",
        help="Ray cluster (default: RAY_ADDRESS, else Ray starts on this machine)",
    )  # fmt: skip
    archive.add_argument(
        "--workers", type=_positive(int), metavar="N",
        help="readers that work side by side (default: as many as cores, GPUs and memory allow)",
    )  # fmt: skip
    archive.add_argument(
        "--cpus-per-worker", type=_positive(float), default=1.0, metavar="N",
        help="cores of each worker (default: 1)",
    )  # fmt: skip
    archive.add_argument(
        "--gpus-per-worker", type=_not_negative, default=0.0, metavar="N",
        help="GPUs of each worker; 0.25 lets four share one (default: 0)",
    )  # fmt: skip
    archive.add_argument(
        "--memory-per-worker", type=_positive(float), default=2.0, metavar="GB",
        help="memory that Ray keeps for each worker, in GB (default: 2)",
    )  # fmt: skip
    archive.add_argument(
        "--batch-films", type=_positive(int), default=CLI_BATCH_FILMS, metavar="N",
        help="films in one forward pass (default: %(default)s)",
    )  # fmt: skip


def _positive(kind: Callable[[str], float]) -> Callable[[str], float]:
    def number(given: str) -> float:
        value = kind(given)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"give a number above 0, not {given}")
        return value

    return number


def _not_negative(given: str) -> float:
    value = float(given)
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"give 0 or more, not {given}")
    return value


def run_archive(options: argparse.Namespace) -> int:
    """Read an archive, print progress on stderr, and one JSON line on stdout."""
    check_installed()
    from bonefx.archive.run import read_archive
    from bonefx.schema import dump_record

    request = _request_of(options)
    try:
        # Ray prints messages of its own on stdout, which is for programs.
        with redirect_stdout(sys.stderr), progress_on_stderr() as report:
            summary = read_archive(request, report=report)
    except KeyboardInterrupt:
        print("bonefx: stopped; the same command goes on from here", file=sys.stderr)
        return STOPPED
    print(json.dumps(dump_record(summary)), flush=True)
    if summary.not_fetched or summary.not_listed:
        print(
            f"bonefx: {summary.not_fetched} files and {summary.not_listed} others could not be "
            "opened and have no rows; run the same command again",
            file=sys.stderr,
        )
    complete = not (summary.errors or summary.not_fetched or summary.not_listed)
    return 0 if complete else UnreadableRadiographError.exit_code


def check_installed() -> None:
    """Raise a SettingsError that says what to install, if a package of the extra is missing."""
    missing = [name for package, name in PACKAGES.items() if not _is_installed(package)]
    if missing:
        raise SettingsError(
            f"bonefx archive needs {', '.join(missing)}; install with: pip install "
            "'bonefx[archive]'"
        )


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _request_of(options: argparse.Namespace) -> ArchiveRequest:
    from bonefx.archive.cluster import GIGABYTE, PoolSettings
    from bonefx.archive.names import Names, read_key
    from bonefx.archive.run import ArchiveRequest

    model = _load_on_cpu(options)
    names = Names(key=read_key(options.hash_names) if options.hash_names else None)
    device = options.device or variable("BONEFX_DEVICE")
    return ArchiveRequest(
        sources=options.sources,
        out=options.out,
        settings=_settings_of(options, model, names),
        pool=PoolSettings(
            workers=options.workers,
            cpus=options.cpus_per_worker,
            gpus=options.gpus_per_worker,
            memory_bytes=int(options.memory_per_worker * GIGABYTE),
            address=options.address or os.environ.get("RAY_ADDRESS"),
        ),
        model=_name_for_workers(options.model, model),
        weights=_weights_for_workers(options.weights),
        device=device or ("cuda" if options.gpus_per_worker else "cpu"),
        engine=options.engine,
        batch_films=options.batch_films,
        shard_files=options.shard_files,
        names=names,
    )


def _load_on_cpu(options: argparse.Namespace) -> LoadedModel:
    """Load the model, to check it and the operating point before workers start."""
    here = argparse.Namespace(**(vars(options) | {"device": "cpu", "engine": "torch"}))
    return load_requested_model(here).model()


def _settings_of(options: argparse.Namespace, model: LoadedModel, names: Any) -> RunSettings:
    from bonefx.archive.records import Partition
    from bonefx.archive.shard_reader import settings_of

    return settings_of(
        model,
        point=options.point,
        edit=requested_edit(options),
        names=names,
        partition=Partition(options.partition),
    )


def _name_for_workers(requested: str | None, model: LoadedModel) -> str:
    """Name a model as workers in other folders and on other machines find it."""
    if model.origin is not None:
        return f"hf:{model.origin.repo}@{model.origin.commit}"
    if requested is None or "/" not in requested:
        return model.name
    return str(model.folder)


def _weights_for_workers(requested: Path | None) -> Path | None:
    given = requested or variable("BONEFX_WEIGHTS")
    return Path(given).resolve() if given else None


@contextmanager
def progress_on_stderr() -> Iterator[Callable[[Progress], None]]:
    """Show progress: a bar in a terminal, else a line from time to time."""
    from tqdm import tqdm

    if sys.stderr.isatty():
        with tqdm(unit="file") as bar:
            yield lambda progress: _move(bar, progress)
        return
    last_s = -LINE_EVERY_S

    def line(progress: Progress) -> None:
        nonlocal last_s
        now_s = time.monotonic()
        if now_s - last_s >= LINE_EVERY_S or progress.files == progress.of_files:
            last_s = now_s
            print(progress_line(progress), file=sys.stderr, flush=True)

    yield line


def _move(bar: Any, progress: Progress) -> None:
    bar.total = progress.of_files
    bar.set_postfix_str(f"{progress.films / progress.elapsed_s:.2f} films/s", refresh=False)
    bar.update(progress.files - bar.n)


def progress_line(progress: Progress) -> str:
    """Describe how far a run is, and its films by second since its start."""
    return (
        f"bonefx: {progress.files} of {progress.of_files} files, "
        f"{progress.films / progress.elapsed_s:.2f} films/s"
    )
