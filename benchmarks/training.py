"""Films/s of training with real films through the loader, against films already in memory.

    python -m tests.bench.bench_train --data data/fracatlas --layout fracatlas

The training step is the engine's own, with the shipped recipe's augmentation. Both are measured in
one run, one after the other, again and again: another load on the machine slows both. The table
for people goes to stderr, one JSON line for programs to stdout. The ratio should be >= 0.9.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import count, cycle
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from tqdm import tqdm

from bonefx.models.architectures import build_network
from train.data import ADAPTERS, load_data
from train.data.augment import Sample
from train.data.cache import CachedFilms, load_cached
from train.data.loader import training_loader
from train.fit.allocator import keep_freed_memory
from train.fit.engine import build_accelerator
from train.fit.trainer import Trainer
from train.recipe import Recipe, Stage, read_recipe

SHIPPED = Path(__file__).parents[2] / "train" / "recipes" / "efficientnet_b0.toml"
IN_MEMORY = 4  # batches that the synthetic films are drawn from
RESAMPLES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was measured.

    Attributes:
        n: Pairs of measurements.
        ratio: Median over pairs of films/s with real films by films/s with films in memory.
        low: Lower end of the ratio's 95 % bootstrap interval.
        high: Upper end of it.
        real_films_per_s: Median.
        memory_films_per_s: Median.
        steps: Timed steps of each measurement.
        workers: Processes that augment films.
        threads: Of the training process.
        device: That trained.
    """

    n: int
    ratio: float
    low: float
    high: float
    real_films_per_s: float
    memory_films_per_s: float
    steps: int
    workers: int
    threads: int
    device: str


def options_of(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="bench_train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--layout", choices=sorted(ADAPTERS), default="fracatlas", metavar="NAME")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), metavar="DIR")
    parser.add_argument("--workers", type=int, default=1, metavar="N")
    parser.add_argument("--steps", type=int, default=8, metavar="N", help="of each measurement")
    parser.add_argument("--pairs", type=int, default=10, metavar="N", help="of measurements")
    parser.add_argument("--batch-size", type=int, default=16, metavar="N")
    parser.add_argument("--size-px", type=int, default=224, metavar="N")
    parser.add_argument("--device")
    return parser.parse_args(argv)


def recipe_of(options: argparse.Namespace) -> Recipe:
    """The shipped recipe at the size that is asked for, without its teacher."""
    recipe, _ = read_recipe(SHIPPED)
    stage = Stage(size_px=options.size_px, epochs=1)
    return replace(
        recipe, stages=(stage,), batch_size=options.batch_size, data=options.layout,
        distillation=None,
    )  # fmt: skip


def real_films(
    films: CachedFilms, recipe: Recipe, *, accelerator: Accelerator, workers: int
) -> Iterator[Sample]:
    """Whole batches through the engine's loader, without end."""
    for epoch in count():
        loader = training_loader(
            films, recipe, epoch=epoch, accelerator=accelerator, workers=workers
        )
        for tensors in loader:
            sample = Sample(*tensors)
            if len(sample.fractured) == recipe.batch_size:
                yield sample


def films_in_memory(recipe: Recipe, device: torch.device) -> Iterator[Sample]:
    """Batches of noise that lie on the device, without end."""
    shape = (recipe.batch_size, recipe.size_px, recipe.size_px)
    label = torch.arange(recipe.batch_size, device=device) % 2
    batches = [
        Sample(
            torch.randint(0, 256, shape, dtype=torch.uint8, device=device),
            torch.zeros(shape, dtype=torch.uint8, device=device),
            label.float(),
            torch.ones(recipe.batch_size, device=device),
        )
        for _ in range(IN_MEMORY)
    ]
    return cycle(batches)


def films_per_s(trainer: Trainer, batches: Iterator[Sample], *, steps: int, untimed: int) -> float:
    """Measure training; the first steps use up what workers made ready meanwhile."""
    for _ in range(untimed):
        trainer.train_micro_batch(next(batches), weight=1.0)
    _wait()
    started, films = time.perf_counter(), 0
    for _ in range(steps):
        sample = next(batches)
        trainer.train_micro_batch(sample, weight=1.0)
        films += len(sample.fractured)
    _wait()
    return films / (time.perf_counter() - started)


def _wait() -> None:
    """Let a GPU finish what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def measured(options: argparse.Namespace) -> list[tuple[float, float]]:
    """Pairs of films/s, real and in memory, by turns first."""
    recipe = recipe_of(options)
    accelerator = build_accelerator(options.device)
    films = load_cached(
        load_data(recipe.data, options.data).split("train"),
        size_px=options.size_px, folder=options.cache,
    )  # fmt: skip
    steps = options.pairs * 4 * (options.steps + 2 * options.workers + 1)
    network = build_network(recipe.architecture)
    trainer = Trainer(network, recipe, accelerator=accelerator, steps=steps)
    trainer.train()
    sources = [
        real_films(films, recipe, accelerator=accelerator, workers=options.workers),
        films_in_memory(recipe, accelerator.device),
    ]
    pairs = []
    for pair in tqdm(range(options.pairs), desc="pairs", leave=False):
        rates = [0.0, 0.0]
        for source in (0, 1) if pair % 2 else (1, 0):
            rates[source] = films_per_s(
                trainer, sources[source],
                steps=options.steps, untimed=2 * options.workers + 1,
            )  # fmt: skip
        pairs.append((rates[0], rates[1]))
    return pairs


def summarised(pairs: NDArray[np.float64], options: argparse.Namespace) -> Result:
    """Summarise (n, 2) films/s, real and in memory."""
    ratios = pairs[:, 0] / pairs[:, 1]
    drawn = np.random.default_rng(0).choice(ratios, (RESAMPLES, len(ratios)))
    low, high = np.percentile(np.median(drawn, axis=1), (2.5, 97.5))
    real, memory = np.median(pairs, axis=0)
    return Result(
        n=len(ratios), ratio=float(np.median(ratios)), low=float(low), high=float(high),
        real_films_per_s=float(real), memory_films_per_s=float(memory),
        steps=options.steps, workers=options.workers, threads=torch.get_num_threads(),
        device=str(build_accelerator(options.device).device),
    )  # fmt: skip


def show(pairs: NDArray[np.float64], result: Result) -> None:
    """Print the table for people."""
    lines = ["pair   real films/s   in memory films/s   ratio"]
    lines += [
        f"{index + 1:4}   {real:12.2f}   {memory:17.2f}   {real / memory:5.3f}"
        for index, (real, memory) in enumerate(pairs)
    ]
    lines.append(
        f"median ratio {result.ratio:.3f} [{result.low:.3f}, {result.high:.3f}], n = {result.n}"
    )
    print("\n".join(lines), file=sys.stderr)


def main(argv: list[str] | None = None) -> int:
    """Measure, show, print."""
    keep_freed_memory()
    options = options_of(argv)
    pairs = np.array(measured(options))
    result = summarised(pairs, options)
    show(pairs, result)
    print(json.dumps(asdict(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
