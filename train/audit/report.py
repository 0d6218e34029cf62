"""Audit report with pictures (audit.html).

The report contains file names and is for the owner of the data; audit.json contains none.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from bonefx.errors import UnreadableRadiographError
from bonefx.films import formats
from bonefx.films.raster import encode_png
from bonefx.records import estimate_text
from train.audit.findings import FindingRow
from train.audit.matching.fingerprint import read_damaged_jpeg
from train.audit.records import Audit
from train.files import write_atomically

REPORT_PICTURE_PX = 160
MAX_SHOWN_PAIRS = 24  # per section


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPair:
    """A pair of films with pictures, as base64 PNG; "" if a file cannot be decoded."""

    row: FindingRow
    picture: str
    other_picture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSection:
    """A section of the report: pairs of one kind, the first of which are shown."""

    title: str
    total: int
    shown: list[ShownPair]


def write_audit_html(path: Path, audit: Audit, rows: Sequence[FindingRow], folder: Path) -> None:
    """Write the report for the owner of the data, with pictures.

    Args:
        path: HTML file to write.
        audit: Result of the audit.
        rows: All findings.
        folder: Folder of the films.
    """
    crossing = [row for row in rows if row.split != row.other_split]
    sections = [
        _build_section(
            "Labels in conflict", folder, [row for row in rows if row.kind == "conflict"]
        ),
        *(
            _build_section(title, folder, [row for row in crossing if row.kind == kind])
            for title, kind in (
                ("Near-duplicates across splits", "near_duplicate"),
                ("Byte duplicates across splits", "byte_duplicate"),
            )
        ),
        _build_section(
            "Near-duplicates", folder, [row for row in rows if row.kind == "near_duplicate"]
        ),
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
            "families by file name": audit.name_families,
            "labels in conflict": audit.conflicts,
            "to be kept together": audit.together,
        },
        faults=[row for row in rows if row.kind in ("unreadable", "odd")],
    )
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))


def _build_section(title: str, folder: Path, rows: Sequence[FindingRow]) -> ReportSection:
    shown = [
        ShownPair(
            row=row,
            picture=_encode_picture(folder / row.path),
            other_picture=_encode_picture(folder / row.other),
        )
        for row in _select_shown(rows)
    ]
    return ReportSection(title=title, total=len(rows), shown=shown)


def _select_shown(rows: Iterable[FindingRow]) -> list[FindingRow]:
    """Select the first pairs of as many different groups as possible."""
    taken: Counter[str] = Counter()
    ranked: list[tuple[int, int, FindingRow]] = []
    for row in rows:
        ranked.append((taken[row.group], len(ranked), row))
        taken[row.group] += 1
    return [row for _, _, row in sorted(ranked, key=lambda rank: rank[:2])[:MAX_SHOWN_PAIRS]]


def _encode_picture(path: Path) -> str:
    """Encode a film, or the decodable part of a damaged one, as a small base64 PNG."""
    data = path.read_bytes()
    try:
        film = formats.read_bytes(data)
    except UnreadableRadiographError:
        partial_film = read_damaged_jpeg(data)
        if partial_film is None:
            return ""
        film = partial_film
    height, width = film.pixels.shape
    scale = REPORT_PICTURE_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(film.pixels, size, interpolation=cv2.INTER_AREA)
    png = encode_png(np.clip(np.rint(small * 255), 0, 255).astype(np.uint8))
    return base64.b64encode(png).decode("ascii")
