"""Does the app answer as correctly, and stay as small, after a thousand requests as at first?

    python -m benchmarks.soak [--requests N] [--clients N] [--weights DIR]

Starts the app and asks about each example film alone: for a reading, a comparison of models, and in
a list. Then clients send the same requests at once, in an order drawn from a seed, and among them
files that are no films. Each answer has to equal the one that the film got alone, and each file
that is no film has to be refused.

Memory is taken after the first tenth of the requests and after the last; the app and its decoding
processes are counted. Prints the counts to stderr and one JSON line to stdout, and exits with 1 if
an answer was wrong or missing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from benchmarks.serve import RunningApp, connect, running_app
from bonefx import data_folder

REQUESTS, CLIENTS, LIST_FILMS = 1000, 16, 3
SEED = 1
REFUSED, IN_SENTENCE = "refused", "GIF"  # a part of the sentence about the file
KINDS = ("read", "read", "read", "compare", "worklist", "broken")  # how often each is drawn
TIMES = ("elapsed_s", "generated")  # what differs between two answers about a film


@dataclass(frozen=True, kw_only=True)
class Task:
    """One request.

    Attributes:
        kind: Of KINDS.
        films: Indices of its films.
    """

    kind: str
    films: tuple[int, ...]


def draw_tasks(requests: int, films: int) -> list[Task]:
    """Draw requests from the seed."""
    draw = random.Random(SEED)  # noqa: S311 (no secret)
    tasks = []
    for _ in range(requests):
        kind = draw.choice(KINDS)
        count = LIST_FILMS if kind == "worklist" else 1
        tasks.append(Task(kind=kind, films=tuple(draw.sample(range(films), count))))
    return tasks


def ask(client: Client, task: Task, films: Sequence[Path], broken: Path) -> Any:
    """Send a request; return the answer without times, or REFUSED for a file that is no film."""
    if task.kind == "broken":
        try:
            client.predict(handle_file(broken), api_name="/read")
        except AppError as error:
            return REFUSED if IN_SENTENCE in str(error) else "failed"
        return "answered"
    given: Any = [handle_file(films[index]) for index in task.films]
    answer = client.predict(
        given if task.kind == "worklist" else given[0], api_name=f"/{task.kind}"
    )
    return without_times(answer)


def without_times(answer: Any) -> Any:
    """Return an answer without the values that differ from one reading to the next."""
    if isinstance(answer, dict):
        return {name: without_times(one) for name, one in answer.items() if name not in TIMES}
    if isinstance(answer, list):
        return [without_times(one) for one in answer]
    return round(answer, 4) if isinstance(answer, float) else answer


def run_tasks(
    app: RunningApp, tasks: Sequence[Task], act: Callable[[Client, Task], str], *, clients: int
) -> Counter[str]:
    """Let clients do tasks at once; each takes every N-th. Return how they ended."""

    def run(first: int) -> list[str]:
        client = connect(app)
        return [act(client, task) for task in tasks[first::clients]]

    with ThreadPoolExecutor(clients) as pool:
        return Counter(end for ends in pool.map(run, range(clients)) for end in ends)


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS, metavar="N")
    parser.add_argument("--clients", type=int, default=CLIENTS, metavar="N")
    parser.add_argument("--weights", type=Path, metavar="DIR")
    options = parser.parse_args(argv)
    films = sorted(data_folder("examples").glob("*.jpg"))
    tasks = draw_tasks(options.requests, len(films))
    expected: dict[Task, Any] = {}
    with (
        tempfile.TemporaryDirectory(prefix="bonefx-") as folder,
        running_app(options.weights) as app,
    ):
        broken = Path(folder) / "broken.png"
        broken.write_bytes(b"GIF89a and no more")
        alone = connect(app)
        for task in dict.fromkeys(tasks):
            expected[task] = REFUSED if task.kind == "broken" else ask(alone, task, films, broken)

        def act(client: Client, task: Task) -> str:
            try:
                answer = ask(client, task, films, broken)
            except Exception as error:  # noqa: BLE001 (each kind is counted, whatever it is)
                return f"error {type(error).__name__}"
            return "right" if answer == expected[task] else "wrong"

        tenth = max(1, len(tasks) // 10)
        started = time.perf_counter()
        ends = run_tasks(app, tasks[:tenth], act, clients=options.clients)
        first_mb = app.memory_mb()
        ends += run_tasks(app, tasks[tenth:], act, clients=options.clients)
        elapsed_s, last_mb = time.perf_counter() - started, app.memory_mb()
    result = {
        "requests": len(tasks), "clients": options.clients, "ends": dict(ends),
        "requests_per_s": len(tasks) / elapsed_s, "cores": os.cpu_count(),
        "memory_mb": {"after_a_tenth": first_mb, "after_all": last_mb},
    }  # fmt: skip
    print(f"{dict(ends)}; {first_mb:.0f} MiB, then {last_mb:.0f} MiB", file=sys.stderr)
    print(json.dumps(result))
    return int(set(ends) != {"right"})


if __name__ == "__main__":
    sys.exit(main())
