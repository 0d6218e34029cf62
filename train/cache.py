"""Films decoded and letterboxed once, kept as uint8 squares that every epoch reads again."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bonefx.errors import RecipeError, UnreadableRadiographError
from bonefx.images import read
from bonefx.preprocess import letterbox
from train.data import Film
from train.files import write_atomically

log = logging.getLogger(__name__)

VERSION = 3  # count up when images.read or preprocess.letterbox give other pixels
SQUARES, INDEX = "squares.npy", "index.npz"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class CachedFilms:
    """Films of one split at one size; files with the same bytes share a square.

    Attributes:
        films: N films that could be read, in the order of the index.
        squares: (U, S, S) uint8, mapped from disk, one for each distinct file.
        rows: Which square belongs to each film, (N,).
        shapes: (N, 2) height and width of each film before letterboxing.
        sha256: Checksum of each film's file, (N,).
        skipped: How many could not be read.
    """

    films: list[Film]
    squares: NDArray[np.uint8]
    rows: NDArray[np.int64]
    shapes: NDArray[np.int32]
    sha256: NDArray[np.str_]
    skipped: int

    @property
    def size_px(self) -> int:
        """Side of the squares."""
        return int(self.squares.shape[-1])

    @property
    def fractured(self) -> NDArray[np.bool_]:
        """Ground truth, (N,)."""
        return np.array([film.fractured for film in self.films])

    @property
    def groups(self) -> NDArray[np.str_]:
        """Patient or block of each film, (N,)."""
        return np.array([film.group for film in self.films])

    def distinct(self) -> CachedFilms:
        """Keep the first of all films whose files have the same bytes."""
        first = np.sort(np.unique(self.sha256, return_index=True)[1])
        return replace(
            self,
            films=[self.films[index] for index in first],
            rows=self.rows[first],
            shapes=self.shapes[first],
            sha256=self.sha256[first],
        )


def cached(films: list[Film], *, size_px: int, folder: Path, salvage: bool = False) -> CachedFilms:
    """Load films from the cache, filling it first where it has none of them.

    Args:
        films: Films to load.
        size_px: Side of the letterboxed squares.
        folder: Where caches are kept; one sub-folder for each list of films and size.
        salvage: See images.read_bytes.

    Raises:
        RecipeError: No film could be read, or the disk is full.
    """
    place = folder / _key(films, size_px, salvage=salvage)
    if not (place / INDEX).is_file():
        try:
            _fill(films, size_px, place, salvage=salvage)
        except OSError as error:
            raise RecipeError(
                f"the film cache could not be written ({error.strerror}); free some disk space or "
                "choose another --cache"
            ) from error
    with np.load(place / INDEX) as index:
        rows, shapes, sha256 = index["rows"], index["shapes"], index["sha256"]
    readable = shapes[:, 0] > 0
    if not readable.any():
        raise RecipeError("no film of this split could be read; check the data folder")
    if not readable.all():
        log.warning("%d of %d films cannot be read and are left out", (~readable).sum(), len(films))
    return CachedFilms(
        films=[film for film, kept in zip(films, readable, strict=True) if kept],
        squares=np.load(place / SQUARES, mmap_mode="r"),
        rows=rows[readable],
        shapes=shapes[readable],
        sha256=sha256[readable],
        skipped=int((~readable).sum()),
    )


def checksums(films: list[Film]) -> list[str]:
    """Compute the SHA-256 of each film's file; no film is decoded."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(_sha256, films))


def _key(films: list[Film], size_px: int, *, salvage: bool) -> str:
    """Name a cache after what decides its content: the files, their sizes and times, the side."""
    facts = [[film.name, *_stamp(film.path)] for film in films]
    digest = hashlib.sha256(json.dumps([VERSION, size_px, salvage, facts]).encode()).hexdigest()
    return f"{size_px}px-{digest[:16]}"


def _stamp(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns


def _fill(films: list[Film], size_px: int, place: Path, *, salvage: bool) -> None:
    """Write squares.npy, then index.npz, whose presence says that the cache is whole."""
    place.mkdir(parents=True, exist_ok=True)
    sha256 = np.array(checksums(films))
    _, first, rows = np.unique(sha256, return_index=True, return_inverse=True)

    def decode(index: int) -> Decoded | None:
        return _decode(films, int(index), size_px, salvage=salvage)

    shapes = _write_squares(first, decode, size_px, place)
    write_atomically(
        place / INDEX,
        lambda part: _save_index(part, rows, shapes[rows], sha256),
    )


def _save_index(
    part: Path, rows: NDArray[np.int64], shapes: NDArray[np.int32], sha256: NDArray[np.str_]
) -> None:
    with part.open("wb") as file:  # savez adds .npz to a path, not to a file
        np.savez(file, rows=rows, shapes=shapes, sha256=sha256)


def _sha256(film: Film) -> str:
    return hashlib.sha256(film.path.read_bytes()).hexdigest()


Decoded = tuple[NDArray[np.uint8], tuple[int, int]]


def _write_squares(
    films: NDArray[np.int64], decode: Callable[[int], Decoded | None], size_px: int, place: Path
) -> NDArray[np.int32]:
    """Decode U films into squares.npy; returns their shapes, (U, 2), 0 x 0 if unreadable."""
    part = place / f"squares.{os.getpid()}.npy"
    squares = np.lib.format.open_memmap(
        part, mode="w+", dtype=np.uint8, shape=(len(films), size_px, size_px)
    )
    shapes = np.zeros((len(films), 2), np.int32)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        progress = tqdm(
            pool.map(decode, films), total=len(films), desc=f"decode at {size_px} px", leave=False
        )
        for row, decoded in enumerate(progress):
            if decoded is not None:
                squares[row], shapes[row] = decoded
    squares.flush()
    del squares  # Windows renames no file that is mapped
    part.replace(place / SQUARES)
    return shapes


def _decode(films: list[Film], index: int, size_px: int, *, salvage: bool) -> Decoded | None:
    try:
        radiograph = read(films[index].path, salvage=salvage)
    except UnreadableRadiographError as error:
        # the film's place, not its name: a hospital's file names may be patients'
        log.warning("left out film %d of %d: %s", index + 1, len(films), error)
        return None
    height, width = radiograph.pixels.shape
    return letterbox(radiograph, size_px=size_px), (height, width)
