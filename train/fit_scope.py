"""Signatures of training films -> the scope that a model refuses others by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from bonefx.scope import REGIONS, Scope
from train.cache import CachedFilms

AXES = 64
REFUSED_AT_MOST = 0.02  # of val's films
INVERSE_PENALTY = 0.1  # of the logistic regression; signatures are many and films few


def fit_scope(
    signatures: NDArray[np.float32], films: CachedFilms, val: NDArray[np.float32]
) -> Scope:
    """Fit principal components and regions on training films, and the limit on val.

    Args:
        signatures: Of the training films, (N, D).
        films: The training films, for their regions.
        val: Signatures of the validation films.
    """
    mean, scale = signatures.mean(0), np.maximum(signatures.std(0), 1e-6)
    standardised = ((signatures - mean) / scale).astype(np.float64)
    found = PCA(n_components=min(AXES, *(side - 1 for side in signatures.shape)), random_state=0)
    coordinates = found.fit_transform(standardised) / np.sqrt(found.explained_variance_)
    weights, biases = _regions(coordinates, films)
    values = {
        "mean": mean, "scale": scale, "axes": found.components_,
        "variances": found.explained_variance_, "noise": np.array(max(found.noise_variance_, 1e-9)),
        "limit": np.array(np.inf), "region_weights": weights, "region_biases": biases,
    }  # fmt: skip
    fitted = {name: np.asarray(value, np.float32) for name, value in values.items()}
    distances = Scope(**fitted).distances(val)
    limit = np.quantile(distances, 1 - REFUSED_AT_MOST, method="higher")
    return Scope(**fitted | {"limit": np.asarray(limit, np.float32)})


def region_labels(films: CachedFilms) -> NDArray[np.bool_]:
    """Tell which of REGIONS each film shows, (N, R)."""
    return np.array([
        [region in film.region.split("+") for region in REGIONS] for film in films.films
    ])  # fmt: skip


def _regions(
    coordinates: NDArray[np.float64], films: CachedFilms
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit one logistic regression a region; one that no or every film shows is never told."""
    weights = np.zeros((len(REGIONS), coordinates.shape[1]))
    biases = np.full(len(REGIONS), -20.0)
    for place, shown in enumerate(region_labels(films).T):
        if 0 < shown.sum() < len(shown):
            fitted = LogisticRegression(C=INVERSE_PENALTY, max_iter=2000).fit(coordinates, shown)
            weights[place], biases[place] = fitted.coef_[0], fitted.intercept_[0]
    return weights, biases
