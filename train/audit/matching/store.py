"""SQLite store of fingerprints and comparisons, from which an interrupted audit resumes.

Fingerprints are stored by checksum and comparisons by two checksums, so that renamed or added films
require no repeated work. Each call of a save_ method is one transaction.
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
    FilmThumbnail,
    Fingerprint,
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
    """State of a file when its fingerprint was computed."""

    name: str
    size_bytes: int
    modified_ns: int
    sha256: str


class FingerprintStore:
    """Fingerprints and comparisons in the audit's SQLite file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def load_files(self) -> dict[str, FilmFile]:
        """Load the state of all files, by name."""
        rows = self._connection.execute("SELECT name, bytes, modified_ns, sha256 FROM film")
        return {
            name: FilmFile(name=name, size_bytes=size, modified_ns=modified, sha256=sha256)
            for name, size, modified, sha256 in rows
        }

    def load_checksums(self) -> set[str]:
        """Load the checksums of all films with a fingerprint."""
        return {row[0] for row in self._connection.execute("SELECT sha256 FROM fingerprint")}

    def save_films(self, files: Sequence[FilmFile], fingerprints: Iterable[Fingerprint]) -> None:
        """Save the state of files and new fingerprints."""
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO film VALUES (?, ?, ?, ?)",
                [(f.name, f.size_bytes, f.modified_ns, f.sha256) for f in files],
            )
            self._connection.executemany(
                "INSERT OR REPLACE INTO fingerprint VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [_to_row(one) for one in fingerprints],
            )

    def load_thumbnail(self, sha256: str) -> FilmThumbnail:
        """Load a film's thumbnail; the film must have one."""
        row = self._connection.execute(
            "SELECT thumbnail, known FROM fingerprint WHERE sha256 = ?", (sha256,)
        ).fetchone()
        return _thumbnail_of(*row)

    def load_fingerprints(self) -> Iterator[Fingerprint]:
        """Yield all fingerprints, sorted by checksum."""
        for row in self._connection.execute("SELECT * FROM fingerprint ORDER BY sha256"):
            yield _from_row(row)

    def load_comparisons(self) -> dict[ComparisonKey, float]:
        """Load all comparisons: correlation of detail by two checksums and a rotation."""
        rows = self._connection.execute("SELECT first, second, turn, detail FROM comparison")
        return {(first, second, turn): detail for first, second, turn, detail in rows}

    def save_comparisons(self, comparisons: Iterable[tuple[ComparisonKey, float]]) -> None:
        """Save new comparisons."""
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO comparison VALUES (?, ?, ?, ?)",
                [(*key, detail) for key, detail in comparisons],
            )


@contextmanager
def open_store(path: Path) -> Iterator[FingerprintStore]:
    """Open the store; create it if it is missing or has another version.

    Raises:
        RecipeError: The file is not writable or not a store.
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


def _thumbnail_of(pixels: bytes, known: bytes) -> FilmThumbnail:
    side = (FINGERPRINT_SIDE_PX, FINGERPRINT_SIDE_PX)
    bits = np.unpackbits(
        np.frombuffer(known, np.uint8), count=FINGERPRINT_SIDE_PX * FINGERPRINT_SIDE_PX
    )
    return FilmThumbnail(
        np.frombuffer(pixels, np.uint8).reshape(side), bits.astype(bool).reshape(side)
    )
