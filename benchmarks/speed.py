"""How long does a reading take, against a plain forward pass and the usual way to a heat map?

    python -m benchmarks.speed [--model ID ...] [--device NAME] [--engine NAME]

Each film is read in turn, in every round in another order, by

- plain: the network's logit alone, on the engine that readings use;
- plain_torch: the same in PyTorch;
- verdict: a reading without a map: gate, verdict, orientation;
- reading: a reading as a user gets it: gate, verdict, map, and checks of the map;
- stock: a forward pass for the verdict, then pytorch-grad-cam's GradCAM with its defaults.

"in_16" is a reading of a batch of 16 films, by film. Ratios are those of one film in one round,
with the 95 % interval of their median. The time of a part of a reading is that part's own.
Prints a table to stderr and one JSON line to stdout.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from tqdm import tqdm

from benchmarks.medians import median_with_interval
from bonefx import data_folder
from bonefx.films import formats
from bonefx.heatmaps.forward import run_with_gradients
from bonefx.heatmaps.methods import GRAD_CAM
from bonefx.models.networks import FRACTURE_INDEX
from bonefx.models.preprocess import to_batch
from bonefx.models.registry import LoadedModel, load_model, pick_device, weights_folder
from bonefx.reading.evidence import compute_evidence
from bonefx.reading.reader import Reader
from bonefx.records import Radiograph
from bonefx.scope.gate import check_scope

MODELS = ("efficientnet_b0", "vgg16")
BATCH = 16
Work = Callable[[], object]


def works_of(reader: Reader, plain: LoadedModel, film: Radiograph) -> dict[str, Work]:
    """Return what is timed for one film, by name.

    Args:
        reader: Of one model.
        plain: The same model in PyTorch.
        film: The film.
    """
    model = reader.model()
    batch = batch_of(model, [film])
    backbone = plain.network.backbone
    layer = backbone.get_submodule(plain.manifest.cam_layer)
    stock = GradCAM(model=backbone, target_layers=[layer])
    targets = [ClassifierOutputTarget(FRACTURE_INDEX)]

    def logit_of(network: torch.nn.Module) -> Work:
        def work() -> object:
            with torch.inference_mode():
                return network(batch)

        return work

    def usual_way() -> object:
        with torch.inference_mode():
            backbone(batch)
        return stock(input_tensor=batch.detach().clone(), targets=targets)

    return {
        "plain": logit_of(model.network),
        "plain_torch": logit_of(plain.network),
        "verdict": lambda: reader.read(film, heat=False),
        "reading": lambda: reader.read(film),
        "stock": usual_way,
        **parts_of(model, film),
    }


def parts_of(model: LoadedModel, film: Radiograph) -> dict[str, Work]:
    """Return the parts of a reading of a film in scope, by name."""
    batch = batch_of(model, [film])
    passed = run_with_gradients(model.network, batch)
    signatures = passed.signature.float().cpu().numpy()
    return {
        "part: network input": lambda: batch_of(model, [film]),
        "part: network": lambda: run_with_gradients(model.network, batch),
        "part: gate": lambda: check_scope(
            model.scope, [film], signatures, signatures_of=model.signatures
        ),
        "part: map and its checks": lambda: compute_evidence(
            model, [film], batch, passed, heat=True, method=GRAD_CAM
        ),
    }


def batch_of(model: LoadedModel, films: list[Radiograph]) -> torch.Tensor:
    """Return the network's input of N films, (N, 3, S, S)."""
    batch = to_batch(films, model.manifest.preprocess)
    return batch.to(model.device, memory_format=torch.channels_last)


def measure(
    reader: Reader, plain: LoadedModel, films: Sequence[Radiograph], *, rounds: int
) -> dict[str, Any]:
    """Time one model on films, all ways in each round."""
    device, works = reader.model().device, [works_of(reader, plain, film) for film in films]
    times: dict[str, list[float]] = defaultdict(list)
    random = np.random.default_rng(0)
    for turn in tqdm(range(-1, rounds), desc=reader.model().name, leave=False):
        for own in works:
            for name in random.permutation(list(own)).tolist():
                elapsed_s = time_call(own[name], device)
                if turn >= 0:  # the first round warms up
                    times[name].append(elapsed_s)
    batch = [films[index % len(films)] for index in range(BATCH)]
    reader.read_batch(batch)
    in_16 = [time_call(lambda: reader.read_batch(batch), device) for _ in range(rounds)]
    with_map = [reader.read(film).heat is not None for film in films] * rounds
    return {
        "weights_sha256": plain.manifest.sha256,
        "size_px": plain.manifest.preprocess.size_px,
        "films": len(films),
        "films_with_map": sum(with_map) // rounds,
        "rounds": rounds,
        "ms": {name: summary(np.array(own) * 1000) for name, own in times.items()}
        | {"in_16": summary(np.array(in_16) * 1000 / BATCH)},
        "times_faster_than_stock": ratios(times["stock"], times["reading"], with_map),
        "plain_passes": ratios(times["reading"], times["plain"], with_map),
    }


def time_call(work: Work, device: torch.device) -> float:
    """Return the time of one call, in seconds."""
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def summary(values: NDArray[np.float64]) -> dict[str, float]:
    """Return median and 95th percentile."""
    return {"median": float(np.median(values)), "p95": float(np.quantile(values, 0.95))}


def ratios(
    over: Sequence[float], under: Sequence[float], with_map: Sequence[bool]
) -> dict[str, dict[str, float]]:
    """Return the median ratio of all films, and of those whose map is shown, with intervals."""
    values, shown = np.array(over) / np.array(under), np.array(with_map)
    return {
        "all": median_with_interval(values),
        "films_with_map": median_with_interval(values[shown]),
    }


def print_table(name: str, row: dict[str, Any]) -> None:
    """Print the times of one model for people."""
    print(f"{name}, ms: median (95th percentile)", file=sys.stderr)
    for work, own in row["ms"].items():
        print(f"  {work:26} {own['median']:7.1f} ({own['p95']:.1f})", file=sys.stderr)
    for ratio in ("times_faster_than_stock", "plain_passes"):
        for films, own in row[ratio].items():
            print(f"  {ratio}, {films}: {own['value']:.2f} ({own['low']:.2f} to {own['high']:.2f})",
                  file=sys.stderr)  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--model", action="append", metavar="ID")
    parser.add_argument("--device", metavar="NAME")
    parser.add_argument("--engine", metavar="NAME")
    parser.add_argument("--rounds", type=int, default=10, metavar="N")
    options = parser.parse_args(argv)
    device, folder = pick_device(options.device), weights_folder()
    films = [formats.read(path) for path in sorted(data_folder("examples").glob("*.jpg"))]
    rows = {}
    for name in options.model or MODELS:
        reader = Reader.from_folder(device=device, ids=[name], engine=options.engine)
        plain = load_model(folder / name, device=device)
        plain.network.requires_grad_(True)  # as torchvision's networks come, which GradCAM needs
        rows[name] = measure(reader, plain, films, rounds=options.rounds)
        print_table(name, rows[name])
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({
        "models": rows, "device": str(device), "threads": torch.get_num_threads(),
        "peak_memory_mb": peak_mb,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
