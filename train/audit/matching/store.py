"""What the audit has worked out so far, in one SQLite file: a killed audit goes on from it.

Fingerprints are kept by the checksum of the film, comparisons by two checksums; so a renamed or
added film costs nothing that was done before. Each call of a keep_ method is one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bonefx.errors import RecipeError
from train.audit.matching.fingerprint import (
    FINGERPRINT_SIDE_PX,
    FINGERPRINT_VERSION,
    Fingerprint,
    Thumbnail,
)

STORE_SCHEMA = """
CREATE TABLE IF NOT EXISTS film
    (name TEXT PRIMARY KEY, bytes INTEGER, modified_ns INTEGER, sha256 TEXT);
CREATE TABLE IF NOT EXISTS fingerprint
    (sha256 TEXT PRIMARY KEY, error TEXT, file_format TEXT, photometric TEXT, bits INTEGER,
     height INTEGER, width INTEGER, thumbnail BLOB, known BLOB, hashes BLOB);
CREATE TABLE IF NOT EXISTS comparison
    (first TEXT, second TEXT, turn INTEGER, detail REAL, PRIMARY KEY (first, second, turn));
"""
ComparisonKey = tuple[str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmFile:
    """A file as it was when its fingerprint was taken."""

    name: str
    size_bytes: int
    modified_ns: int
    sha256: str


class FingerprintStore:
    """The audit's SQLite file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def known_files(self) -> dict[str, FilmFile]:
        """All files seen so far, by name."""
        rows = self._connection.execute("SELECT name, bytes, modified_ns, sha256 FROM film")
        return {
            name: FilmFile(name=name, size_bytes=size, modified_ns=modified, sha256=sha256)
            for name, size, modified, sha256 in rows
        }

    def known_fingerprints(self) -> set[str]:
        """Checksums of all films that have a fingerprint."""
        return {row[0] for row in self._connection.execute("SELECT sha256 FROM fingerprint")}

    def keep_films(self, files: Sequence[FilmFile], prints: Iterable[Fingerprint]) -> None:
        """Keep files and new fingerprints."""
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO film VALUES (?, ?, ?, ?)",
                [(f.name, f.size_bytes, f.modified_ns, f.sha256) for f in files],
            )
            self._connection.executemany(
                "INSERT OR REPLACE INTO fingerprint VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [_to_row(one) for one in prints],
            )

    def thumbnail(self, sha256: str) -> Thumbnail:
        """Load the thumbnail of a film that has one."""
        row = self._connection.execute(
            "SELECT thumbnail, known FROM fingerprint WHERE sha256 = ?", (sha256,)
        ).fetchone()
        return _thumbnail_of(*row)

    def fingerprints(self) -> Iterator[Fingerprint]:
        """Load all fingerprints one after the other, by checksum."""
        for row in self._connection.execute("SELECT * FROM fingerprint ORDER BY sha256"):
            yield _from_row(row)

    def known_comparisons(self) -> dict[ComparisonKey, float]:
        """All comparisons made so far: two checksums and a turn -> correlation of detail."""
        rows = self._connection.execute("SELECT first, second, turn, detail FROM comparison")
        return {(first, second, turn): detail for first, second, turn, detail in rows}

    def keep_comparisons(self, found: Iterable[tuple[ComparisonKey, float]]) -> None:
        """Keep new comparisons."""
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO comparison VALUES (?, ?, ?, ?)",
                [(*key, detail) for key, detail in found],
            )


@contextmanager
def open_store(path: Path) -> Iterator[FingerprintStore]:
    """Open the store, making it where there is none or where it is of another version.

    Raises:
        RecipeError: The file cannot be written, or is no store.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path)
        try:
            _create_tables(connection)
            yield FingerprintStore(connection)
        finally:
            connection.close()
    except (OSError, sqlite3.DatabaseError) as error:
        raise RecipeError(
            f"{path.name} cannot be used ({error}); free some disk space, delete the file or "
            "choose another --out"
        ) from error


def _create_tables(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    with connection:
        if version != FINGERPRINT_VERSION:
            for table in ("film", "fingerprint", "comparison"):
                connection.execute(f"DROP TABLE IF EXISTS {table}")
            connection.execute(f"PRAGMA user_version = {FINGERPRINT_VERSION}")
        connection.executescript(STORE_SCHEMA)


def _to_row(one: Fingerprint) -> tuple[object, ...]:
    return (
        one.sha256, one.error, one.file_format, one.photometric, one.bits, one.height, one.width,
        None if one.thumbnail is None else one.thumbnail.pixels.tobytes(),
        None if one.thumbnail is None else np.packbits(one.thumbnail.known).tobytes(),
        one.hashes.tobytes(),
    )  # fmt: skip


def _from_row(row: tuple[Any, ...]) -> Fingerprint:
    sha256, error, file_format, photometric, bits, height, width, thumbnail, known, hashes = row
    return Fingerprint(
        sha256=sha256,
        error=error,
        file_format=file_format,
        photometric=photometric,
        bits=bits,
        height=height,
        width=width,
        thumbnail=None if thumbnail is None else _thumbnail_of(thumbnail, known),
        hashes=np.frombuffer(hashes, np.uint64),
    )


def _thumbnail_of(pixels: bytes, known: bytes) -> Thumbnail:
    side = (FINGERPRINT_SIDE_PX, FINGERPRINT_SIDE_PX)
    bits = np.unpackbits(
        np.frombuffer(known, np.uint8), count=FINGERPRINT_SIDE_PX * FINGERPRINT_SIDE_PX
    )
    return Thumbnail(np.frombuffer(pixels, np.uint8).reshape(side), bits.astype(bool).reshape(side))
