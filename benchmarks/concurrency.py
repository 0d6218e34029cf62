"""Do concurrent readings disturb each other?

    python -m benchmarks.concurrency

Compares maps that threads compute at the same time on shared networks with the same maps computed
one after the other. Expected: relative difference < 1e-5.
Prints a line to stderr and one JSON line to stdout.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
from concurrent.futures import ThreadPoolExecutor

import torch
from tqdm import tqdm

from bonefx.heatmaps.forward import logits_and_maps
from bonefx.heatmaps.methods import HEATMAP_METHODS
from bonefx.models.networks import SplitNetwork
from bonefx.models.registry import load_model, model_ids, pick_device, weights_folder

THREADS = 8


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
    parser = argparse.ArgumentParser(prog="python -m benchmarks.concurrency", description=__doc__)
    parser.add_argument("--device", metavar="NAME")
    parser.add_argument("--requests", type=int, default=400, metavar="N")
    options = parser.parse_args(argv)
    device = pick_device(options.device)
    folder = weights_folder()
    models = [load_model(folder / name, device=device) for name in model_ids(folder)]
    threads = measure_threads(
        [model.network for model in models], device, requests=options.requests
    )
    print(f"{threads['requests']} requests by {THREADS} threads: largest relative difference "
          f"{threads['largest_relative_difference']:.1e}", file=sys.stderr)  # fmt: skip
    print(json.dumps(threads | {"device": str(device)}))


if __name__ == "__main__":
    main()
