"""Films -> splits that no group crosses: stratified by label and seeded."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bonefx.errors import RecipeError
from train.data.index import Film

SPLIT_SEED = 0
MAX_FOLDS = 20  # so that a share is met to 5 % of the films
SplitShares = Sequence[tuple[str, float]]
Labels = Sequence[bool] | Sequence[str]


def grouped_split(
    labels: Labels, groups: Sequence[str], shares: SplitShares, *, seed: int
) -> list[str]:
    """Cut films into splits so that no group crosses and all have about the same prevalence.

    The films are cut into the folds, at most 20, that meet the shares best, and the folds are
    dealt to the splits.

    Args:
        labels: Ground truth of each film.
        groups: Group of each film, in the same order.
        shares: Name of each split and its share of the films; the shares sum to 1.
        seed: Of the order in which groups are dealt.

    Returns:
        The split's name for each film, in the same order.

    Raises:
        RecipeError: A class has fewer groups than there are splits.

    Source:
        scikit-learn's StratifiedGroupKFold.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    dealt = _choose_fold_splits(
        shares, most=min(MAX_FOLDS, _count_fewest_groups(labels, groups, shares))
    )
    cutter = StratifiedGroupKFold(n_splits=len(dealt), shuffle=True, random_state=seed)
    names = [""] * len(groups)
    parts = cutter.split(groups, labels, groups)
    for name, (_, held_out) in zip(dealt, parts, strict=True):
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
    """Name the split of each fold, with as few folds as meet the shares best."""

    def error(names: list[str]) -> float:
        return max(abs(share - names.count(name) / len(names)) for name, share in shares)

    deals = [_assign_folds(shares, folds) for folds in range(len(shares), most + 1)]
    return min(deals, key=lambda names: (round(error(names), 9), len(names)))


def _assign_folds(shares: SplitShares, folds: int) -> list[str]:
    """Deal folds: one to each split, then always to whom most is owed."""
    names = [name for name, _ in shares]
    while len(names) < folds:
        owed, _ = max(shares, key=lambda share: share[1] * folds - names.count(share[0]))
        names.append(owed)
    return names


def split_films(films: Sequence[Film], shares: SplitShares) -> tuple[Film, ...]:
    """Put films into splits with grouped_split and the project's seed.

    Raises:
        RecipeError: A class has fewer groups than there are splits.
    """
    names = grouped_split(
        [film.fractured for film in films], [film.group for film in films], shares, seed=SPLIT_SEED
    )
    return tuple(replace(film, split=name) for film, name in zip(films, names, strict=True))


def compute_split_checksum(films: Sequence[Film]) -> str:
    """SHA-256 of the films' names and splits, so that a run notices another cut."""
    lines = "".join(f"{film.name},{film.split}\n" for film in films)
    return hashlib.sha256(lines.encode()).hexdigest()
