"""Fingerprint the listed films into the store; each distinct file is decoded once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from tqdm import tqdm

from bonefx.errors import RecipeError
from train.audit.films import AuditFilm
from train.audit.matching.fingerprint import Fingerprint, compute_fingerprint
from train.audit.matching.store import FilmFile, FingerprintStore

FILMS_PER_TRANSACTION = 32  # limits lost work after a kill, and memory
AUDIT_THREADS = 2


def fingerprint_films(films: Sequence[AuditFilm], store: FingerprintStore) -> list[str]:
    """Store the fingerprints of all films that are not in the store yet.

    Returns:
        The checksum of each film, in the order of the films.

    Raises:
        RecipeError: A film was removed or is not readable.
    """
    files, done = store.load_files(), store.load_checksums()
    todo = [film for film in films if not _is_unchanged(film, files.get(film.name))]
    progress = tqdm(total=len(films), initial=len(films) - len(todo), unit="film", desc="read")
    with progress, ThreadPoolExecutor(AUDIT_THREADS) as pool:
        for chunk in _chunks(todo):
            read = list(pool.map(_fingerprint_film, chunk, [done] * len(chunk)))
            store.save_films([file for file, _ in read], [one for _, one in read if one])
            done |= {file.sha256 for file, _ in read}
            files |= {file.name: file for file, _ in read}
            progress.update(len(chunk))
    return [files[film.name].sha256 for film in films]


def _is_unchanged(film: AuditFilm, before: FilmFile | None) -> bool:
    if before is None:
        return False
    now = film.path.stat()
    return (before.size_bytes, before.modified_ns) == (now.st_size, now.st_mtime_ns)


def _chunks(films: Sequence[AuditFilm]) -> Iterator[Sequence[AuditFilm]]:
    for start in range(0, len(films), FILMS_PER_TRANSACTION):
        yield films[start : start + FILMS_PER_TRANSACTION]


def _fingerprint_film(film: AuditFilm, done: set[str]) -> tuple[FilmFile, Fingerprint | None]:
    try:
        status, data = film.path.stat(), film.path.read_bytes()
    except OSError as error:
        raise RecipeError(
            f"a film of the folder cannot be read ({error.strerror}); check that you have "
            "read access to all files and that none is being moved"
        ) from None  # the cause contains the path
    sha256 = hashlib.sha256(data).hexdigest()
    file = FilmFile(
        name=film.name,
        size_bytes=status.st_size,
        modified_ns=status.st_mtime_ns,
        sha256=sha256,
    )
    return file, None if sha256 in done else compute_fingerprint(data)
