"""Grouped films -> a split that no group crosses, with about the published shares."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from train.audit.films import FRACTURE, AuditFilm
from train.audit.groups import Grouping
from train.audit.records import SplitSize

USUAL = {"train": 0.7, "val": 0.15, "test": 0.15}
LEFT_OUT = ("excluded", "holdout")
SEEDS = 5  # shuffles to choose from; large groups make single ones uneven


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One row of splits.csv."""

    path: str
    label: str
    group: str
    split: str


def proposed_split(
    films: Sequence[AuditFilm], grouping: Grouping, unreadable: set[str]
) -> list[Proposal]:
    """Split films so that no group lies in two splits.

    Left out: further copies of a file, films that cannot be read, films whose near-duplicates carry
    another label, films without a label, and films of splits "excluded" and "holdout".

    Args:
        films: All films.
        grouping: Their groups.
        unreadable: Checksums of files that cannot be read.

    Returns:
        Rows in the order of the films; empty where there are too few groups to split.
    """
    usable = _usable(films, grouping, unreadable)
    groups = np.array([grouping.together[index] for index in usable], np.str_)
    labels = np.array([films[index].label for index in usable], np.str_)
    if len(set(groups)) < len(USUAL):
        return []
    shares = _shares(films)
    split = np.full(len(usable), "train", dtype="<U5")
    everything = np.arange(len(usable))
    test = _part(everything, labels, groups, shares["test"])
    rest = np.setdiff1d(everything, test)
    split[test] = "test"
    split[_part(rest, labels, groups, shares["val"] / (1 - shares["test"]))] = "val"
    return [
        Proposal(path=films[index].name, label=str(label), group=str(group), split=str(part))
        for index, label, group, part in zip(usable, labels, groups, split, strict=True)
    ]


def sizes_of(rows: Sequence[Proposal]) -> tuple[SplitSize, ...]:
    """Count films, fractures and groups of each split."""
    sizes = []
    for name in USUAL:
        part = [row for row in rows if row.split == name]
        sizes.append(
            SplitSize(
                split=name,
                films=len(part),
                fractured=sum(row.label == FRACTURE for row in part),
                groups=len({row.group for row in part}),
            )
        )
    return tuple(sizes)


def _usable(films: Sequence[AuditFilm], grouping: Grouping, unreadable: set[str]) -> list[int]:
    seen: set[str] = set()
    usable = []
    for index, film in enumerate(films):
        sha256 = grouping.by_bytes[index]
        unfit = sha256 in unreadable or grouping.in_conflict[index]
        if unfit or not film.label or film.split in LEFT_OUT or sha256 in seen:
            continue
        seen.add(sha256)
        usable.append(index)
    return usable


def _shares(films: Sequence[AuditFilm]) -> dict[str, float]:
    """Take the published shares where all three splits have films, else the usual ones."""
    counts = Counter(film.split for film in films if film.split in USUAL)
    if len(counts) < len(USUAL):
        return USUAL
    return {name: count / counts.total() for name, count in counts.items()}


def _part(
    indices: NDArray[np.intp], labels: NDArray[np.str_], groups: NDArray[np.str_], share: float
) -> NDArray[np.intp]:
    """Choose whole groups that come nearest to a share of the films and to their mix of labels."""
    labels, groups = labels[indices], groups[indices]
    commonest = max(Counter(labels.tolist()).values())
    folds = min(max(2, round(1 / share)), len(set(groups)), commonest)
    if folds < 2:
        return indices[:0]
    parts = _folds(labels, groups, folds)
    names = sorted(set(labels))
    mix = np.array([(labels == name).mean() for name in names])

    def unevenness(part: NDArray[np.intp]) -> float:
        own = np.array([(labels[part] == name).mean() for name in names])
        size = abs(len(part) / len(labels) - share) / share
        return float(size + np.abs(own - mix).sum())

    return np.asarray(indices[min(parts, key=unevenness)])


def _folds(
    labels: NDArray[np.str_], groups: NDArray[np.str_], folds: int
) -> list[NDArray[np.intp]]:
    """Cut into folds of whole groups, under several seeds."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return [
            part
            for seed in range(SEEDS)
            for _, part in StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(
                labels, labels, groups
            )
            if len(part)
        ]
