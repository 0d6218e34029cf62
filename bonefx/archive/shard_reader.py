"""A worker: loads the model once, reads shards and writes their rows. It knows nothing of Ray.

Nothing is raised to the machinery around it, because that would write names into its logs: answers
are ShardResults.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from bonefx import __version__
from bonefx.archive.fetch import Fetched, fetched, is_final
from bonefx.archive.ledger import ATTEMPTS, read_run_file
from bonefx.archive.names import Names
from bonefx.archive.records import (
    SCHEMA_VERSION,
    ArchiveFile,
    Counts,
    Partition,
    RunSettings,
    Shard,
    ShardResult,
)
from bonefx.archive.results import ShardWriter
from bonefx.archive.stores import open_out
from bonefx.errors import BonefxError, SettingsError
from bonefx.films.discs.member_names import printable_name
from bonefx.films.sources import FilmSource, FoundFilms, find_films
from bonefx.models.manifest import MANIFEST
from bonefx.models.registry import LoadedModel, pick_device
from bonefx.reading.reader import Reader
from bonefx.reading.worklist import read_worklist
from bonefx.reading.worklist_row import WorklistRow
from bonefx.records import FilmEdit

FILE_FIELDS = tuple(field.name for field in fields(ArchiveFile))
MAX_TRIES = 2  # a shard whose reader ends twice in it is divided; see run.py


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """What a worker needs.

    Attributes:
        out: Address of the folder of results.
        settings: What decides the rows.
        attempt: Id of this run in the run file.
        model: As for hub.locate_model.
        weights: Folder of models; None for that of the worker's machine.
        device: As for registry.pick_device.
        engine: As for registry.pick_engine.
        batch_films: Films in one forward pass, >= 1.
        key: Of the names; None leaves them as they are.
    """

    out: str
    settings: RunSettings
    attempt: str
    model: str | None
    weights: Path | None
    device: str | None
    engine: str | None
    batch_films: int
    key: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReadShard:
    rows: list[WorklistRow]
    finished: list[ArchiveFile]
    left_out: int


class ShardReader:
    """Reads shards with one loaded model."""

    def __init__(self, worker: WorkerSettings) -> None:
        self._worker = worker
        self._out = open_out(worker.out)
        self._writer = ShardWriter(
            out=self._out, settings=worker.settings, names=Names(key=worker.key)
        )
        self._failed = False
        self._reader: Reader | BonefxError
        try:
            self._reader = self._load()
        except BonefxError as error:
            self._reader = error

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Read the shards of a batch of Ray Data, as JSON in both directions.

        After a failure the process ends at the next call and Ray starts it again, because a GPU
        that failed once fails for all that follows.
        """
        if self._failed:
            os._exit(1)
        results = [self.read(shard_of_json(text)) for text in batch["shard"]]
        self._failed = any(result.failure for result in results)
        return {"result": [json.dumps(asdict(result)) for result in results]}

    def read(self, shard: Shard) -> ShardResult:
        """Read a shard and write its rows; one that is written already is not read again."""
        started = time.perf_counter()
        try:
            result = self._read(shard)
        except BonefxError as error:
            return ShardResult(id=shard.id, fault=str(error), exit_code=error.exit_code)
        except Exception as error:  # noqa: BLE001 (a message may hold names; one film ends no run)
            return ShardResult(id=shard.id, failure=failure_text(error))
        if result is None:
            return ShardResult(id=shard.id, failure="the process of the reader ended")
        counts, not_fetched = result
        return ShardResult(
            id=shard.id,
            counts=counts,
            not_fetched=not_fetched,
            reading_s=time.perf_counter() - started,
        )

    def _load(self) -> Reader:
        worker = self._worker
        self._check_attempt()
        reader = Reader.from_folder(
            worker.weights,
            device=pick_device(worker.device),
            ids=[worker.model] if worker.model else None,
            engine=worker.engine,
        )
        model = reader.model()
        here = settings_of(
            model,
            point=worker.settings.point,
            edit=worker.settings.edit(),
            names=Names(key=worker.key),
            partition=worker.settings.partition,
        )
        if here != worker.settings:
            raise SettingsError(
                f"a worker has bonefx {here.bonefx} with another {here.model} than this machine "
                f"(bonefx {worker.settings.bonefx}); install the same version and weights on "
                "every machine"
            )
        return reader

    def _check_attempt(self) -> None:
        found = read_run_file(self._out)
        if found is None:
            raise SettingsError(
                "a worker does not see the folder of --out; use a network folder or an object "
                "store that every machine reaches at the same address"
            )
        if found.attempt != self._worker.attempt:
            raise SettingsError(
                "another run writes into the folder of --out; wait for its end, then run the "
                "command again"
            )

    def _read(self, shard: Shard) -> tuple[Counts, int] | None:
        """Return the counts, and how many files were not fetched; None after too many tries."""
        if isinstance(self._reader, BonefxError):
            raise self._reader
        if (manifest := self._writer.manifest_of(shard)) is not None:
            return manifest.counts, len(shard.files) - len(manifest.files)
        if not self._begin_try(shard):
            return None
        read = self._read_files(self._reader, shard)
        self._check_attempt()
        if not read.finished:
            return Counts(), len(shard.files)
        counts = self._writer.write(
            shard, read.rows, finished=read.finished, left_out=read.left_out
        )
        return counts, len(shard.files) - len(read.finished)

    def _begin_try(self, shard: Shard) -> bool:
        """Mark that a shard is begun; return False if it was begun too often.

        Ray gives the shard of a worker that died to another one, again and again. A film that ends
        the process is found by these marks.
        """
        for number in range(MAX_TRIES):
            mark = f"{ATTEMPTS}/{self._worker.attempt}/{shard.id}-{number}"
            if not self._out.has(mark):
                self._out.write(mark, b"")
                return True
        return False

    def _read_files(self, reader: Reader, shard: Shard) -> _ReadShard:
        read = _ReadShard(rows=[], finished=[], left_out=0)
        left_out = 0
        files = iter(shard.files)
        while batch := list(itertools.islice(files, self._worker.batch_films)):
            with fetched(batch) as paths:
                found = [_films_of(file, path) for file, path in zip(batch, paths, strict=True)]
                films = [film for part in found if part is not None for film in part.films]
                read.rows.extend(self._rows_of(reader, films, before=read.rows))
            left_out += sum(part.left_out for part in found if part is not None)
            read.finished.extend(
                file for file, part in zip(batch, found, strict=True) if part is not None
            )
        return _ReadShard(rows=read.rows, finished=read.finished, left_out=left_out)

    def _rows_of(
        self, reader: Reader, films: Sequence[FilmSource], *, before: Sequence[WorklistRow]
    ) -> list[WorklistRow]:
        settings = self._worker.settings
        rows: Iterator[WorklistRow] = read_worklist(
            reader,
            films,
            point=settings.point,
            batch_films=self._worker.batch_films,
            thumbnails=False,
            edit=settings.edit(),
            before=before,
        )
        return list(rows)


def _films_of(file: ArchiveFile, fetched_as: Fetched) -> FoundFilms | None:
    """Find the films in a file; None if its store did not give it."""
    if isinstance(fetched_as, Path):
        return find_films([(file.name, fetched_as)], listed=not file.chosen)
    if not is_final(fetched_as):
        return None
    reason = fetched_as.strerror or type(fetched_as).__name__
    fault = f"the file cannot be opened ({reason}); check that you may read it"
    return FoundFilms(films=(FilmSource(name=printable_name(file.name), path=Path(), fault=fault),))


def settings_of(
    model: LoadedModel, *, point: str | None, edit: FilmEdit, names: Names, partition: Partition
) -> RunSettings:
    """Return what decides the rows of a run.

    Raises:
        SettingsError: The model has no such operating point.
    """
    manifest = (model.folder / MANIFEST).read_bytes()
    return RunSettings(
        schema_version=SCHEMA_VERSION,
        bonefx=__version__,
        model=model.name,
        weights_sha256=model.manifest.sha256,
        manifest_sha256=hashlib.sha256(manifest).hexdigest(),
        point=model.point(point).name,
        inverted=edit.inverted,
        mirrored=edit.mirrored,
        quarter_turns=edit.quarter_turns,
        names=names.fingerprint,
        partition=partition,
    )


def shard_to_json(shard: Shard) -> str:
    """Return a shard as JSON; unlike UTF-8, it carries every file name."""
    files = [{name: getattr(file, name) for name in FILE_FIELDS} for file in shard.files]
    return json.dumps({"id": shard.id, "folder": shard.folder, "files": files})


def shard_of_json(text: str) -> Shard:
    """Return the shard of shard_to_json."""
    table = json.loads(text)
    files = tuple(ArchiveFile(**file) for file in table["files"])
    return Shard(id=table["id"], folder=table["folder"], files=files)


def failure_text(error: Exception) -> str:
    """Return the kind of an error and where it was raised, without its message and values."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}"
