"""Valid objects with good defaults, so that a test names only what it is about."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from bonefx.architectures import ARCHITECTURES, BatchNormSpec, build_network
from bonefx.comparisons import comparison_path
from bonefx.film_rules import RULES, measures_of
from bonefx.manifest import SCHEMA_VERSION, read_manifest
from bonefx.networks import NO_FRACTURE, SplitNetwork
from bonefx.preprocess import PreprocessSpec, to_batch
from bonefx.records import OperatingPoint, Radiograph, Reading, Verdict
from bonefx.scope import REGIONS, SCOPE_FILE, Scope, scope_bytes

CARD = """# first

Never for patients. <script>document.title = "taken over"</script>

| figure | test | val | outside | elsewhere | anywhere | nowhere |
| --- | --- | --- | --- | --- | --- | --- |
| AUROC | 0.931 (0.891 to 0.959), n = 582 | 0.928 (0.878 to 0.960), n = 513 | 0.7 | 0.7 | 0.7 | - |

![reliability of the probabilities](figures.png)
![a plot of another host](https://elsewhere.invalid/plot.png)
"""
SIGNATURE = 1792  # numbers that EfficientNet-B0 signs a picture with
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def make_point(**changes: Any) -> OperatingPoint:
    """A valid operating point."""
    point: dict[str, Any] = {"name": "balanced", "threshold": 0.5, "review_band": (0.4, 0.6)}
    return OperatingPoint(**(point | changes))


def make_pixels(height: int = 120, width: int = 96, *, seed: int = 0) -> NDArray[np.float32]:
    """A film-like picture: a bright shaft on a dark ground with some noise, (H, W) in [0, 1]."""
    random = np.random.default_rng(seed)
    columns = np.linspace(-3, 3, width)
    shaft = 0.7 * np.exp(-(columns**2))[None, :] * np.ones((height, 1))
    noisy = shaft + 0.1 * random.random((height, width))
    return np.clip(noisy, 0, 1).astype(np.float32)


def make_radiograph(**changes: Any) -> Radiograph:
    """A valid radiograph."""
    film: dict[str, Any] = {
        "pixels": make_pixels(),
        "sha256": "0" * 64,
        "file_format": "PNG",
        "bits": 8,
        "photometric": "L",
    }
    return Radiograph(**(film | changes))


def make_reading(**changes: Any) -> Reading:
    """A valid reading without a map; a verdict out of scope takes the probability away."""
    reading: dict[str, Any] = {
        "radiograph_sha256": "0" * 64, "model": "tiny", "weights_sha256": "1" * 64,
        "verdict": Verdict.FRACTURE, "point": make_point(), "device": "cpu", "elapsed_s": 0.02,
        "logit": 1.0, "probability": 0.73, "heat_peak": 0.4,
    }  # fmt: skip
    if changes.get("verdict") is Verdict.OUT_OF_SCOPE:
        reading |= {"logit": None, "probability": None, "heat_peak": None}
    return Reading(**(reading | changes))


def png_film(height: int = 120, width: int = 96, *, seed: int = 0) -> bytes:
    """The bytes of an 8-bit PNG film; another seed gives another film."""
    pixels = np.rint(make_pixels(height, width, seed=seed) * 255).astype(np.uint8)
    return bytes(cv2.imencode(".png", pixels)[1])


def make_manifest(content: bytes, **changes: Any) -> dict[str, Any]:
    """A valid manifest for a weights file of the given content, as a table."""
    architecture = changes.get("architecture", "efficientnet_b0")
    estimate = {"value": 0.8, "low": 0.7, "high": 0.9, "n": 100}
    measured = dict.fromkeys(("sensitivity", "specificity", "review_rate", "missed_rate"), estimate)
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "id": "tiny",
        "architecture": architecture,
        "file": "model.safetensors",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "preprocess": {"size_px": 64, "mean": MEAN, "std": STD},
        "batch_norm": {"eps": 1e-3, "momentum": 0.01},
        "cam_layer": ARCHITECTURES[architecture].cam_layer,
        "heat_floor": 0.0,
        "float16_drift": 0.001,
        "calibration": {
            "method": "platt", "slope": 1.0, "intercept": 0.0, "n": 100, "split": "val",
        },
        "operating_points": [
            {"name": name, "threshold": threshold, "review_band": band, **measured}
            for name, threshold, band in (
                ("screening", 0.2, [0.1, 0.3]),
                ("balanced", 0.5, [0.4, 0.6]),
                ("specific", 0.8, [0.7, 0.9]),
            )
        ],
        "default_point": "balanced",
        "scope": scope_entry(scope_bytes(make_scope())),
        "training_data": {
            "name": "synthetic", "licence": "none", "source": "", "split_sha256": None,
            "counts": {"train": {"films": 10, "fractured": 5, "with_boxes": 5}},
        },
        "initial_weights": {"source": "seed 0", "sha256": None, "licence": "none", "note": ""},
        "recipe_sha256": "0" * 64,
        "libraries": {"torch": torch.__version__},
        "created": "2026-01-01",
    }  # fmt: skip
    return manifest | changes


def make_scope(**changes: Any) -> Scope:
    """A scope that lets every picture in and was taught no region."""
    values: dict[str, Any] = {
        "mean": np.zeros(SIGNATURE), "scale": np.ones(SIGNATURE), "axes": np.eye(2, SIGNATURE),
        "variances": np.ones(2), "noise": np.array(1.0), "limit": np.array(1e30),
        "region_weights": np.zeros((len(REGIONS), SIGNATURE)),
        "region_biases": np.full(len(REGIONS), -20.0),
        "rule_low": np.full(len(RULES), -1e9), "rule_high": np.full(len(RULES), 1e9),
    }  # fmt: skip
    return Scope(**{
        name: np.asarray(value, np.float32) for name, value in (values | changes).items()
    })  # fmt: skip


def make_narrow_scope(**changes: Any) -> Scope:
    """A scope that lets films of make_pixels in, by their grey levels, but no inverted film."""
    measures = np.stack([measures_of(make_pixels(seed=seed)) for seed in range(20)])
    spread = np.maximum(np.abs(measures).max(0), 0.3)
    limits = {"rule_low": measures.min(0) - spread / 2, "rule_high": measures.max(0) + spread / 2}
    brightness = [rule.name for rule in RULES].index("brightness")
    limits["rule_high"][brightness] = 0.5
    return make_scope(**(limits | changes))


def scope_entry(content: bytes) -> dict[str, Any]:
    """A manifest's entry for a scope file of the given content."""
    digest = hashlib.sha256(content).hexdigest()
    return {"file": SCOPE_FILE, "bytes": len(content), "sha256": digest}


def make_network(
    architecture: str = "efficientnet_b0",
    *,
    batch_norm: BatchNormSpec | None = None,
    seed: int = 0,
) -> SplitNetwork:
    """A seeded network, frozen, with logits around 0 and a map that is not empty.

    Its batch norms have met some input, and every activation speaks for a fracture.
    """
    torch.manual_seed(seed)
    network = build_network(architecture, batch_norm=batch_norm)
    films = [make_radiograph(pixels=make_pixels(90 + 10 * i, seed=i)) for i in range(8)]
    batch = to_batch(films, PreprocessSpec(size_px=64, mean=MEAN, std=STD))
    norms = [layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    network.requires_grad_(False).train()(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    last = network.eval().last_layer
    last.reset_parameters()
    last.weight.abs_()[NO_FRACTURE] *= -1
    last.bias[NO_FRACTURE] += network(batch)[0].mean()
    return network


def make_model_folder(
    weights: Path, *, seed: int = 0, scope: Scope | None = None, **changes: Any
) -> Path:
    """A small seeded model as a real folder of safetensors and manifest; returns its path.

    Its scope lets every picture in, unless another one is given.
    """
    folder = weights / changes.get("id", "tiny")
    folder.mkdir(parents=True)
    network = make_network(
        changes.get("architecture", "efficientnet_b0"),
        batch_norm=BatchNormSpec(eps=1e-3),
        seed=seed,
    )
    path = folder / "model.safetensors"
    state = {
        name: value.half() if value.is_floating_point() else value
        for name, value in network.backbone.state_dict().items()
    }
    save_file(state, path)
    scoped = scope_bytes(scope or make_scope())
    (folder / SCOPE_FILE).write_bytes(scoped)
    entry = {"scope": scope_entry(scoped)}
    manifest = make_manifest(path.read_bytes(), **(entry | changes))
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def make_estimate(value: float, low: float, high: float, n: int = 582) -> dict[str, Any]:
    """A figure with its interval, as a table."""
    return {"value": value, "low": low, "high": high, "n": n}


def make_evaluation(manifest: Any, *, in_training: int = 0, **changes: Any) -> dict[str, Any]:
    """The part of a model's evaluation.json that the screens read, and an entry that they do not.

    Args:
        manifest: Of the model, as bonefx.manifest.Manifest.
        in_training: Test films that the model was trained on.
        changes: Other entries.
    """
    test = {"n": 582, "fractured": 98, "groups": 44, "in_training": in_training,
            "auroc": make_estimate(0.931, 0.891, 0.959)}  # fmt: skip
    outside = {"n": 3717, "fractured": 1487, "groups": 420, "in_training": 0,
               "auroc": make_estimate(0.707, 0.622, 0.781, 3717)}  # fmt: skip
    evaluation = {
        "model": manifest.id, "weights_sha256": manifest.sha256, "supervised": True,
        "data": {"name": "FracAtlas", "licence": "CC BY 4.0"}, "outside": "Elsewhere",
        "splits": {"test": test, "outside": outside},
    }  # fmt: skip
    return evaluation | changes


def make_comparison(manifests: Sequence[Any], **changes: Any) -> dict[str, Any]:
    """A measured comparison of two models, as a table."""
    comparison = {
        "models": [manifest.id for manifest in manifests],
        "weights_sha256": [manifest.sha256 for manifest in manifests],
        "films": {"FracAtlas": 582}, "n": 582, "fractured": 98, "groups": 44, "left_out": 3,
        "aurocs": [make_estimate(0.931, 0.891, 0.959), make_estimate(0.811, 0.75, 0.86)],
        "difference": make_estimate(0.12, 0.05, 0.2),
        "only_first": 41, "only_second": 23, "mcnemar_p": 0.0314,
    }  # fmt: skip
    return comparison | changes


def make_three_models(weights: Path) -> None:
    """Three small models with all that Compare and Model card tell of them.

    "first" has a card with a picture and was measured on unseen films; "second" memorised its test
    films; "third" has neither. first and second are compared on a test set, first and third were
    with other weights.
    """
    folders = [
        make_model_folder(weights, seed=seed, id=name)
        for seed, name in enumerate(("first", "second", "third"))
    ]
    first, second, third = (read_manifest(folder) for folder in folders)
    for folder, manifest, seen in ((folders[0], first, 0), (folders[1], second, 491)):
        table = make_evaluation(manifest, in_training=seen)
        (folder / "evaluation.json").write_text(json.dumps(table))
    (folders[0] / "CARD.md").write_text(CARD)
    cv2.imwrite(str(folders[0] / "figures.png"), np.zeros((40, 60), np.uint8))
    (weights / "comparisons").mkdir()
    stale = make_comparison([first, third], weights_sha256=[first.sha256, "f" * 64])
    for table in (make_comparison([first, second]), stale):
        path = comparison_path(weights, *table["models"])
        path.write_text(json.dumps(table))
