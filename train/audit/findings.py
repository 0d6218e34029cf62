"""Findings of an audit by file name, one row per pair or film (findings.csv)."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path

from train.audit.films import AuditFilm
from train.audit.matching.groups import FilmGroups, GroupNames
from train.audit.matching.pairs import NearDuplicatePair
from train.audit.propose import ProposedRow
from train.files import write_atomically


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """One line of findings.csv; fields that do not apply are "".

    Attributes:
        kind: byte_duplicate, near_duplicate, name_family, conflict, unreadable or odd.
        path: Name of the film.
        label: Label of the film.
        split: Split of the film.
        group: Number of the group within its kind.
        other: Name of a matching film of the group.
        other_label: Label of the matching film.
        other_split: Split of the matching film.
        detail: Detail correlation of a near-duplicate pair, the error, or the unusual property.
    """

    kind: str
    path: str
    label: str
    split: str
    group: str = ""
    other: str = ""
    other_label: str = ""
    other_split: str = ""
    detail: str = ""


def list_duplicate_pairs(
    films: Sequence[AuditFilm], grouping: FilmGroups, pairs: Sequence[NearDuplicatePair]
) -> list[FindingRow]:
    """List each film of each group with a matching film, preferably of another label or split."""
    by_sha256 = dict(zip(reversed(grouping.by_bytes), reversed(films), strict=True))
    near = dict(zip(grouping.by_bytes, grouping.near, strict=True))
    conflicts = [
        group if opposed else ""
        for group, opposed in zip(grouping.near, grouping.in_conflict, strict=True)
    ]
    rows = _pair_rows("conflict", films, conflicts)
    rows += [
        _pair_row(
            "near_duplicate", by_sha256[pair.first], by_sha256[pair.second],
            group=near[pair.first], detail=f"{pair.detail:.3f}",
        )
        for pair in pairs
    ]  # fmt: skip
    rows += _pair_rows("byte_duplicate", films, grouping.by_bytes)
    return rows + _pair_rows("name_family", films, grouping.families)


def write_csv(path: Path, rows: Sequence[FindingRow] | Sequence[ProposedRow], kind: type) -> None:
    """Write records of one kind as a CSV file."""
    names = [field.name for field in fields(kind)]

    def write(part: Path) -> None:
        with part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows([getattr(row, name) for name in names] for row in rows)

    write_atomically(path, write)


def _pair_rows(kind: str, films: Sequence[AuditFilm], groups: GroupNames) -> list[FindingRow]:
    """Pair each film of a group, except the first, with the most informative other film."""
    members: dict[str, list[AuditFilm]] = defaultdict(list)
    for film, group in zip(films, groups, strict=True):
        if group:
            members[group].append(film)
    several = [matches for matches in members.values() if len(matches) > 1]
    return [
        _pair_row(kind, film, _choose_match(film, matches), group=str(number))
        for number, matches in enumerate(several)
        for film in matches[1:]
    ]


def _choose_match(film: AuditFilm, matches: Sequence[AuditFilm]) -> AuditFilm:
    """Choose the film to show beside another: of another label, else split, else the first."""
    return max(
        islice((match for match in matches if match is not film), 200),
        key=lambda match: (match.label != film.label, match.split != film.split),
    )


def _pair_row(
    kind: str, film: AuditFilm, other: AuditFilm, *, group: str, detail: str = ""
) -> FindingRow:
    return FindingRow(
        kind=kind, group=group, detail=detail,
        path=film.name, label=film.label, split=film.split,
        other=other.name, other_label=other.label, other_split=other.split,
    )  # fmt: skip
