"""Baseline rules that use no image content of bones; high accuracy indicates leakage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances_chunked

from bonefx.records import Estimate
from train.audit.films import AuditFilm
from train.audit.matching.groups import FilmGroups, GroupNames
from train.audit.matching.pairs import SMALL_THUMBNAIL_PX, Fingerprints
from train.audit.records import NO_SPLIT_NAME, AuditBaselines
from train.metrics import estimate_proportion

DISTANCES_MB = 64  # memory for one block of distances


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class BaselineTask:
    """Reference and test films of a baseline.

    Attributes:
        reference: Indices of the films with known labels, (K,).
        tested: Indices of the films to classify, (A,); a film is never its own reference.
        labels: Label of every film, (N,).
        groups: Group of every film, (N,).
    """

    reference: NDArray[np.intp]
    tested: NDArray[np.intp]
    labels: NDArray[np.str_]
    groups: NDArray[np.str_]


def measure_baselines(
    films: Sequence[AuditFilm], grouping: FilmGroups, fingerprints: Fingerprints
) -> AuditBaselines:
    """Measure the baselines on test films; without a test split, by leave-one-out on all films."""
    thumbnail_index = {sha256: index for index, sha256 in enumerate(fingerprints.sha256)}
    with_thumbnail = [
        index for index, sha256 in enumerate(grouping.by_bytes) if sha256 in thumbnail_index
    ]
    labelled = np.array([index for index in with_thumbnail if films[index].label], np.intp)
    labels = np.array([film.label for film in films], np.str_)
    splits = np.array([film.split for film in films], np.str_)
    reference, tested = (labelled[splits[labelled] == name] for name in ("train", "test"))
    published = len(set(labels[reference])) > 1 and len(tested) > 0
    if not published:
        reference = tested = labelled
    groups = np.array(grouping.together, np.str_)
    task = BaselineTask(reference=reference, tested=tested, labels=labels, groups=groups)
    distinct = _without_duplicates(labelled, grouping.by_bytes)
    all_films = BaselineTask(reference=distinct, tested=distinct, labels=labels, groups=groups)
    thumbnail_of = np.array(
        [thumbnail_index.get(sha256, 0) for sha256 in grouping.by_bytes], np.intp
    )
    nearest = partial(_nearest_labels, thumbnails=fingerprints.small, thumbnail_of=thumbnail_of)
    return AuditBaselines(
        trained_on="train" if published else NO_SPLIT_NAME,
        tested_on="test" if published else NO_SPLIT_NAME,
        majority=_estimate_accuracy(task, _majority_labels(task)),
        hash_lookup=_estimate_accuracy(task, _hash_lookup_labels(task, grouping.by_bytes)),
        nearest=_estimate_accuracy(task, nearest(task, other_groups=False)),
        nearest_other_group=_estimate_accuracy(task, nearest(task, other_groups=True)),
        nearest_of_all_other_group=_estimate_accuracy(
            all_films, nearest(all_films, other_groups=True)
        ),
    )


def _without_duplicates(films: NDArray[np.intp], sha256: GroupNames) -> NDArray[np.intp]:
    first: dict[str, int] = {}
    for index in films:
        first.setdefault(sha256[index], int(index))
    return np.array(list(first.values()), np.intp)


def _estimate_accuracy(task: BaselineTask, predicted: NDArray[np.str_]) -> Estimate | None:
    if len(set(task.labels[task.reference])) < 2:
        return None
    hits = np.asarray(predicted == task.labels[task.tested])
    return estimate_proportion(hits, task.groups[task.tested])


def _majority_labels(task: BaselineTask) -> NDArray[np.str_]:
    counts = Counter(task.labels[task.reference])
    most_frequent = max(sorted(counts), key=lambda label: counts[label]) if counts else ""
    return np.full(len(task.tested), most_frequent)


def _hash_lookup_labels(task: BaselineTask, sha256: GroupNames) -> NDArray[np.str_]:
    """Predict the label of the first byte-identical reference film, else the most frequent."""
    same_bytes: dict[str, list[int]] = {}
    for index in task.reference:
        same_bytes.setdefault(sha256[index], []).append(int(index))
    predicted = list(_majority_labels(task))
    for position, index in enumerate(task.tested):
        others = [other for other in same_bytes.get(sha256[index], []) if other != index]
        if others:
            predicted[position] = task.labels[others[0]]
    return np.array(predicted, np.str_)


def _nearest_labels(
    task: BaselineTask,
    *,
    thumbnails: NDArray[np.uint8],
    thumbnail_of: NDArray[np.intp],
    other_groups: bool,
) -> NDArray[np.str_]:
    """Predict the label of the nearest reference thumbnail by Euclidean distance.

    Args:
        task: Reference and test films.
        thumbnails: (D, SMALL_THUMBNAIL_PX, SMALL_THUMBNAIL_PX) uint8, of distinct films.
        thumbnail_of: Index of each film's thumbnail, (N,).
        other_groups: Exclude reference films of the test film's group.

    Returns:
        Predicted labels, (A,); "" where no reference film is left.
    """
    if not len(task.reference):
        return np.array([], np.str_)

    def labels_of_nearest(distances: NDArray[np.float32], start: int) -> NDArray[np.str_]:
        tested = task.tested[start : start + len(distances), None]
        excluded = tested == task.reference
        if other_groups:
            excluded |= task.groups[tested] == task.groups[task.reference]
        distances[excluded] = np.inf
        nearest = task.labels[task.reference[distances.argmin(axis=1)]]
        return np.where(excluded.all(axis=1), "", nearest)

    flat = thumbnails.reshape(len(thumbnails), SMALL_THUMBNAIL_PX**2).astype(np.float32)
    chunks = pairwise_distances_chunked(
        flat[thumbnail_of[task.tested]],
        flat[thumbnail_of[task.reference]],
        reduce_func=labels_of_nearest,
        working_memory=DISTANCES_MB,
    )
    return np.concatenate(list(chunks))
