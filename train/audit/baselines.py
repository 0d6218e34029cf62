"""Rules that look at no bone, and what they reach: high figures give a leaky set away."""

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

DISTANCES_MB = 64  # of distances at once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class BaselineTask:
    """Which films a rule knows and which it is asked about.

    Attributes:
        known: Indices of films, (K,).
        asked: Indices of films, (A,); a film is never asked about itself.
        labels: Label of every film, (N,).
        groups: Group of every film, (N,).
    """

    known: NDArray[np.intp]
    asked: NDArray[np.intp]
    labels: NDArray[np.str_]
    groups: NDArray[np.str_]


def measure_baselines(
    films: Sequence[AuditFilm], grouping: FilmGroups, prints: Fingerprints
) -> AuditBaselines:
    """Measure what the rules reach on test films, or film by film where there is no such split."""
    place = {one: index for index, one in enumerate(prints.sha256)}
    shown = [index for index, one in enumerate(grouping.by_bytes) if one in place]
    labelled = np.array([index for index in shown if films[index].label], np.intp)
    labels = np.array([film.label for film in films], np.str_)
    splits = np.array([film.split for film in films], np.str_)
    known, asked = (labelled[splits[labelled] == name] for name in ("train", "test"))
    published = len(set(labels[known])) > 1 and len(asked) > 0
    if not published:
        known = asked = labelled
    groups = np.array(grouping.together, np.str_)
    question = BaselineTask(known=known, asked=asked, labels=labels, groups=groups)
    distinct = _without_duplicates(labelled, grouping.by_bytes)
    everyone = BaselineTask(known=distinct, asked=distinct, labels=labels, groups=groups)
    small = np.array([place.get(one, 0) for one in grouping.by_bytes], np.intp)
    nearest = partial(_nearest_labels, thumbnails=prints.small, thumbnail_of=small)
    return AuditBaselines(
        trained_on="train" if published else NO_SPLIT_NAME,
        tested_on="test" if published else NO_SPLIT_NAME,
        majority=_estimate_accuracy(question, _majority_labels(question)),
        hash_lookup=_estimate_accuracy(question, _hash_lookup_labels(question, grouping.by_bytes)),
        nearest=_estimate_accuracy(question, nearest(question, apart=False)),
        nearest_other_group=_estimate_accuracy(question, nearest(question, apart=True)),
        nearest_of_all_other_group=_estimate_accuracy(everyone, nearest(everyone, apart=True)),
    )


def _without_duplicates(films: NDArray[np.intp], sha256: GroupNames) -> NDArray[np.intp]:
    first: dict[str, int] = {}
    for index in films:
        first.setdefault(sha256[index], int(index))
    return np.array(list(first.values()), np.intp)


def _estimate_accuracy(question: BaselineTask, answers: NDArray[np.str_]) -> Estimate | None:
    if len(set(question.labels[question.known])) < 2:
        return None
    hits = np.asarray(answers == question.labels[question.asked])
    return estimate_proportion(hits, question.groups[question.asked])


def _majority_labels(question: BaselineTask) -> NDArray[np.str_]:
    counts = Counter(question.labels[question.known])
    commonest = max(sorted(counts), key=lambda label: counts[label]) if counts else ""
    return np.full(len(question.asked), commonest)


def _hash_lookup_labels(question: BaselineTask, sha256: GroupNames) -> NDArray[np.str_]:
    """Answer with the label of the first known film of the same bytes, else the commonest."""
    twins: dict[str, list[int]] = {}
    for index in question.known:
        twins.setdefault(sha256[index], []).append(int(index))
    answers = list(_majority_labels(question))
    for place, index in enumerate(question.asked):
        others = [twin for twin in twins.get(sha256[index], []) if twin != index]
        if others:
            answers[place] = question.labels[others[0]]
    return np.array(answers, np.str_)


def _nearest_labels(
    question: BaselineTask,
    *,
    thumbnails: NDArray[np.uint8],
    thumbnail_of: NDArray[np.intp],
    apart: bool,
) -> NDArray[np.str_]:
    """Answer with the label of the nearest known thumbnail, by Euclidean distance.

    Args:
        question: Who is known and asked.
        thumbnails: (D, SMALL_PX, SMALL_PX), of distinct films.
        thumbnail_of: Index of each film's thumbnail, (N,).
        apart: Leave films of the asked film's group out; a film without any other answers "".
    """
    if not len(question.known):
        return np.array([], np.str_)

    def answers(distances: NDArray[np.float32], start: int) -> NDArray[np.str_]:
        asked = question.asked[start : start + len(distances), None]
        hidden = asked == question.known
        if apart:
            hidden |= question.groups[asked] == question.groups[question.known]
        distances[hidden] = np.inf
        found = question.labels[question.known[distances.argmin(axis=1)]]
        return np.where(hidden.all(axis=1), "", found)

    flat = thumbnails.reshape(len(thumbnails), SMALL_THUMBNAIL_PX**2).astype(np.float32)
    chunks = pairwise_distances_chunked(
        flat[thumbnail_of[question.asked]],
        flat[thumbnail_of[question.known]],
        reduce_func=answers,
        working_memory=DISTANCES_MB,
    )
    return np.concatenate(list(chunks))
