"""Ray: start it or join a cluster, and let a pool of workers read shards.

A shard whose worker dies is given to another one by Ray. Writing a shard a second time replaces
the same file, and a finished one is not read again, so that no row is lost or doubled.
"""

from __future__ import annotations

import json
import logging
import math
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from bonefx.archive.records import Counts, Shard, ShardResult
from bonefx.archive.shard_reader import ShardReader, WorkerSettings, shard_to_json
from bonefx.errors import SettingsError

RunShards = Callable[[Sequence[Shard]], Iterator[ShardResult]]
GIGABYTE = 1_000_000_000
CONNECT_S = 10.0
LOCAL = "local"  # Ray's word for a new Ray on this machine
QUIET = {  # read by Ray when it is imported
    "RAY_USAGE_STATS_ENABLED": "0",  # sends nothing to the makers of Ray
    "RAY_DATA_LOG_LEVEL": "ERROR",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # workers without a GPU leave its variables alone
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """The workers of a run.

    Attributes:
        workers: Number of workers, >= 1; None for as many as the machine or cluster holds.
        cpus: Cores of each worker, > 0.
        gpus: GPUs of each worker, >= 0; 0.25 lets four workers share one.
        memory_bytes: Memory that Ray keeps for each worker, > 0, so that it starts no more of them
            than fit.
        address: Of a cluster; None or LOCAL starts Ray on this machine.
    """

    workers: int | None
    cpus: float
    gpus: float
    memory_bytes: int
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Workers that are ready to read shards."""

    workers: int
    run: RunShards


@contextmanager
def ray_pool(
    pool: PoolSettings, worker: WorkerSettings, reader: type[ShardReader] = ShardReader
) -> Iterator[Pool]:
    """Start Ray or join a cluster, and leave it in the end.

    Args:
        pool: Number and resources of the workers.
        worker: What each worker needs.
        reader: The worker.

    Raises:
        SettingsError: There is no such cluster, or its machines hold no such worker.
    """
    with connected(pool):
        workers = _count_workers(pool)

        def run(shards: Sequence[Shard]) -> Iterator[ShardResult]:
            return _read_shards(shards, worker, reader, pool=pool, workers=workers)

        yield Pool(workers=workers, run=run)


@contextmanager
def connected(pool: PoolSettings) -> Iterator[None]:
    """Start Ray or join a cluster; a connection that the caller has is used and left open.

    Raises:
        SettingsError: There is no such cluster.
    """
    os.environ.update(QUIET)
    import ray

    if ray.is_initialized():
        yield
        return
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    with ExitStack() as kept:
        address = pool.address or LOCAL
        if address == LOCAL:
            options |= _local_options(pool, kept)
        else:
            _check_reachable(address)
        try:
            ray.init(address=address, **options)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise _no_ray(address, error) from error
        kept.callback(ray.shutdown)
        yield


def _local_options(pool: PoolSettings, kept: ExitStack) -> dict[str, Any]:
    """Return options of a Ray of this run alone; its files are removed with it."""
    base = "/tmp" if sys.platform == "darwin" else None  # noqa: S108 (sockets need short paths)
    folder = tempfile.TemporaryDirectory(prefix="bonefx-", dir=base, ignore_cleanup_errors=True)
    cores = None if pool.workers is None else math.ceil(pool.workers * pool.cpus)
    return {
        "_temp_dir": kept.enter_context(folder),
        "include_dashboard": False,
        "num_cpus": cores,
    }


def _check_reachable(address: str) -> None:
    """Refuse an address at which nothing listens, at once; Ray itself tries for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return  # a word of Ray, such as auto
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_S).close()
    except OSError as error:
        raise _no_ray(address, error) from error


def _no_ray(address: str, error: Exception) -> SettingsError:
    return SettingsError(
        f"no Ray at {address} ({type(error).__name__}); start a cluster with ray start and give "
        "its address, or leave it out to start Ray on this machine"
    )


def _count_workers(pool: PoolSettings) -> int:
    """Return the number of workers: as many as were asked for, or as fit.

    Raises:
        SettingsError: No worker fits; or, on this machine alone, not as many as asked for. A
            cluster may grow.
    """
    import ray

    there = ray.cluster_resources()
    cores, gpus, memory = (there.get(name, 0.0) for name in ("CPU", "GPU", "memory"))
    fitting = min(int(cores / pool.cpus), int(memory / pool.memory_bytes))
    if pool.gpus:
        fitting = min(fitting, int(gpus / pool.gpus))
    grows = pool.address not in (None, LOCAL)
    if fitting < 1 or (pool.workers is not None and pool.workers > fitting and not grows):
        raise SettingsError(
            f"{fitting} workers fit, each with {pool.cpus:g} cores, {pool.gpus:g} GPUs and "
            f"{pool.memory_bytes / GIGABYTE:g} GB; Ray found {cores:g} cores, {gpus:g} GPUs and "
            f"{memory / GIGABYTE:.1f} GB; ask for fewer with --workers, or for less with "
            "--cpus-per-worker, --gpus-per-worker and --memory-per-worker"
        )
    return pool.workers or fitting


def _read_shards(
    shards: Sequence[Shard],
    worker: WorkerSettings,
    reader: type[ShardReader],
    *,
    pool: PoolSettings,
    workers: int,
) -> Iterator[ShardResult]:
    """Let the workers read shards; yield results as they come, in any order."""
    import ray.data

    ray.data.DataContext.get_current().enable_progress_bars = False
    items = [{"shard": shard_to_json(shard)} for shard in shards]
    dataset = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
        reader,
        batch_size=1,  # a task is one shard, so that Ray repeats no more than that
        compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=2),
        fn_constructor_kwargs={"worker": worker},
        num_cpus=pool.cpus,
        num_gpus=pool.gpus,
        memory=pool.memory_bytes,
    )
    for row in dataset.iter_rows():
        yield _result_of(json.loads(row["result"]))


def _result_of(table: dict[str, Any]) -> ShardResult:
    counts = table.pop("counts")
    return ShardResult(counts=None if counts is None else Counts(**counts), **table)
