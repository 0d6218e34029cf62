"""What does a reading cost, and do concurrent readings disturb each other?

    python -m benchmarks.reading

Cost: time of verdict and map by time of the plain forward pass, measured alternately, for each
model of the weights folder at its own input size. Expected: <= 1.15, and no gradient kept.
Threads: maps that threads compute at the same time on shared networks, against the same maps
computed one after the other. Expected: relative difference < 1e-5.
Prints a table to stderr and one JSON line to stdout.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from tqdm import tqdm

from bonefx.heatmaps.forward import logits_and_maps
from bonefx.heatmaps.methods import HEATMAP_METHODS
from bonefx.models.networks import SplitNetwork
from bonefx.models.registry import LoadedModel, load_model, model_ids, pick_device, weights_folder

THREADS = 8


def time_call(work: Callable[[], object], device: torch.device) -> float:
    """Return the time of one call, in seconds."""
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def measure_cost(model: LoadedModel, device: torch.device, *, pairs: int) -> dict[str, object]:
    """Time a forward pass with map against a plain pass, at the model's own input size."""
    network, size_px = model.network, model.manifest.preprocess.size_px
    film = torch.rand(1, 3, size_px, size_px, device=device)
    film = film.contiguous(memory_format=torch.channels_last)

    def plain() -> object:
        with torch.inference_mode():
            return network(film)

    def with_map() -> object:
        return logits_and_maps(network, film)

    for work in (plain, with_map, plain, with_map):
        work()
    ratios, passes = [], []
    for turn in range(pairs):
        times = {
            work: time_call(work, device) for work in ((plain, with_map)[:: 1 - 2 * (turn % 2)])
        }
        ratios.append(times[with_map] / times[plain])
        passes.append(times[plain])
    low, high = np.quantile(ratios, (0.25, 0.75))
    return {
        "ratio": float(np.median(ratios)), "quartile_low": float(low), "quartile_high": float(high),
        "n": pairs, "architecture": model.manifest.architecture, "size_px": size_px,
        "plain_ms": 1000 * float(np.median(passes)),
        "gradients_left": sum(value.grad is not None for value in network.parameters()),
    }  # fmt: skip


def measure_threads(
    networks: list[SplitNetwork], device: torch.device, *, requests: int
) -> dict[str, float | int]:
    """Compare maps computed by several threads at once with maps computed one by one."""
    methods = list(HEATMAP_METHODS)[:4]
    films = torch.rand(math.ceil(requests / len(networks) / len(methods)), 1, 3, 96, 96)
    requested = list(itertools.product(range(len(films)), range(len(networks)), methods))[:requests]

    def answer(request: tuple[int, int, str]) -> torch.Tensor:
        film, network, method = request
        return logits_and_maps(networks[network], films[film].to(device), method=method)[1].cpu()

    sequential = [answer(request) for request in tqdm(requested, desc="sequential", leave=False)]
    with ThreadPoolExecutor(THREADS) as pool:
        concurrent = list(pool.map(answer, requested))
    worst = [
        float((value - expected).abs().max() / expected.abs().max().clamp(min=1e-12))
        for value, expected in zip(concurrent, sequential, strict=True)
    ]
    return {
        "requests": len(requested),
        "threads": THREADS,
        "largest_relative_difference": max(worst),
    }


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading", description=__doc__)
    parser.add_argument("--device", metavar="NAME")
    parser.add_argument("--pairs", type=int, default=60, metavar="N")
    parser.add_argument("--requests", type=int, default=400, metavar="N")
    options = parser.parse_args(argv)
    device = pick_device(options.device)
    folder = weights_folder()
    models = [load_model(folder / name, device=device) for name in model_ids(folder)]
    costs = {model.name: measure_cost(model, device, pairs=options.pairs) for model in models}
    for name, row in costs.items():
        print(f"{name:22} ratio {row['ratio']:.3f} ({row['quartile_low']:.3f} to "
              f"{row['quartile_high']:.3f}, n = {row['n']}), plain pass {row['plain_ms']:.0f} ms",
              file=sys.stderr)  # fmt: skip
    threads = measure_threads(
        [model.network for model in models], device, requests=options.requests
    )
    print(f"{threads['requests']} requests by {THREADS} threads: largest relative difference "
          f"{threads['largest_relative_difference']:.1e}", file=sys.stderr)  # fmt: skip
    print(json.dumps({"cost": costs, "threads": threads, "device": str(device)}))


if __name__ == "__main__":
    main()
