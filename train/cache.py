"""Films decoded and letterboxed once, kept as uint8 squares that every epoch reads again."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bonefx.errors import RecipeError, UnreadableRadiographError
from bonefx.images import read
from bonefx.preprocess import letterbox
from train.data import Film

log = logging.getLogger(__name__)

VERSION = 1  # count up when images.read or preprocess.letterbox give other pixels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class CachedFilms:
    """Films of one split at one size.

    Attributes:
        films: Those that could be read, in the order of the index.
        squares: (N, S, S) uint8, mapped from disk.
        shapes: (N, 2) height and width of each film before letterboxing.
        skipped: How many could not be read.
    """

    films: list[Film]
    squares: NDArray[np.uint8]
    shapes: NDArray[np.int32]
    skipped: int


def cached(films: list[Film], *, size_px: int, folder: Path) -> CachedFilms:
    """Load films from the cache, filling it first where it has none of them.

    Args:
        films: Films to load.
        size_px: Side of the letterboxed squares.
        folder: Where caches are kept; one sub-folder for each list of films and size.

    Raises:
        RecipeError: No film could be read, or the disk is full.
    """
    place = folder / _key(films, size_px)
    if not (place / "shapes.npy").is_file():
        try:
            _fill(films, size_px, place)
        except OSError as error:
            raise RecipeError(
                f"the film cache could not be written ({error.strerror}); free some disk space or "
                "choose another --cache"
            ) from error
    shapes = np.load(place / "shapes.npy")
    readable = shapes[:, 0] > 0
    if not readable.any():
        raise RecipeError("no film of this split could be read; check the data folder")
    squares = np.load(place / "squares.npy", mmap_mode="r")
    if not readable.all():
        squares = squares[readable]
        log.warning("%d of %d films cannot be read and are left out", (~readable).sum(), len(films))
    return CachedFilms(
        films=[film for film, kept in zip(films, readable, strict=True) if kept],
        squares=squares,
        shapes=shapes[readable],
        skipped=int((~readable).sum()),
    )


def _key(films: list[Film], size_px: int) -> str:
    """Name a cache after what decides its content: the files, their sizes and times, the side."""
    facts = [[film.name, *_stamp(film.path)] for film in films]
    digest = hashlib.sha256(json.dumps([VERSION, size_px, facts]).encode()).hexdigest()
    return f"{size_px}px-{digest[:16]}"


def _stamp(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns


def _fill(films: list[Film], size_px: int, place: Path) -> None:
    """Write squares.npy, then shapes.npy, whose presence says that the cache is whole."""
    place.mkdir(parents=True, exist_ok=True)
    part = place / f"squares.{os.getpid()}.npy"
    squares = np.lib.format.open_memmap(
        part, mode="w+", dtype=np.uint8, shape=(len(films), size_px, size_px)
    )
    shapes = np.zeros((len(films), 2), np.int32)  # 0 x 0 marks an unreadable film
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        decoded = pool.map(lambda index: _decode(films, index, size_px), range(len(films)))
        progress = tqdm(decoded, total=len(films), desc=f"decode at {size_px} px", leave=False)
        for index, result in enumerate(progress):
            if result is not None:
                squares[index], shapes[index] = result
    squares.flush()
    del squares  # Windows renames no file that is mapped
    part.replace(place / "squares.npy")
    part = place / f"shapes.{os.getpid()}.npy"
    np.save(part, shapes)
    part.replace(place / "shapes.npy")


def _decode(
    films: list[Film], index: int, size_px: int
) -> tuple[NDArray[np.uint8], tuple[int, int]] | None:
    try:
        radiograph = read(films[index].path)
    except UnreadableRadiographError as error:
        # the film's place, not its name: a hospital's file names may be patients'
        log.warning("left out film %d of %d: %s", index + 1, len(films), error)
        return None
    height, width = radiograph.pixels.shape
    return letterbox(radiograph, size_px=size_px), (height, width)
