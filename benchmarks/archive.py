"""How many films does `bonefx archive` read a second, with one worker and with two?

    python -m benchmarks.archive [--films N] [--workers N ...] [--model ID]

Reads N copies of the example films from a folder of this machine, with Ray, once for each number of
workers. By row of the result:

- films_per_s: films by the seconds of the whole run, with the start of Ray and of the workers;
- films_per_s_of_worker: films by the seconds that workers spent reading, of one worker;
- films_per_s_steady: the latter times the workers, which a long run approaches.

The load of the machine before each run is written beside them: figures of a machine with other work
are too low. Prints a line a run to stderr and one JSON line to stdout.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch

from bonefx import data_folder
from bonefx.archive.cluster import PoolSettings
from bonefx.archive.names import Names
from bonefx.archive.records import Partition
from bonefx.archive.run import ArchiveRequest, read_archive
from bonefx.archive.shard_reader import settings_of
from bonefx.cli.common import CLI_BATCH_FILMS
from bonefx.models.registry import LoadedModel, load_model, weights_folder
from bonefx.records import NOT_EDITED

MODEL = "efficientnet_b0"
WORKER_BYTES = 2_000_000_000
SHARDS_OF_WORKER = 4  # so that no worker waits long for the last one


def copy_examples(folder: Path, films: int) -> None:
    """Write copies of the example films into a folder."""
    examples = itertools.cycle(sorted(data_folder("examples").glob("*.jpg")))
    for index, example in zip(range(films), examples, strict=False):
        (folder / f"{index:06}.jpg").write_bytes(example.read_bytes())


def measure(model: LoadedModel, folder: Path, *, films: int, workers: int) -> dict[str, Any]:
    """Read the films of a folder with a number of workers, one core each."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bonefx-") as out:
        request = ArchiveRequest(
            sources=[str(folder)],
            out=out,
            settings=settings_of(
                model, point=None, edit=NOT_EDITED, names=Names(), partition=Partition.SHARD
            ),
            pool=PoolSettings(
                workers=workers, cpus=1, gpus=0, memory_bytes=WORKER_BYTES, address=None
            ),
            model=model.name,
            weights=model.folder.parent,
            device="cpu",
            engine=None,
            batch_films=CLI_BATCH_FILMS,
            shard_files=max(1, films // (SHARDS_OF_WORKER * workers)),
            names=Names(),
        )
        with redirect_stdout(sys.stderr):
            summary = read_archive(request, report=lambda _: None)
    of_worker = summary.films_per_s_of_worker or 0.0
    return {
        "workers": workers,
        "films": summary.films,
        "errors": summary.errors,
        "elapsed_s": summary.elapsed_s,
        "films_per_s": summary.films_per_s,
        "films_per_s_of_worker": of_worker,
        "films_per_s_steady": of_worker * workers,
        "load_before": load,
    }


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.archive", description=__doc__)
    parser.add_argument("--films", type=int, default=400, metavar="N")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--model", default=MODEL, metavar="ID")
    options = parser.parse_args(argv)
    model = load_model(weights_folder() / options.model, device=torch.device("cpu"))
    rows = []
    with tempfile.TemporaryDirectory(prefix="bonefx-") as folder:
        copy_examples(Path(folder), options.films)
        for workers in options.workers:
            row = measure(model, Path(folder), films=options.films, workers=workers)
            print(
                f"{workers} workers, {row['films']} films: {row['films_per_s_steady']:.2f} films/s "
                f"while reading, {row['films_per_s']:.2f} with the start",
                file=sys.stderr,
            )
            rows.append(row)
    print(json.dumps({
        "model": model.name, "weights_sha256": model.manifest.sha256, "device": "cpu",
        "cores": os.cpu_count(), "runs": rows,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
