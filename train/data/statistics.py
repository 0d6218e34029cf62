"""Statistics of a data set: data.json and samples.png of a run's folder."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bonefx.records import Estimate
from bonefx.schema import dump_record
from train.data import DataSet, Film
from train.data.cache import CachedFilms
from train.data.samples import SAMPLES_FILE, draw_samples
from train.files import write_atomically
from train.metrics import estimate_proportion

logger = logging.getLogger(__name__)

STATISTICS_FILE = "data.json"
SPLIT_ORDER = ("train", "val", "test")
UNKNOWN_VALUE = "unknown"
HARDWARE_NAMES = {True: "with", False: "without", None: UNKNOWN_VALUE}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCounts:
    """Number of films with one value of a property, and of the fractured ones among them."""

    films: int
    fractured: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SideLengths:
    """Smallest, median and largest width or height of the films before letterboxing."""

    smallest_px: int
    median_px: float
    largest_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStatistics:
    """Statistics of a split that require reading its files.

    Attributes:
        skipped: Unreadable films; no other value counts them.
        distinct: Number of distinct files, by checksum.
        shared: Number of films with a byte-identical file in another split, by that split's name.
        width: Widths of the films.
        height: Heights of the films.
        sha256: Checksum of the films' checksums and labels, in the order of the index.
    """

    skipped: int
    distinct: int
    shared: dict[str, int]
    width: SideLengths
    height: SideLengths
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitStatistics:
    """Statistics of one split.

    Attributes:
        films: Number of readable films; if the files were not read, of all indexed films.
        fractured: Number of fractured films among them.
        share: Share of fractured films with its 95 % interval.
        groups: Number of patients or sources, if the data set identifies them.
        regions: Counts by body region; a film with two regions counts in both.
        views: Counts by view; a film with two views counts in both.
        hardware: Counts by metal on the film: with, without, unknown.
        files: Statistics of the files; None if they were not read.
    """

    films: int
    fractured: int
    share: Estimate
    groups: int
    regions: dict[str, ClassCounts]
    views: dict[str, ClassCounts]
    hardware: dict[str, ClassCounts]
    files: FileStatistics | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataStatistics:
    """Statistics of a data set (data.json), without names of films or groups."""

    name: str
    licence: str
    source: str
    label_meaning: str
    left_out: int
    splits: dict[str, SplitStatistics]


def write_data_statistics(
    data_set: DataSet, films: dict[str, CachedFilms], folder: Path
) -> DataStatistics:
    """Write the statistics of a data set, data.json, and some of its films, samples.png.

    Pictures are taken from the cache. If data.json exists with the same content, nothing is
    written. samples.png is never exported; see train.data.samples.draw_samples.

    Args:
        data_set: Index of the films.
        films: Cached films by split; other splits are described from the index only.
        folder: Folder of the run.

    Raises:
        RecipeError: The disk is full or the folder is not writable.
    """
    statistics = compute_data_statistics(data_set, films)
    _log_statistics(statistics)
    text = json.dumps(dump_record(statistics), indent=2)
    if not _is_up_to_date(folder, text):
        draw_samples(films, folder / SAMPLES_FILE)
        write_atomically(
            folder / STATISTICS_FILE, lambda part: part.write_text(text, encoding="utf-8")
        )
    return statistics


def compute_data_statistics(data_set: DataSet, films: dict[str, CachedFilms]) -> DataStatistics:
    """Compute the statistics of a data set; see write_data_statistics."""
    indexed = {film.split for film in data_set.films}
    return DataStatistics(
        name=data_set.name,
        licence=data_set.licence,
        source=data_set.source,
        label_meaning=data_set.label_meaning,
        left_out=data_set.left_out,
        splits={
            name: _compute_split_statistics(name, data_set, films)
            for name in SPLIT_ORDER
            if name in indexed
        },
    )


def _is_up_to_date(folder: Path, text: str) -> bool:
    """Whether an earlier start of the run wrote the same statistics."""
    written = folder / STATISTICS_FILE
    if not (written.is_file() and (folder / SAMPLES_FILE).is_file()):
        return False
    return written.read_text(encoding="utf-8") == text


def _log_statistics(statistics: DataStatistics) -> None:
    for name, split in statistics.splits.items():
        logger.info("%s: %d films, %d fractured", name, split.films, split.fractured)
        for other, shared in (split.files.shared if split.files else {}).items():
            if shared and name != "train":
                logger.warning(
                    "%d of %d films of %s are byte-identical to films of %s, so figures on them "
                    "measure memorisation; run `python -m train audit`",
                    shared, split.films, name, other,
                )  # fmt: skip


def _compute_split_statistics(
    name: str, data_set: DataSet, films: dict[str, CachedFilms]
) -> SplitStatistics:
    cached = films.get(name)
    split_films = (
        cached.films if cached else [film for film in data_set.films if film.split == name]
    )
    fractured = np.array([film.fractured for film in split_films])
    share = estimate_proportion(fractured, np.array([film.group for film in split_films]))
    assert share is not None  # each split has at least one film
    return SplitStatistics(
        films=len(split_films),
        fractured=int(fractured.sum()),
        share=share,
        groups=len({film.group for film in split_films}),
        regions=_count_by(split_films, lambda film: _joined_values(film.region)),
        views=_count_by(split_films, lambda film: _joined_values(film.view)),
        hardware=_count_by(split_films, lambda film: [HARDWARE_NAMES[film.hardware]]),
        files=_compute_file_statistics(name, films) if cached else None,
    )


def _joined_values(joined: str) -> list[str]:
    return joined.split("+") if joined else [UNKNOWN_VALUE]


def _count_by(
    films: Sequence[Film], kinds: Callable[[Film], Iterable[str]]
) -> dict[str, ClassCounts]:
    """Count films by the values of a property, the most frequent value first."""
    labels: dict[str, list[bool]] = {}
    for film in films:
        for kind in kinds(film):
            labels.setdefault(kind, []).append(film.fractured)
    ordered = sorted(labels, key=lambda kind: (-len(labels[kind]), kind))
    return {
        kind: ClassCounts(films=len(labels[kind]), fractured=sum(labels[kind])) for kind in ordered
    }


def _compute_file_statistics(name: str, films: dict[str, CachedFilms]) -> FileStatistics:
    cached = films[name]
    lines = [
        f"{sha256} {film.fractured}"
        for sha256, film in zip(cached.sha256, cached.films, strict=True)
    ]
    return FileStatistics(
        skipped=cached.skipped,
        distinct=len(np.unique(cached.sha256)),
        shared={
            other: int(np.isin(cached.sha256, films[other].sha256).sum())
            for other in films
            if other != name
        },
        height=_side_lengths(cached.shapes[:, 0]),
        width=_side_lengths(cached.shapes[:, 1]),
        sha256=hashlib.sha256("\n".join(lines).encode()).hexdigest(),
    )


def _side_lengths(lengths: NDArray[np.int32]) -> SideLengths:
    return SideLengths(
        smallest_px=int(lengths.min()),
        median_px=float(np.median(lengths)),
        largest_px=int(lengths.max()),
    )
