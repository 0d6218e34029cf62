"""Propose a split with each group of films in one split (splits.csv)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bonefx.errors import RecipeError
from train.audit.films import EXCLUDED_SPLITS, FRACTURE_LABEL, AuditFilm
from train.audit.matching.groups import FilmGroups
from train.audit.records import SplitSize
from train.data.split import SPLIT_SEED, grouped_split

logger = logging.getLogger(__name__)

# A large test share, since with few groups a group carries little more information than a film
PROPOSED_SHARES = (("train", 0.7), ("val", 0.1), ("test", 0.2))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedRow:
    """One row of splits.csv."""

    path: str
    label: str
    group: str
    split: str


def propose_split(
    films: Sequence[AuditFilm], grouping: FilmGroups, unreadable: set[str]
) -> list[ProposedRow]:
    """Split films with each group in one split.

    Excluded are copies of a file after the first, unreadable films, films with near-duplicates of
    another label, films without a label, and films of the splits "excluded" and "holdout".

    Args:
        films: All films.
        grouping: Groups of the films.
        unreadable: Checksums of unreadable files.

    Returns:
        Rows in the order of the films; empty if a label has too few groups.
    """
    usable = _usable_films(films, grouping, unreadable)
    groups = [grouping.together[index] for index in usable]
    labels = [films[index].label for index in usable]
    try:
        splits = grouped_split(labels, groups, PROPOSED_SHARES, seed=SPLIT_SEED)
    except RecipeError as error:
        logger.warning("no split is proposed: %s", error)
        return []
    return [
        ProposedRow(path=films[index].name, label=label, group=group, split=split)
        for index, label, group, split in zip(usable, labels, groups, splits, strict=True)
    ]


def count_proposed_splits(rows: Sequence[ProposedRow]) -> tuple[SplitSize, ...]:
    """Count films, fractures and groups of each proposed split."""
    sizes = []
    for name, _ in PROPOSED_SHARES:
        part = [row for row in rows if row.split == name]
        sizes.append(
            SplitSize(
                split=name,
                films=len(part),
                fractured=sum(row.label == FRACTURE_LABEL for row in part),
                groups=len({row.group for row in part}),
            )
        )
    return tuple(sizes)


def _usable_films(
    films: Sequence[AuditFilm], grouping: FilmGroups, unreadable: set[str]
) -> list[int]:
    seen: set[str] = set()
    usable = []
    for index, film in enumerate(films):
        sha256 = grouping.by_bytes[index]
        unfit = sha256 in unreadable or grouping.in_conflict[index]
        if unfit or not film.label or film.split in EXCLUDED_SPLITS or sha256 in seen:
            continue
        seen.add(sha256)
        usable.append(index)
    return usable
