"""Read an archive: list it, divide what is not read yet, let workers read it, and count.

A shard that fails is divided, down to single files; a file that fails alone becomes a row with its
error. So one film never ends a run, and costs no other film its row.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bonefx.archive.cluster import Pool, PoolSettings, RunShards, ray_pool
from bonefx.archive.ledger import ATTEMPTS, Ledger, claim_folder, drop_shards, read_ledger
from bonefx.archive.listing import Listing, list_files
from bonefx.archive.names import Names
from bonefx.archive.plan import plan_shards
from bonefx.archive.records import (
    ArchiveFile,
    ArchiveSummary,
    Counts,
    RunSettings,
    Shard,
    ShardResult,
    add_counts,
)
from bonefx.archive.results import ShardWriter
from bonefx.archive.shard_reader import WorkerSettings
from bonefx.archive.stores import OutFolder, find_place, open_out
from bonefx.errors import BonefxError, SettingsError
from bonefx.films.discs.member_names import printable_name
from bonefx.films.sources import FilmSource
from bonefx.reading.worklist_row import WorklistRow

SMALLER_SHARDS = (16, 1)  # files of the shards into which one that failed is divided
MakePool = Callable[[PoolSettings, WorkerSettings], AbstractContextManager[Pool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveRequest:
    """What to read, with what, and where to write.

    Attributes:
        sources: Paths and URLs of folders, zip archives and films.
        out: Path or URL of the folder of results.
        settings: What decides the rows.
        pool: The workers.
        model: As for hub.locate_model; None for the first of the folder.
        weights: Folder of models; None for that of each machine.
        device: As for registry.pick_device.
        engine: As for registry.pick_engine.
        batch_films: Films in one forward pass, >= 1.
        shard_files: Files of one shard at most, >= 1.
        names: How names are written.
    """

    sources: Sequence[str]
    out: str
    settings: RunSettings
    pool: PoolSettings
    model: str | None
    weights: Path | None
    device: str | None
    engine: str | None
    batch_films: int
    shard_files: int
    names: Names


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is: files of the archive with rows, and films that this run read."""

    files: int
    of_files: int
    films: int
    elapsed_s: float


ReportProgress = Callable[[Progress], None]


def read_archive(
    request: ArchiveRequest, *, report: ReportProgress, make_pool: MakePool = ray_pool
) -> ArchiveSummary:
    """Read the films of an archive that have no rows yet, and return the counts of all.

    Args:
        request: What to read.
        report: Called after each shard.
        make_pool: Starts the workers; tests replace it.

    Raises:
        SettingsError: The sources or the folder of results cannot be used, the latter also
            because it holds results of other settings.
        WeightsError: A worker cannot load the model.
        BonefxError: Not one file could be read.
    """
    started = time.perf_counter()
    out = open_out(request.out)
    _check_outside(out, request.sources)
    listing = list_files(request.sources)
    attempt = claim_folder(out, request.settings)
    ledger = read_ledger(out)
    ledger = drop_shards(out, ledger, ledger.outdated(listing.files, request.names))
    unread = ledger.unread(listing.files, request.names)
    run = _Run(request=request, out=out, listing=listing, report=report, started=started)
    if unread:
        with make_pool(request.pool, _worker_settings(request, out, attempt)) as pool:
            run.read(unread, pool)
    out.remove_folder(ATTEMPTS)
    return run.summary(ledger)


def _check_outside(out: OutFolder, sources: Sequence[str]) -> None:
    """Refuse a folder of results inside a source, which the next run would list."""
    target = f"{out.place.url.rstrip('/')}/"
    for number, source in enumerate(sources, start=1):
        if target.startswith(f"{find_place(source).url.rstrip('/')}/"):
            raise SettingsError(
                f"--out lies inside source {number} of {len(sources)}; choose a folder outside"
            )


def _worker_settings(request: ArchiveRequest, out: OutFolder, attempt: str) -> WorkerSettings:
    return WorkerSettings(
        out=out.place.path if out.place.local else request.out,
        settings=request.settings,
        attempt=attempt,
        model=request.model,
        weights=request.weights,
        device=request.device,
        engine=request.engine,
        batch_films=request.batch_films,
        key=request.names.key,
    )


class _Run:
    """Results of one run, as they come."""

    def __init__(
        self,
        *,
        request: ArchiveRequest,
        out: OutFolder,
        listing: Listing,
        report: ReportProgress,
        started: float,
    ) -> None:
        self._request, self._listing = request, listing
        self._writer = ShardWriter(out=out, settings=request.settings, names=request.names)
        self._report, self._started = report, started
        self._results: list[ShardResult] = []
        self._workers = 0
        self._files = 0

    def read(self, files: Sequence[ArchiveFile], pool: Pool) -> None:
        """Read files in shards; what fails in smaller ones, and at last as rows with an error."""
        self._workers = pool.workers
        self._files = len(self._listing.files) - len(files)
        failed: dict[str, tuple[Shard, str]] = {}
        largest = self._request.shard_files
        for shard_files in (largest, *(size for size in SMALLER_SHARDS if size < largest)):
            shards = plan_shards(
                files, partition=self._request.settings.partition, shard_files=shard_files
            )
            failed = self._round(shards, pool.run)
            if len(failed) == len(shards) > 1 and not self._results:
                raise BonefxError(
                    f"not one of {len(shards)} shards could be read: "
                    f"{next(iter(failed.values()))[1]}; report this fault of bonefx"
                )
            files = [file for shard, _ in failed.values() for file in shard.files]
            if not files:
                break
        for shard, failure in failed.values():
            self._add(shard, self._as_error(shard, failure))

    def _round(self, shards: Sequence[Shard], run: RunShards) -> dict[str, tuple[Shard, str]]:
        """Read shards, and return those that failed, with the reason."""
        waiting = {shard.id: shard for shard in shards}
        failed = {}
        for result in run(shards):
            if result.fault:
                raise _error_of(result)
            shard = waiting.pop(result.id, None)
            if shard is None:
                continue
            if result.counts is None:
                failed[shard.id] = (shard, result.failure)
            else:
                self._add(shard, result)
        return failed | {shard.id: (shard, "no worker answered") for shard in waiting.values()}

    def _add(self, shard: Shard, result: ShardResult) -> None:
        self._results.append(result)
        self._files += len(shard.files) - result.not_fetched
        self._report(
            Progress(
                files=self._files,
                of_files=len(self._listing.files),
                films=add_counts(_counts_of(self._results)).films,
                elapsed_s=time.perf_counter() - self._started,
            )
        )

    def _as_error(self, shard: Shard, failure: str) -> ShardResult:
        """Write the row of a file that failed alone."""
        (file,) = shard.files
        source = FilmSource(name=printable_name(file.name), path=Path())
        error = f"reading the file failed ({failure}); report this fault of bonefx"
        row = WorklistRow(place=1, source=source, error=error)
        counts = self._writer.write(shard, [row], finished=shard.files, left_out=0)
        return ShardResult(id=shard.id, counts=counts)

    def summary(self, ledger: Ledger) -> ArchiveSummary:
        """Return the counts of this run and of those before."""
        now = add_counts(_counts_of(self._results))
        total = add_counts([*ledger.counts.values(), now])
        elapsed_s = time.perf_counter() - self._started
        reading_s = sum(result.reading_s for result in self._results)
        settings = self._request.settings
        return ArchiveSummary(
            model=settings.model,
            weights_sha256=settings.weights_sha256,
            point=settings.point,
            files=len(self._listing.files),
            films=total.films,
            verdicts=total.verdicts,
            errors=total.errors,
            left_out=total.left_out + self._listing.left_out,
            not_fetched=sum(result.not_fetched for result in self._results),
            not_listed=self._listing.not_listed,
            read_now=now.films,
            workers=self._workers,
            elapsed_s=elapsed_s,
            films_per_s=now.films / elapsed_s,
            films_per_s_of_worker=now.films / reading_s if reading_s else None,
        )


def _counts_of(results: Sequence[ShardResult]) -> list[Counts]:
    return [result.counts for result in results if result.counts is not None]


def _error_of(result: ShardResult) -> BonefxError:
    error = BonefxError(result.fault)
    error.exit_code = result.exit_code
    return error
