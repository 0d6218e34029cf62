"""Which films cannot be read, and which are unlike the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from train.audit.films import AuditFilm
from train.audit.findings import FindingRow
from train.audit.matching.store import FingerprintStore
from train.audit.records import FaultCount

RARE_SHARE = 0.05  # share of films below which a format, a colour mode or a depth is odd
UNUSUAL_SIZE_FACTOR = 4.0  # times the median, or a part of it, that makes a long side odd
MAX_ASPECT_RATIO = 4.0  # long side over short side that makes a film odd


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmHeader:
    """What the audit looks at to tell odd films, for one distinct film.

    Attributes:
        error: Why it cannot be read; "" when it can.
        traits: File format, colour and depth, in words.
        long_px: Longer side.
        short_px: Shorter side.
    """

    error: str
    traits: tuple[str, ...]
    long_px: int
    short_px: int


def load_headers(store: FingerprintStore) -> dict[str, FilmHeader]:
    """Load what the store knows of each film's header, by checksum."""
    return {
        one.sha256: FilmHeader(
            error=one.error,
            traits=(one.file_format, one.photometric, f"{one.bits} bit"),
            long_px=max(one.height, one.width),
            short_px=min(one.height, one.width),
        )
        for one in store.fingerprints()
    }


def find_faults(
    films: Sequence[AuditFilm], sha256: Sequence[str], headers: dict[str, FilmHeader]
) -> list[FindingRow]:
    """List unreadable films with their error, and odd films with what is odd, once for each."""
    own = [headers[one] for one in sha256]
    readable = [header for header in own if not header.error]
    traits = Counter(trait for header in readable for trait in header.traits)
    rare = {trait for trait, count in traits.items() if count < RARE_SHARE * len(readable)}
    middle_px = float(np.median([header.long_px for header in readable])) if readable else 0.0
    rows = []
    for film, header in zip(films, own, strict=True):
        if header.error:
            rows.append(_fault_row("unreadable", film, header.error))
        else:
            found = [trait for trait in header.traits if trait in rare]
            found += _unusual_sides(header, middle_px)
            rows += [_fault_row("odd", film, what) for what in found]
    return rows


def count_faults(rows: Sequence[FindingRow], kind: str) -> tuple[FaultCount, ...]:
    """Count the films of each fault of a kind."""
    counts = Counter(row.detail for row in rows if row.kind == kind)
    return tuple(FaultCount(value=value, films=films) for value, films in sorted(counts.items()))


def _unusual_sides(header: FilmHeader, middle_px: float) -> list[str]:
    found = []
    if header.long_px > UNUSUAL_SIZE_FACTOR * middle_px:
        found.append(f"longer side more than {UNUSUAL_SIZE_FACTOR:g} times the median")
    if header.long_px * UNUSUAL_SIZE_FACTOR < middle_px:
        found.append(f"longer side less than 1/{UNUSUAL_SIZE_FACTOR:g} of the median")
    if header.long_px > MAX_ASPECT_RATIO * header.short_px:
        found.append(f"more than {MAX_ASPECT_RATIO:g} times as long as wide")
    return found


def _fault_row(kind: str, film: AuditFilm, detail: str) -> FindingRow:
    return FindingRow(kind=kind, path=film.name, label=film.label, split=film.split, detail=detail)
