"""How much does loading films slow training down?

    python -m benchmarks.training --data data/fracatlas --layout fracatlas

Films per second with real films from the loader, by films per second with films already in memory.
The training step and the augmentation are those of the default recipe. Both are measured in turn,
so that other load on the machine slows both. Expected ratio: >= 0.9.
Prints a table to stderr and one JSON line to stdout.
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

from benchmarks.medians import median_with_interval
from bonefx.models.architectures import build_network
from train.data import ADAPTERS, load_data
from train.data.augment import Sample
from train.data.cache import CachedFilms, load_cached
from train.data.loader import training_loader
from train.fit.device import build_accelerator, keep_freed_memory
from train.fit.trainer import Trainer
from train.recipe import Recipe, read_recipe
from train.recipe_sections import Stage

DEFAULT_RECIPE = Path(__file__).parents[1] / "train" / "recipes" / "efficientnet_b0.toml"
IN_MEMORY_BATCHES = 4  # of noise, used in turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Figures of the benchmark.

    Attributes:
        n: Pairs of measurements.
        ratio: Median over pairs of films/s with real films by films/s with films in memory.
        low: Lower end of the ratio's 95 % bootstrap interval.
        high: Upper end of it.
        real_films_per_s: Median.
        memory_films_per_s: Median.
        steps: Timed steps of each measurement.
        workers: Processes that augment films.
        threads: CPU threads of the training process.
        device: Device that trained.
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


def parse_options(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
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


def benchmark_recipe(options: argparse.Namespace) -> Recipe:
    """Return the default recipe at the requested input size, without distillation."""
    recipe, _ = read_recipe(DEFAULT_RECIPE)
    stage = Stage(size_px=options.size_px, epochs=1)
    return replace(
        recipe, stages=(stage,), batch_size=options.batch_size, data=options.layout,
        distillation=None,
    )  # fmt: skip


def real_films(
    films: CachedFilms, recipe: Recipe, *, accelerator: Accelerator, workers: int
) -> Iterator[Sample]:
    """Yield full batches from the training loader, without end."""
    for epoch in count():
        loader = training_loader(
            films, recipe, epoch=epoch, accelerator=accelerator, workers=workers
        )
        for tensors in loader:
            sample = Sample(*tensors)
            if len(sample.fractured) == recipe.batch_size:
                yield sample


def films_in_memory(recipe: Recipe, device: torch.device) -> Iterator[Sample]:
    """Yield batches of noise that lie on the device, without end."""
    shape = (recipe.batch_size, recipe.size_px, recipe.size_px)
    label = torch.arange(recipe.batch_size, device=device) % 2
    batches = [
        Sample(
            torch.randint(0, 256, shape, dtype=torch.uint8, device=device),
            torch.zeros(shape, dtype=torch.uint8, device=device),
            label.float(),
            torch.ones(recipe.batch_size, device=device),
            torch.ones(recipe.batch_size, device=device),
        )
        for _ in range(IN_MEMORY_BATCHES)
    ]
    return cycle(batches)


def measure_films_per_s(
    trainer: Trainer, batches: Iterator[Sample], *, steps: int, untimed: int
) -> float:
    """Measure training steps; the untimed ones use up batches that workers prepared before."""
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
    """Wait until a GPU has finished."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def measure_pairs(options: argparse.Namespace) -> list[tuple[float, float]]:
    """Measure pairs of films per second, real and in memory; the first of a pair alternates."""
    recipe = benchmark_recipe(options)
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
            rates[source] = measure_films_per_s(
                trainer, sources[source],
                steps=options.steps, untimed=2 * options.workers + 1,
            )  # fmt: skip
        pairs.append((rates[0], rates[1]))
    return pairs


def summarise(pairs: NDArray[np.float64], options: argparse.Namespace) -> Result:
    """Compute the figures from (n, 2) films per second, real and in memory."""
    ratios = pairs[:, 0] / pairs[:, 1]
    ratio = median_with_interval(ratios)
    real, memory = np.median(pairs, axis=0)
    return Result(
        n=len(ratios), ratio=ratio["value"], low=ratio["low"], high=ratio["high"],
        real_films_per_s=float(real), memory_films_per_s=float(memory),
        steps=options.steps, workers=options.workers, threads=torch.get_num_threads(),
        device=str(build_accelerator(options.device).device),
    )  # fmt: skip


def print_table(pairs: NDArray[np.float64], result: Result) -> None:
    """Print the table to stderr."""
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
    """Run the benchmark."""
    keep_freed_memory()
    options = parse_options(argv)
    pairs = np.array(measure_pairs(options))
    result = summarise(pairs, options)
    print_table(pairs, result)
    print(json.dumps(asdict(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
