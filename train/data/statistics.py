"""A data set in figures and in pictures: data.json and samples.png of a run's folder."""

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
    """Films of one kind, and how many of them are fractured."""

    films: int
    fractured: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SideLengths:
    """Lengths of one side of the films as stored, before letterboxing."""

    smallest_px: int
    median_px: float
    largest_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStatistics:
    """What only reading a split's files tells.

    Attributes:
        skipped: Films that could not be read; no other figure counts them.
        distinct: Files that differ in at least one byte.
        shared: By the name of another split, films whose very bytes lie in that split too.
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
    """One split of a data set.

    Attributes:
        films: That could be read; of a split whose files were not read, all of the index.
        share: Of fractured films, with its 95 % interval.
        groups: Patients or sources, as far as the data set tells them apart.
        regions: By body region; a film with two regions counts in both.
        views: By view; a film with two views counts in both.
        hardware: By metal on the film: with, without, unknown.
        files: None where the split's files were not read.
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
    """A data set as a run met it; it names no film, no group and no folder but the set's own."""

    name: str
    licence: str
    source: str
    label_meaning: str
    left_out: int
    splits: dict[str, SplitStatistics]


def write_data_statistics(
    data_set: DataSet, films: dict[str, CachedFilms], folder: Path
) -> DataStatistics:
    """Write data.json, the figures of a data set, and samples.png, some of its films.

    No film is decoded: the pictures come from the cache. What lies in the folder already is left
    as it is when it says the same. samples.png stays in the run's folder and is never exported:
    the films of a data set may not be redistributed by whoever trains on it.

    Args:
        data_set: The index.
        films: By split, the films that were read; other splits are told by the index alone.
        folder: Of the run.

    Raises:
        RecipeError: The disk is full or the folder may not be written.
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
    """Count the films of a data set; see describe."""
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
    """Tell whether an earlier start of the run described the same films."""
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
                    "%d of %d films of %s are byte copies of films of %s: its figures measure "
                    "memory; run `python -m train audit`", shared, split.films, name, other,
                )  # fmt: skip


def _compute_split_statistics(
    name: str, data_set: DataSet, films: dict[str, CachedFilms]
) -> SplitStatistics:
    read = films.get(name)
    own = read.films if read else [film for film in data_set.films if film.split == name]
    fractured = np.array([film.fractured for film in own])
    share = estimate_proportion(fractured, np.array([film.group for film in own]))
    assert share is not None  # a split is named by its films, and CachedFilms holds at least one
    return SplitStatistics(
        films=len(own),
        fractured=int(fractured.sum()),
        share=share,
        groups=len({film.group for film in own}),
        regions=_count_by(own, lambda film: _joined_values(film.region)),
        views=_count_by(own, lambda film: _joined_values(film.view)),
        hardware=_count_by(own, lambda film: [HARDWARE_NAMES[film.hardware]]),
        files=_compute_file_statistics(name, films) if read else None,
    )


def _joined_values(joined: str) -> list[str]:
    return joined.split("+") if joined else [UNKNOWN_VALUE]


def _count_by(
    films: Sequence[Film], kinds: Callable[[Film], Iterable[str]]
) -> dict[str, ClassCounts]:
    """Count films by kind, the commonest kind first."""
    labels: dict[str, list[bool]] = {}
    for film in films:
        for kind in kinds(film):
            labels.setdefault(kind, []).append(film.fractured)
    ordered = sorted(labels, key=lambda kind: (-len(labels[kind]), kind))
    return {
        kind: ClassCounts(films=len(labels[kind]), fractured=sum(labels[kind])) for kind in ordered
    }


def _compute_file_statistics(name: str, films: dict[str, CachedFilms]) -> FileStatistics:
    own = films[name]
    lines = [
        f"{sha256} {film.fractured}" for sha256, film in zip(own.sha256, own.films, strict=True)
    ]
    return FileStatistics(
        skipped=own.skipped,
        distinct=len(np.unique(own.sha256)),
        shared={
            other: int(np.isin(own.sha256, films[other].sha256).sum())
            for other in films
            if other != name
        },
        height=_side_lengths(own.shapes[:, 0]),
        width=_side_lengths(own.shapes[:, 1]),
        sha256=hashlib.sha256("\n".join(lines).encode()).hexdigest(),
    )


def _side_lengths(lengths: NDArray[np.int32]) -> SideLengths:
    return SideLengths(
        smallest_px=int(lengths.min()),
        median_px=float(np.median(lengths)),
        largest_px=int(lengths.max()),
    )
