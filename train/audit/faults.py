"""Unreadable films, and films with an unusual format or size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from train.audit.films import AuditFilm
from train.audit.findings import FindingRow
from train.audit.matching.store import FingerprintStore
from train.audit.records import FaultCount

RARE_SHARE = 0.05  # a format, colour mode or bit depth of fewer films is unusual
UNUSUAL_SIZE_FACTOR = 4.0  # longer side relative to the median, or its inverse
MAX_ASPECT_RATIO = 4.0  # longer side over shorter side


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmHeader:
    """Header facts of one distinct file.

    Attributes:
        error: Why the film cannot be read; "" if it can.
        properties: File format, photometric interpretation and bit depth, as text.
        long_px: Longer side.
        short_px: Shorter side.
    """

    error: str
    properties: tuple[str, ...]
    long_px: int
    short_px: int


def load_headers(store: FingerprintStore) -> dict[str, FilmHeader]:
    """Load the header facts of all fingerprints, by checksum."""
    return {
        one.sha256: FilmHeader(
            error=one.error,
            properties=(one.file_format, one.photometric, f"{one.bits} bit"),
            long_px=max(one.height, one.width),
            short_px=min(one.height, one.width),
        )
        for one in store.load_fingerprints()
    }


def find_faults(
    films: Sequence[AuditFilm], sha256: Sequence[str], headers: dict[str, FilmHeader]
) -> list[FindingRow]:
    """List unreadable films with their error, and unusual films, one row per unusual property."""
    film_headers = [headers[one] for one in sha256]
    readable = [header for header in film_headers if not header.error]
    counts = Counter(value for header in readable for value in header.properties)
    rare = {value for value, count in counts.items() if count < RARE_SHARE * len(readable)}
    median_px = float(np.median([header.long_px for header in readable])) if readable else 0.0
    rows = []
    for film, header in zip(films, film_headers, strict=True):
        if header.error:
            rows.append(_fault_row("unreadable", film, header.error))
        else:
            unusual = [value for value in header.properties if value in rare]
            unusual += _unusual_sides(header, median_px)
            rows += [_fault_row("odd", film, what) for what in unusual]
    return rows


def count_faults(rows: Sequence[FindingRow], kind: str) -> tuple[FaultCount, ...]:
    """Count the films by detail, for one kind of fault."""
    counts = Counter(row.detail for row in rows if row.kind == kind)
    return tuple(FaultCount(value=value, films=films) for value, films in sorted(counts.items()))


def _unusual_sides(header: FilmHeader, median_px: float) -> list[str]:
    unusual = []
    if header.long_px > UNUSUAL_SIZE_FACTOR * median_px:
        unusual.append(f"longer side more than {UNUSUAL_SIZE_FACTOR:g} times the median")
    if header.long_px * UNUSUAL_SIZE_FACTOR < median_px:
        unusual.append(f"longer side less than 1/{UNUSUAL_SIZE_FACTOR:g} of the median")
    if header.long_px > MAX_ASPECT_RATIO * header.short_px:
        unusual.append(f"longer side more than {MAX_ASPECT_RATIO:g} times the shorter side")
    return unusual


def _fault_row(kind: str, film: AuditFilm, detail: str) -> FindingRow:
    return FindingRow(kind=kind, path=film.name, label=film.label, split=film.split, detail=detail)
