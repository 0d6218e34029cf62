"""What a reading costs, and whether threads disturb each other.

    python -m tests.bench.bench_reading

Cost: verdict and map of one film against the plain forward pass of the same network, alternately
in one run, for each shipped model at its own input size. Threads: distinct requests of film,
network and method on shared networks, each map against its sequential twin. A table for people goes
to stderr, one JSON line to stdout. The ratio should be <= 1.15, the largest difference below 1e-5,
and no parameter may keep a gradient.
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


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Time one call."""
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def cost(model: LoadedModel, device: torch.device, *, pairs: int) -> dict[str, object]:
    """Compare a pass with its map to a plain pass, at the model's own input size."""
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
        times = {work: seconds(work, device) for work in ((plain, with_map)[:: 1 - 2 * (turn % 2)])}
        ratios.append(times[with_map] / times[plain])
        passes.append(times[plain])
    low, high = np.quantile(ratios, (0.25, 0.75))
    return {
        "ratio": float(np.median(ratios)), "quartile_low": float(low), "quartile_high": float(high),
        "n": pairs, "architecture": model.manifest.architecture, "size_px": size_px,
        "plain_ms": 1000 * float(np.median(passes)),
        "gradients_left": sum(value.grad is not None for value in network.parameters()),
    }  # fmt: skip


def threads(
    networks: list[SplitNetwork], device: torch.device, *, requests: int
) -> dict[str, float | int]:
    """Ask shared networks from several threads at once."""
    methods = list(HEATMAP_METHODS)[:4]
    films = torch.rand(math.ceil(requests / len(networks) / len(methods)), 1, 3, 96, 96)
    asked = list(itertools.product(range(len(films)), range(len(networks)), methods))[:requests]

    def answer(request: tuple[int, int, str]) -> torch.Tensor:
        film, network, method = request
        return logits_and_maps(networks[network], films[film].to(device), method=method)[1].cpu()

    alone = [answer(request) for request in tqdm(asked, desc="alone", leave=False)]
    with ThreadPoolExecutor(THREADS) as pool:
        together = list(pool.map(answer, asked))
    worst = [
        float((found - expected).abs().max() / expected.abs().max().clamp(min=1e-12))
        for found, expected in zip(together, alone, strict=True)
    ]
    return {"requests": len(asked), "threads": THREADS, "largest_relative_difference": max(worst)}


def main(argv: list[str] | None = None) -> None:
    """Measure, and print a table and a JSON line."""
    parser = argparse.ArgumentParser(prog="bench_reading", description=__doc__)
    parser.add_argument("--device", metavar="NAME")
    parser.add_argument("--pairs", type=int, default=60, metavar="N")
    parser.add_argument("--requests", type=int, default=400, metavar="N")
    options = parser.parse_args(argv)
    device = pick_device(options.device)
    folder = weights_folder()
    models = [load_model(folder / name, device=device) for name in model_ids(folder)]
    costs = {model.name: cost(model, device, pairs=options.pairs) for model in models}
    for name, row in costs.items():
        print(f"{name:22} ratio {row['ratio']:.3f} ({row['quartile_low']:.3f} to "
              f"{row['quartile_high']:.3f}, n = {row['n']}), plain pass {row['plain_ms']:.0f} ms",
              file=sys.stderr)  # fmt: skip
    safe = threads([model.network for model in models], device, requests=options.requests)
    print(f"{safe['requests']} requests by {THREADS} threads: largest relative difference "
          f"{safe['largest_relative_difference']:.1e}", file=sys.stderr)  # fmt: skip
    print(json.dumps({"cost": costs, "threads": safe, "device": str(device)}))


if __name__ == "__main__":
    main()
