"""Divide the files that are not read yet into shards."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from bonefx.archive.records import ArchiveFile, Partition, Shard

SHARD_BYTES = 4_000_000_000


def plan_shards(
    files: Iterable[ArchiveFile], *, partition: Partition, shard_files: int
) -> list[Shard]:
    """Divide files into shards.

    Args:
        files: Files to read.
        partition: With FOLDER, a shard holds files of one folder only.
        shard_files: Files of one shard at most, >= 1; fewer if they are large.
    """
    groups: dict[str, list[ArchiveFile]] = defaultdict(list)
    for file in files:
        groups[file.folder if partition is Partition.FOLDER else ""].append(file)
    return [
        Shard(id=_id_of(part), folder=folder, files=tuple(part))
        for folder, group in groups.items()
        for part in _parts(group, shard_files)
    ]


def _parts(files: Sequence[ArchiveFile], shard_files: int) -> Iterator[list[ArchiveFile]]:
    part: list[ArchiveFile] = []
    size_bytes = 0
    for file in files:
        if part and (len(part) == shard_files or size_bytes + file.size_bytes > SHARD_BYTES):
            yield part
            part, size_bytes = [], 0
        part.append(file)
        size_bytes += file.size_bytes
    if part:
        yield part


def _id_of(files: Iterable[ArchiveFile]) -> str:
    """Return an id that the same files have in every run."""
    digest = hashlib.sha256()
    for file in files:
        text = f"{file.url}\0{file.size_bytes}\0{file.stamp}\0"
        digest.update(text.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:24]
