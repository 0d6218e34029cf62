"""Split films by group, stratified by label, with a fixed seed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bonefx.errors import RecipeError
from train.data.index import Film

SPLIT_SEED = 0
MAX_FOLDS = 20  # precision of a share: 5 % of the films
SplitShares = Sequence[tuple[str, float]]
Labels = Sequence[bool] | Sequence[str]


def grouped_split(
    labels: Labels, groups: Sequence[str], shares: SplitShares, *, seed: int
) -> list[str]:
    """Split films with each group in one split and about equal prevalence in all splits.

    The films are divided into at most MAX_FOLDS folds; the number of folds is chosen to meet the
    shares best. Each fold is assigned to one split.

    Args:
        labels: Ground truth of each film.
        groups: Group of each film, in the same order.
        shares: Name of each split and its share of the films, in (0, 1]; the sum is 1.
        seed: Seed of the assignment of groups to folds.

    Returns:
        Name of each film's split, in the same order.

    Raises:
        RecipeError: A class has fewer groups than there are splits.

    Source:
        scikit-learn, StratifiedGroupKFold.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    fold_splits = _choose_fold_splits(
        shares, most=min(MAX_FOLDS, _count_fewest_groups(labels, groups, shares))
    )
    splitter = StratifiedGroupKFold(n_splits=len(fold_splits), shuffle=True, random_state=seed)
    names = [""] * len(groups)
    folds = splitter.split(groups, labels, groups)
    for name, (_, held_out) in zip(fold_splits, folds, strict=True):
        for index in held_out:
            names[index] = name
    return names


def _count_fewest_groups(labels: Labels, groups: Sequence[str], shares: SplitShares) -> int:
    counts = Counter(label for label, _ in set(zip(labels, groups, strict=True)))
    fewest = min(counts.values()) if len(counts) > 1 else 0
    if fewest < len(shares):
        raise RecipeError(
            f"a class has {fewest} patients or groups, too few for {len(shares)} splits; add films "
            "of more patients of both classes"
        )
    return fewest


def _choose_fold_splits(shares: SplitShares, *, most: int) -> list[str]:
    """Return the split of each fold, with the fewest folds that meet the shares best."""

    def error(names: list[str]) -> float:
        return max(abs(share - names.count(name) / len(names)) for name, share in shares)

    assignments = [_assign_folds(shares, folds) for folds in range(len(shares), most + 1)]
    return min(assignments, key=lambda names: (round(error(names), 9), len(names)))


def _assign_folds(shares: SplitShares, folds: int) -> list[str]:
    """Assign a fold to each split, then each further one to the split with the largest deficit."""
    names = [name for name, _ in shares]
    while len(names) < folds:
        neediest, _ = max(shares, key=lambda share: share[1] * folds - names.count(share[0]))
        names.append(neediest)
    return names


def split_films(films: Sequence[Film], shares: SplitShares) -> tuple[Film, ...]:
    """Assign films to splits with grouped_split and SPLIT_SEED.

    Raises:
        RecipeError: A class has fewer groups than there are splits.
    """
    names = grouped_split(
        [film.fractured for film in films], [film.group for film in films], shares, seed=SPLIT_SEED
    )
    return tuple(replace(film, split=name) for film, name in zip(films, names, strict=True))


def compute_split_checksum(films: Sequence[Film]) -> str:
    """Compute the SHA-256 of the films' names and splits, which identifies the split."""
    lines = "".join(f"{film.name},{film.split}\n" for film in films)
    return hashlib.sha256(lines.encode()).hexdigest()
