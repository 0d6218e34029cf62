"""Findings by name, with pictures: findings.csv, splits.csv and audit.html.

They name films and are for the owner of the data; audit.json beside them names none.
"""

from __future__ import annotations

import base64
import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from bonefx.errors import UnreadableRadiographError
from bonefx.films.images import read_radiograph_bytes
from bonefx.records import estimate_text
from train.audit.films import AuditFilm
from train.audit.matching.fingerprint import read_truncated_jpeg
from train.audit.matching.groups import Grouping, Groups
from train.audit.matching.pairs import Pair
from train.audit.propose import Proposal
from train.audit.records import Audit
from train.files import write_atomically

PICTURE_PX = 160
MOST_SHOWN = 24  # pairs a section


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """One line of findings.csv; fields that do not apply are "".

    Attributes:
        kind: byte_duplicate, near_duplicate, name_family, conflict, unreadable or odd.
        group: Number of the group within its kind.
        path: The film.
        other: A mate in the group.
        detail: Correlation of detail of a near-duplicate pair, the error, or what is odd.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPair:
    """A pair of films with pictures, as PNG in base64; "" where a file cannot be shown."""

    row: FindingRow
    picture: str
    other_picture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Pairs of one kind, some of them shown."""

    title: str
    total: int
    shown: list[ShownPair]


def rows_of(
    films: Sequence[AuditFilm], grouping: Grouping, pairs: Sequence[Pair]
) -> list[FindingRow]:
    """List all pairs: each group's films against a mate, in another split or of another label."""
    by_sha256 = dict(zip(reversed(grouping.by_bytes), reversed(films), strict=True))
    near = dict(zip(grouping.by_bytes, grouping.near, strict=True))
    conflicts = [
        group if opposed else ""
        for group, opposed in zip(grouping.near, grouping.in_conflict, strict=True)
    ]
    found = _pair_rows("conflict", films, conflicts)
    found += [
        _pair_row(
            "near_duplicate", by_sha256[pair.first], by_sha256[pair.second],
            group=near[pair.first], detail=f"{pair.detail:.3f}",
        )
        for pair in pairs
    ]  # fmt: skip
    found += _pair_rows("byte_duplicate", films, grouping.by_bytes)
    return found + _pair_rows("name_family", films, grouping.families)


def write_rows(path: Path, rows: Sequence[FindingRow] | Sequence[Proposal], kind: type) -> None:
    """Write records as a CSV."""
    names = [field.name for field in fields(kind)]

    def write(part: Path) -> None:
        with part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            writer.writerows([getattr(row, name) for name in names] for row in rows)

    write_atomically(path, write)


def write_html(path: Path, audit: Audit, rows: Sequence[FindingRow], folder: Path) -> None:
    """Write the report for the owner of the data, pictures included.

    Args:
        path: The HTML file.
        audit: The figures.
        rows: All findings.
        folder: Where the films lie.
    """
    crossing = [row for row in rows if row.split != row.other_split]
    sections = [
        _section("Labels in conflict", folder, [row for row in rows if row.kind == "conflict"]),
        *(
            _section(title, folder, [row for row in crossing if row.kind == kind])
            for title, kind in (
                ("Near-duplicates across splits", "near_duplicate"),
                ("Byte duplicates across splits", "byte_duplicate"),
            )
        ),
        _section("Near-duplicates", folder, [row for row in rows if row.kind == "near_duplicate"]),
    ]
    environment = Environment(
        loader=PackageLoader("train.audit"), undefined=StrictUndefined, autoescape=True
    )
    environment.filters["share"] = partial(estimate_text, percent=True, with_n=True)
    text = environment.get_template("audit.html.j2").render(
        audit=audit,
        sections=sections,
        findings={  # by title
            "byte duplicates": audit.byte_duplicates,
            "near-duplicates": audit.near_duplicates,
            "families by name": audit.name_families,
            "labels in conflict": audit.conflicts,
            "to be kept together": audit.together,
        },
        faults=[row for row in rows if row.kind in ("unreadable", "odd")],
    )
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))


def _pair_rows(kind: str, films: Sequence[AuditFilm], groups: Groups) -> list[FindingRow]:
    """Set each film of a group, but its first, against the mate that tells most."""
    members: dict[str, list[AuditFilm]] = defaultdict(list)
    for film, group in zip(films, groups, strict=True):
        if group:
            members[group].append(film)
    several = [mates for mates in members.values() if len(mates) > 1]
    return [
        _pair_row(kind, film, _mate(film, mates), group=str(number))
        for number, mates in enumerate(several)
        for film in mates[1:]
    ]


def _mate(film: AuditFilm, mates: Sequence[AuditFilm]) -> AuditFilm:
    """Choose a film's mate: one of another label, else of another split, else the first."""
    return max(
        islice((mate for mate in mates if mate is not film), 200),
        key=lambda mate: (mate.label != film.label, mate.split != film.split),
    )


def _pair_row(
    kind: str, film: AuditFilm, other: AuditFilm, *, group: str, detail: str = ""
) -> FindingRow:
    return FindingRow(
        kind=kind, group=group, detail=detail,
        path=film.name, label=film.label, split=film.split,
        other=other.name, other_label=other.label, other_split=other.split,
    )  # fmt: skip


def _section(title: str, folder: Path, rows: Sequence[FindingRow]) -> Section:
    shown = [
        ShownPair(
            row=row,
            picture=_picture(folder / row.path),
            other_picture=_picture(folder / row.other),
        )
        for row in _spread(rows)
    ]
    return Section(title=title, total=len(rows), shown=shown)


def _spread(rows: Iterable[FindingRow]) -> list[FindingRow]:
    """Take the first pairs of as many groups as can be shown, not many of one."""
    taken: Counter[str] = Counter()
    ranked: list[tuple[int, int, FindingRow]] = []
    for row in rows:
        ranked.append((taken[row.group], len(ranked), row))
        taken[row.group] += 1
    return [row for _, _, row in sorted(ranked, key=lambda rank: rank[:2])[:MOST_SHOWN]]


def _picture(path: Path) -> str:
    """Encode a film as a small PNG; what is left of it where it is damaged."""
    data = path.read_bytes()
    try:
        film = read_radiograph_bytes(data)
    except UnreadableRadiographError:
        rest = read_truncated_jpeg(data)
        if rest is None:
            return ""
        film = rest
    height, width = film.pixels.shape
    scale = PICTURE_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(film.pixels, size, interpolation=cv2.INTER_AREA)
    _, png = cv2.imencode(".png", np.clip(np.rint(small * 255), 0, 255).astype(np.uint8))
    return base64.b64encode(png.tobytes()).decode("ascii")
