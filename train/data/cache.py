"""Cache of decoded and letterboxed films, as uint8 squares on disk."""

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
from filelock import FileLock
from numpy.typing import NDArray
from tqdm import tqdm

from bonefx.errors import RecipeError, UnreadableRadiographError
from bonefx.films import formats
from bonefx.models.preprocess import AS_SHOWN, Letterbox, letterbox, letterbox_of
from bonefx.records import PixelBox
from train.data import Film
from train.files import write_atomically

logger = logging.getLogger(__name__)

CACHE_VERSION = 5  # increase when formats.read or letterbox give other pixels
SQUARES_FILE, CACHE_INDEX_FILE = "squares.npy", "index.npz"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class CachedFilms:
    """Films of one split at one size; byte-identical files share a square.

    Attributes:
        films: N readable films, in the order of the index.
        squares: (U, S, S) uint8, memory-mapped, one for each distinct file.
        rows: Index of each film's square, (N,).
        shapes: (N, 2) height and width of each film before letterboxing, in pixels.
        fields: (N, 4) top, left, bottom and right edge of each exposed field, in pixels.
        sha256: Checksum of each film's file, (N,).
        skipped: Number of unreadable films.
    """

    films: list[Film]
    squares: NDArray[np.uint8]
    rows: NDArray[np.int64]
    shapes: NDArray[np.int32]
    fields: NDArray[np.int32]
    sha256: NDArray[np.str_]
    skipped: int

    @property
    def size_px(self) -> int:
        """Side of the squares, in pixels."""
        return int(self.squares.shape[-1])

    def shape(self, index: int) -> tuple[int, int]:
        """Return height and width of a film, in pixels."""
        height, width = (int(side) for side in self.shapes[index])
        return height, width

    def place(self, index: int) -> Letterbox:
        """Return the position of a film's exposed field in its square."""
        top, left, bottom, right = (int(edge) for edge in self.fields[index])
        field = PixelBox(top=top, left=left, bottom=bottom, right=right)
        return letterbox_of(*self.shape(index), size_px=self.size_px, field=field)

    @property
    def fractured(self) -> NDArray[np.bool_]:
        """Ground truth, (N,)."""
        return np.array([film.fractured for film in self.films])

    @property
    def groups(self) -> NDArray[np.str_]:
        """Patient or block of each film, (N,)."""
        return np.array([film.group for film in self.films])

    def distinct(self) -> CachedFilms:
        """Remove films whose file is byte-identical to that of an earlier film."""
        return self.select(np.sort(np.unique(self.sha256, return_index=True)[1]))

    def select(self, indices: NDArray[np.int64]) -> CachedFilms:
        """Return the films at the given indices, in that order."""
        return replace(
            self,
            films=[self.films[index] for index in indices],
            rows=self.rows[indices],
            shapes=self.shapes[indices],
            fields=self.fields[indices],
            sha256=self.sha256[indices],
        )


def load_cached(
    films: list[Film],
    *,
    size_px: int,
    folder: Path,
    salvage: bool = False,
    grey_levels: str = AS_SHOWN,
) -> CachedFilms:
    """Load films from the cache; decode them into the cache first if they are not there.

    Args:
        films: Films to load.
        size_px: Side of the letterboxed squares.
        folder: Folder of all caches, with one sub-folder per list of films and size.
        salvage: Read the decodable part of truncated films; see
            bonefx.films.formats.read_bytes.
        grey_levels: Rule for the grey levels; see bonefx.models.preprocess.letterbox.

    Raises:
        RecipeError: No film could be read, or the disk is full.
    """
    cache_folder = folder / _cache_name(films, size_px, salvage=salvage, grey_levels=grey_levels)
    if not (cache_folder / CACHE_INDEX_FILE).is_file():
        _make_folder(cache_folder)
        with FileLock(
            cache_folder.with_suffix(".lock")
        ):  # one process decodes while the others wait
            if not (cache_folder / CACHE_INDEX_FILE).is_file():
                _write_cache(films, size_px, cache_folder, salvage=salvage, grey_levels=grey_levels)
    with np.load(cache_folder / CACHE_INDEX_FILE) as index:
        rows, places, sha256 = index["rows"], index["places"], index["sha256"]
    shapes, fields = places[:, :2], places[:, 2:]
    readable = shapes[:, 0] > 0
    if not readable.any():
        raise RecipeError("no film of this split could be read; check the data folder")
    if not readable.all():
        logger.warning(
            "%d of %d films cannot be read and are excluded", (~readable).sum(), len(films)
        )
    return CachedFilms(
        films=[film for film, usable in zip(films, readable, strict=True) if usable],
        squares=np.load(cache_folder / SQUARES_FILE, mmap_mode="r"),
        rows=rows[readable],
        shapes=shapes[readable],
        fields=fields[readable],
        sha256=sha256[readable],
        skipped=int((~readable).sum()),
    )


def compute_file_checksums(films: list[Film]) -> list[str]:
    """Compute the SHA-256 of each film's file, without decoding it."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(_file_checksum, films))


def _cache_name(films: list[Film], size_px: int, *, salvage: bool, grey_levels: str) -> str:
    """Derive a cache's name from all that determines its content: files, their times, and size."""
    facts = [[film.name, *_size_and_time(film.path)] for film in films]
    digest = hashlib.sha256(
        json.dumps([CACHE_VERSION, size_px, salvage, grey_levels, facts]).encode()
    ).hexdigest()
    return f"{size_px}px-{digest[:16]}"


def _size_and_time(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecipeError(
            f"the film cache could not be created ({error.strerror}); choose another --cache"
        ) from error


def _write_cache(
    films: list[Film], size_px: int, cache_folder: Path, *, salvage: bool, grey_levels: str
) -> None:
    """Write squares.npy, then index.npz, which marks the cache as complete."""
    sha256 = np.array(compute_file_checksums(films))
    _, first, rows = np.unique(sha256, return_index=True, return_inverse=True)

    def decode(index: int) -> DecodedSquare | None:
        return _decode_film(films, int(index), size_px, salvage=salvage, grey_levels=grey_levels)

    places = np.zeros((len(first), 6), np.int32)
    write_atomically(
        cache_folder / SQUARES_FILE,
        lambda part: _save_squares(part, first, decode, places=places, size_px=size_px),
        option="--cache",
    )
    write_atomically(
        cache_folder / CACHE_INDEX_FILE,
        lambda part: _save_index(part, rows, places[rows], sha256),
        option="--cache",
    )


def _save_index(
    part: Path, rows: NDArray[np.int64], places: NDArray[np.int32], sha256: NDArray[np.str_]
) -> None:
    with part.open("wb") as file:  # savez adds .npz to a path, not to a file
        np.savez(file, rows=rows, places=places, sha256=sha256)


def _file_checksum(film: Film) -> str:
    """Return the checksum of a film's file; a unique substitute if it cannot be opened."""
    try:
        return hashlib.sha256(film.path.read_bytes()).hexdigest()
    except OSError:
        return f"unread {hashlib.sha256(film.name.encode()).hexdigest()[:16]}"


DecodedSquare = tuple[NDArray[np.uint8], tuple[int, ...]]  # with shape and edges of the field


def _save_squares(
    part: Path,
    films: NDArray[np.int64],
    decode: Callable[[int], DecodedSquare | None],
    *,
    places: NDArray[np.int32],
    size_px: int,
) -> None:
    """Decode U films into an array file; set their shapes and fields, (U, 6), to 0 if unreadable.

    Squares are written sequentially, so that a full disk raises an error. Writing to a
    memory-mapped file would kill the process instead.
    """
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(films), size_px, size_px)}
    black = np.zeros((size_px, size_px), np.uint8)
    with part.open("wb") as file, ThreadPoolExecutor(os.cpu_count()) as pool:
        np.lib.format.write_array_header_1_0(file, header)
        progress = tqdm(
            pool.map(decode, films), total=len(films), desc=f"decode at {size_px} px", leave=False
        )
        for row, decoded in enumerate(progress):
            square, places[row] = decoded or (black, (0,) * 6)
            file.write(square.tobytes())


def _decode_film(
    films: list[Film], index: int, size_px: int, *, salvage: bool, grey_levels: str
) -> DecodedSquare | None:
    try:
        radiograph = formats.read(films[index].path, salvage=salvage)
    except UnreadableRadiographError as error:
        # log the position, not the name: file names of a hospital may contain patient names
        logger.warning("film %d of %d is excluded: %s", index + 1, len(films), error)
        return None
    height, width = radiograph.pixels.shape
    field = radiograph.field or PixelBox(top=0, left=0, bottom=height, right=width)
    edges = field.top, field.left, field.bottom, field.right
    return letterbox(radiograph, size_px=size_px, grey_levels=grey_levels), (height, width, *edges)
