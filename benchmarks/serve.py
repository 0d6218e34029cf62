"""How does the app answer many users at once?

    python -m benchmarks.serve [--clients N ...] [--seconds S] [--weights DIR]

Starts the app on this machine in a process of its own, with its default settings on a CPU, and
lets N clients read the example films by the endpoint /read, each one film after the other, for a
bounded time at each N. A reading is that of a user: verdict, map, its checks and a second model.
Then one client reads single films while another one reads a list of films again and again.

Latencies are those of a client, from sending the film to the answer. Client and app share the
machine. Prints a table to stderr and one JSON line to stdout.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import numpy as np
import psutil
from gradio_client import Client, handle_file
from gradio_client.utils import QueueError

from bonefx import data_folder

CLIENTS = (1, 4, 16, 64)
SECONDS = 30.0
START_S = 300
POLL_S = 0.1
MB = 2**20
LIST_FILMS = 8
QUEUE_FULL = "refused: queue full"


@dataclass(frozen=True, kw_only=True)
class RunningApp:
    """An app that runs: its address and the id of its process."""

    url: str
    pid: int

    def memory_mb(self) -> float:
        """Return the resident memory of the app and its child processes, in MiB."""
        process = psutil.Process(self.pid)
        family = (process, *process.children(recursive=True))
        return float(sum(one.memory_info().rss for one in family) / MB)


@dataclass(kw_only=True)
class Answers:
    """Latencies, in seconds, and the kinds of errors of one client."""

    latencies_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@contextmanager
def running_app(weights: Path | None) -> Iterator[RunningApp]:
    """Start the app on a free port, wait until it answers, and stop it at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "bonefx", "serve", "--port", str(port), "--device", "cpu"]
    if weights is not None:
        command += ["--weights", str(weights)]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603 (our own program)
            command, stdout=log, stderr=log, env=os.environ | {"TMPDIR": folder}
        )
        try:
            app = RunningApp(url=f"http://127.0.0.1:{port}", pid=process.pid)
            _wait_until(lambda: httpx.get(app.url, timeout=5).is_success, process)
            yield app
        finally:
            process.terminate()
            process.wait(timeout=60)


def _wait_until(answers: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if answers():
                return
        except httpx.TransportError:
            pass
        time.sleep(POLL_S)
    raise RuntimeError(f"the app did not answer within {START_S} s")


def read_films(client: Client, films: Sequence[Path], stop: Event, *, first: int) -> Answers:
    """Read films one after the other until it is time to stop, beginning with the given one."""
    answers, number = Answers(), first
    while not stop.is_set():
        film = handle_file(films[number % len(films)])
        started = time.perf_counter()
        try:
            client.predict(film, api_name="/read")
        except Exception as error:  # noqa: BLE001 (each kind is counted, whatever it is)
            answers.errors.append(error_kind(error))
        else:
            answers.latencies_s.append(time.perf_counter() - started)
        number += 1
    return answers


def error_kind(error: Exception) -> str:
    """Return what went wrong with a request: refused because the queue is full, or else a class."""
    status = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else None
    full = isinstance(error, QueueError) or status == HTTPStatus.TOO_MANY_REQUESTS
    return QUEUE_FULL if full else type(error).__name__


def read_lists(client: Client, films: Sequence[Path], stop: Event) -> int:
    """Read a list of films again and again until it is time to stop; return how often."""
    lists = 0
    while not stop.is_set():
        client.predict([handle_file(film) for film in films[:LIST_FILMS]], api_name="/worklist")
        lists += 1
    return lists


def measure_clients(
    app: RunningApp, films: Sequence[Path], *, clients: int, seconds: float
) -> dict[str, Any]:
    """Let clients read at once for a time; answers that are late by then still count."""
    connected = [connect(app) for _ in range(clients)]
    stop, started = Event(), time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        running = [
            pool.submit(read_films, client, films, stop, first=number)
            for number, client in enumerate(connected)
        ]
        stop.wait(seconds)
        stop.set()
        answers = [one.result() for one in running]
    elapsed_s = time.perf_counter() - started
    return {"clients": clients, **summary(answers, elapsed_s), "memory_mb": app.memory_mb()}


def measure_beside_list(
    app: RunningApp, films: Sequence[Path], *, seconds: float
) -> dict[str, Any]:
    """Read single films while another client reads a list."""
    alone, lists = connect(app), connect(app)
    stop, started = Event(), time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        reading_list = pool.submit(read_lists, lists, films, stop)
        single = pool.submit(read_films, alone, films, stop, first=0)
        stop.wait(seconds)
        stop.set()
        answers, list_count = single.result(), reading_list.result()
    return {"lists": list_count, **summary([answers], time.perf_counter() - started)}


def connect(app: RunningApp) -> Client:
    """Connect a client to the app."""
    return Client(app.url, verbose=False, analytics_enabled=False)


def summary(answers: Sequence[Answers], elapsed_s: float) -> dict[str, Any]:
    """Return throughput, percentiles of the latency, and errors by their kind."""
    latencies = np.array([value for one in answers for value in one.latencies_s])
    errors = [error for one in answers for error in one.errors]
    return {
        "n": len(latencies),
        "films_per_s": len(latencies) / elapsed_s,
        "latency_s": {
            f"p{share}": float(np.percentile(latencies, share)) if len(latencies) else None
            for share in (50, 95, 99)
        },
        "errors": {kind: errors.count(kind) for kind in sorted(set(errors))},
    }


def print_row(name: str, row: dict[str, Any]) -> None:
    """Print one line of the table for people."""
    times = "  ".join(
        f"{share} {value:6.2f}" for share, value in row["latency_s"].items() if value is not None
    )
    print(
        f"{name:24} {row['films_per_s']:5.2f} films/s  {times} s  n {row['n']}  "
        f"errors {row['errors'] or 'none'}",
        file=sys.stderr,
    )


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serve", description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS, metavar="N")
    parser.add_argument("--seconds", type=float, default=SECONDS, metavar="S")
    parser.add_argument("--weights", type=Path, metavar="DIR")
    options = parser.parse_args(argv)
    films = sorted(data_folder("examples").glob("*.jpg"))
    started = time.perf_counter()
    with running_app(options.weights) as app:
        page_s = time.perf_counter() - started
        connect(app).predict(handle_file(films[0]), api_name="/read")
        first_s = time.perf_counter() - started
        rows = []
        for clients in options.clients:
            rows.append(measure_clients(app, films, clients=clients, seconds=options.seconds))
            print_row(f"{clients} clients", rows[-1])
        beside = measure_beside_list(app, films, seconds=options.seconds)
        print_row("1 client beside a list", beside)
        memory_mb = app.memory_mb()
    print(f"page after {page_s:.1f} s, first answer after {first_s:.1f} s; {memory_mb:.0f} MiB",
          file=sys.stderr)  # fmt: skip
    print(json.dumps({
        "start_s": {"page": page_s, "first_answer": first_s}, "clients": rows,
        "beside_a_list": beside, "memory_mb": memory_mb, "cores": os.cpu_count(),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
