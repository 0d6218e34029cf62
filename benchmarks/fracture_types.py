"""Can the type of a fracture be told from the network's activations at the fracture?

    python -m benchmarks.fracture_types --data data/more --model weights/efficientnet_b0

Films that name one type in TYPES are used. A logistic regression gets the mean activations of the
HOTTEST cells of a film, which its heat map shows, and the film's signature. It is cross-validated
in FOLDS parts, with all films of a group in one part; its penalty is chosen inside of each part.
For comparison the same regression gets a thumbnail of the film, which shows the body part and the
look of the source but hardly a fracture: what it tells is not learned from the fracture. Prints one
JSON line; balanced accuracy is the mean share of each type that is named rightly, with a bootstrap
interval over groups.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bonefx.heatmaps.forward import run_with_gradients
from bonefx.heatmaps.methods import GRAD_CAM, class_activation_map
from bonefx.models.registry import LoadedModel, load_model
from bonefx.records import Estimate
from train import metrics
from train.data import ADAPTERS, load_data
from train.data.cache import CachedFilms, load_cached
from train.fit.outputs import network_input_batches

TYPES: Mapping[str, str] = {  # in the publishers' words, small letters: merged type
    "greenstick fracture": "incomplete", "greenstick": "incomplete",
    "hairline fracture": "incomplete",
    "oblique fracture": "oblique or spiral", "oblique": "oblique or spiral",
    "oblique displaced": "oblique or spiral", "spiral fracture": "oblique or spiral",
    "spiral": "oblique or spiral", "longitudinal fracture": "oblique or spiral",
    "transverse": "transverse", "transverse displaced": "transverse",
    "comminuted fracture": "comminuted or impacted", "comminuted": "comminuted or impacted",
    "impacted fracture": "comminuted or impacted", "segmental": "comminuted or impacted",
    "fracture dislocation": "with dislocation",
    "avulsion fracture": "avulsion",
    "pathological fracture": "pathological",
}  # fmt: skip
FEWEST_FILMS = 40  # of a merged type
HOTTEST = 5  # cells of a film
THUMBNAIL_PX = 16
FOLDS = 5
PENALTIES = np.logspace(-5, 0, 6)


def typed_films(films: CachedFilms) -> tuple[CachedFilms, NDArray[np.str_]]:
    """Return the films that name exactly one merged type of at least FEWEST_FILMS, and the type."""
    merged = [{TYPES.get(name.lower(), "") for name in film.types} for film in films.films]
    named = [one.pop() if len(one) == 1 else "" for one in merged]
    enough = {name for name in set(named) if name and named.count(name) >= FEWEST_FILMS}
    kept = [index for index, name in enumerate(named) if name in enough]
    return films.select(np.array(kept)), np.array([named[index] for index in kept])


def fracture_features(model: LoadedModel, films: CachedFilms) -> NDArray[np.float32]:
    """Compute the mean activations of each film's hottest cells, and its signature, (N, C + D)."""
    features = []
    spec = model.manifest.preprocess
    for batch in network_input_batches(films, spec, torch.device("cpu")):
        passed = run_with_gradients(model.network, batch)
        heat = class_activation_map(GRAD_CAM, passed.activations, passed.gradients).flatten(1)
        hottest = heat.topk(HOTTEST, dim=1).indices[:, None]
        cells = passed.activations.flatten(2)
        at_fracture = cells.gather(2, hottest.expand(-1, cells.shape[1], -1)).mean(2)
        features.append(torch.cat([at_fracture, passed.signature], dim=1).float().numpy())
    return np.concatenate(features)


def thumbnails(films: CachedFilms) -> NDArray[np.float32]:
    """Return the films at THUMBNAIL_PX a side, (N, THUMBNAIL_PX * THUMBNAIL_PX)."""
    size = (THUMBNAIL_PX, THUMBNAIL_PX)
    return np.stack([
        cv2.resize(films.squares[row], size, interpolation=cv2.INTER_AREA).ravel()
        for row in films.rows
    ]).astype(np.float32)  # fmt: skip


def predict_types(
    features: NDArray[np.float32], types: NDArray[np.str_], groups: NDArray[np.str_]
) -> NDArray[np.str_]:
    """Predict the type of each film by a regression that saw no film of its group, (N,)."""
    predicted = np.empty_like(types)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    for train, test in folds.split(features, types, groups):
        inner = list(GroupKFold(FOLDS).split(features[train], types[train], groups[train]))
        regression = LogisticRegressionCV(
            Cs=PENALTIES, cv=inner, scoring="balanced_accuracy", class_weight="balanced",
            max_iter=500, n_jobs=1,
        )  # fmt: skip
        fitted = make_pipeline(StandardScaler(), regression).fit(features[train], types[train])
        predicted[test] = fitted.predict(features[test])
    return predicted


def balanced_accuracy(
    predicted: NDArray[np.str_], types: NDArray[np.str_], groups: NDArray[np.str_]
) -> Estimate:
    """Estimate the mean over the types of the share that is named rightly."""
    names = np.unique(types)

    def accuracy(weights: NDArray[np.float64]) -> float:
        right = predicted == types
        shares = [
            float(np.average(right[own], weights=weights[own]))
            for own in (types == name for name in names)
            if weights[own].any()
        ]
        return float(np.mean(shares))

    drawn = [accuracy(weights) for weights in metrics.resampled_weights(groups)]
    return metrics.percentile_estimate(accuracy(np.ones(len(types))), drawn, n=len(types))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure one model on the typed films of a data set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--layout", choices=ADAPTERS, default="csv")
    parser.add_argument("--model", type=Path, required=True, help="a model folder")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    options = parser.parse_args(argv)
    model = load_model(options.model, device=torch.device("cpu"))
    spec = model.manifest.preprocess
    found = [film for film in load_data(options.layout, options.data).films if film.types]
    cached = load_cached(
        found, size_px=spec.size_px, folder=options.cache, grey_levels=spec.grey_levels
    )
    films, types = typed_films(cached.distinct())
    names = np.unique(types).tolist()
    by_network, by_thumbnail = (
        predict_types(features, types, films.groups)
        for features in (fracture_features(model, films), thumbnails(films))
    )
    estimates = {
        "activations": balanced_accuracy(by_network, types, films.groups),
        "thumbnail": balanced_accuracy(by_thumbnail, types, films.groups),
    }
    table = {
        "model": model.name,
        "weights_sha256": model.manifest.sha256,
        "data": options.data.name,
        "types": {name: int((types == name).sum()) for name in names},
        "chance": 1 / len(names),
        "balanced_accuracy": {name: asdict(one) for name, one in estimates.items()},
        "confusion": confusion_matrix(types, by_network, labels=names).tolist(),
    }
    for name, one in estimates.items():
        print(f"{name}: {one.value:.3f} ({one.low:.3f} to {one.high:.3f})", file=sys.stderr)
    print(json.dumps(table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
