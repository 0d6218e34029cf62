"""Group films by bytes, image content, file name and owner's groups; count duplicates."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.cluster.hierarchy import DisjointSet

from train.audit.films import AuditFilm
from train.audit.matching.file_names import name_families
from train.audit.matching.pairs import NearDuplicatePair
from train.audit.records import NO_SPLIT_NAME, DuplicateFinding, SplitCrossing

GroupNames = list[str]  # group of each film, in order; "" for none


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmGroups:
    """Groups of the films, each list in the order of the films.

    Attributes:
        by_bytes: Checksum of the file.
        near: Group of films with the same image content.
        families: Family by file name; "" for none.
        together: Group that must lie in one split.
        in_conflict: Whether the near group has films of different labels.
    """

    by_bytes: GroupNames
    near: GroupNames
    families: GroupNames
    together: GroupNames
    in_conflict: list[bool]


def group_films(
    films: Sequence[AuditFilm], sha256: list[str], pairs: list[NearDuplicatePair]
) -> FilmGroups:
    """Group films by bytes, image content, file names and the owner's groups."""
    joined = DisjointSet(sha256)
    for pair in pairs:
        joined.merge(pair.first, pair.second)
    near = _number_groups([joined[one] for one in sha256])
    families = name_families(films)
    owners = [film.group for film in films]
    for source in (families, owners):
        first: dict[str, str] = {}
        for one, key in zip(sha256, source, strict=True):
            if key:
                joined.merge(first.setdefault(key, one), one)
    return FilmGroups(
        by_bytes=sha256,
        near=near,
        families=families,
        together=_number_groups([joined[one] for one in sha256]),
        in_conflict=_find_conflicts(films, near),
    )


def count_duplicates(films: Sequence[AuditFilm], groups: GroupNames) -> DuplicateFinding:
    """Count films with a match in their group, within and across splits; "" is no group."""
    sizes: dict[str, Counter[str]] = defaultdict(Counter)
    splits = [film.split or NO_SPLIT_NAME for film in films]
    for group, split in zip(groups, splits, strict=True):
        if group:
            sizes[group][split] += 1
    crossings: Counter[tuple[str, str]] = Counter()
    within = across = 0
    for group, split in zip(groups, splits, strict=True):
        matched = _matching_splits(sizes[group], split) if group else set()
        crossings.update((split, other) for other in matched)
        within += split in matched
        across += bool(matched - {split})
    several = [size.total() for size in sizes.values() if size.total() > 1]
    return DuplicateFinding(
        groups=len(several),
        films=sum(several),
        within=within,
        across=across,
        crossings=tuple(
            SplitCrossing(split=split, other=other, films=count)
            for (split, other), count in sorted(crossings.items())
        ),
    )


def _matching_splits(sizes: Counter[str], split: str) -> set[str]:
    return {other for other, size in sizes.items() if size > (other == split)}


def _number_groups(roots: list[str]) -> GroupNames:
    """Number the groups in the order of their first films, for reproducible numbers."""
    numbers: dict[str, str] = {}
    return [numbers.setdefault(root, str(len(numbers))) for root in roots]


def _find_conflicts(films: Sequence[AuditFilm], near: GroupNames) -> list[bool]:
    labels: dict[str, set[str]] = defaultdict(set)
    for film, group in zip(films, near, strict=True):
        if film.label:
            labels[group].add(film.label)
    return [len(labels[group]) > 1 for group in near]
