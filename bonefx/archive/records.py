"""Records of an archive run: its settings, its files, its shards and its counts.

Those that are stored or sent to workers are converted by bonefx.schema.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import ConfigDict

from bonefx.records import FilmEdit, Verdict

SCHEMA_VERSION = 2
EXACT = ConfigDict(extra="forbid")


class Partition(StrEnum):
    """How the files of the results are put into folders."""

    SHARD = "shard"  # one folder of shards
    FOLDER = "folder"  # one folder of shards for each top folder of a source


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """What decides the rows of an archive: all runs into one folder share it.

    Attributes:
        schema_version: Of the results.
        bonefx: Version of bonefx.
        model: Id of the model, with its commit if it was downloaded.
        weights_sha256: Checksum of the weights file.
        manifest_sha256: Checksum of the model's manifest, which names calibration, operating
            points and scope.
        point: Name of the operating point.
        inverted: Black and white are swapped before a film is read.
        mirrored: Left and right are swapped.
        quarter_turns: Clockwise turns before a film is read.
        names: "plain", or the checksum of the key with which names are replaced.
        partition: Folders of the results.
    """

    __pydantic_config__ = EXACT

    schema_version: int
    bonefx: str
    model: str
    weights_sha256: str
    manifest_sha256: str
    point: str
    inverted: bool
    mirrored: bool
    quarter_turns: int
    names: str
    partition: Partition

    def edit(self) -> FilmEdit:
        """Return the changes of each film before it is read."""
        return FilmEdit(
            inverted=self.inverted, mirrored=self.mirrored, quarter_turns=self.quarter_turns
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFile:
    """A file of the sources: a film, a zip archive, or another file that will be left out.

    Attributes:
        source: What the user gave: a path or the address of a store.
        path: Of the file in its file system.
        url: Names the file wherever the command runs.
        name: For the user: the source as it was given, and the path in it.
        folder: Top folder of the source that holds it; empty if it lies at the top.
        size_bytes: Size.
        stamp: Entity tag or time of the last change; another stamp is another content.
        chosen: The user gave the file itself, so that it counts as a film.
    """

    source: str
    path: str
    url: str
    name: str
    folder: str
    size_bytes: int
    stamp: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Files that one worker reads, whose rows become one file of the results."""

    id: str
    folder: str
    files: tuple[ArchiveFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedFile:
    """A file whose rows are written; `source` is its URL, or what replaces names."""

    source: str
    size_bytes: int
    stamp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Rows of one shard or of all.

    Attributes:
        films: Rows, those with an error too.
        errors: Rows with an error.
        left_out: Files that are no films.
        verdicts: Rows of each verdict.
    """

    films: int = 0
    errors: int = 0
    left_out: int = 0
    verdicts: dict[Verdict, int] = field(default_factory=dict)


def add_counts(counts: Iterable[Counts]) -> Counts:
    """Add up; every verdict has a number."""
    parts = list(counts)
    return Counts(
        films=sum(part.films for part in parts),
        errors=sum(part.errors for part in parts),
        left_out=sum(part.left_out for part in parts),
        verdicts={
            verdict: sum(part.verdicts.get(verdict, 0) for part in parts) for verdict in Verdict
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardManifest:
    """What a file of the results says about itself."""

    __pydantic_config__ = EXACT

    settings: RunSettings
    counts: Counts
    files: tuple[FinishedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardResult:
    """A worker's answer about one shard.

    Attributes:
        id: Of the shard.
        counts: Of the rows that were written; None if the shard failed.
        not_fetched: Files that their store did not give; they have no row, and are left to the
            next run.
        reading_s: Seconds that the worker needed.
        failure: Why the shard was not read: the place in the code, without values.
        fault: Why no shard can be read, as a sentence.
        exit_code: Of the fault.
    """

    id: str
    counts: Counts | None = None
    not_fetched: int = 0
    reading_s: float = 0.0
    failure: str = ""
    fault: str = ""
    exit_code: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSummary:
    """An archive after a run.

    Attributes:
        model: Id of the model.
        weights_sha256: Checksum of its weights.
        point: Operating point.
        files: Files of the sources.
        films: Rows of the results, of former runs into the same folder too.
        verdicts: Rows of each verdict.
        errors: Rows with an error.
        left_out: Files that are no films.
        not_fetched: Files that their store did not give; the same command reads them.
        not_listed: Folders that could not be listed, and files of which nothing could be learned.
        read_now: Rows that this run wrote.
        workers: Readers that worked side by side.
        elapsed_s: Seconds of this run, with the start of the workers.
        films_per_s: read_now by elapsed_s.
        films_per_s_of_worker: Of one worker, without its start; None if nothing was read.
    """

    model: str
    weights_sha256: str
    point: str
    files: int
    films: int
    verdicts: dict[Verdict, int]
    errors: int
    left_out: int
    not_fetched: int
    not_listed: int
    read_now: int
    workers: int
    elapsed_s: float
    films_per_s: float
    films_per_s_of_worker: float | None
