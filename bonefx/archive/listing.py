"""List the files of the sources, without opening them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from bonefx.archive.records import ArchiveFile
from bonefx.archive.stores import Place, find_place, sentences
from bonefx.errors import SettingsError
from bonefx.films.discs.film_files import is_hidden

STAMPS = ("ETag", "etag", "md5Hash", "LastModified", "last_modified", "updated", "created")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Files of the sources.

    Attributes:
        files: In order, each once.
        left_out: Number of hidden files.
        not_listed: Number of folders that could not be listed, and of files whose size the
            system did not tell.
    """

    files: tuple[ArchiveFile, ...]
    left_out: int
    not_listed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A file of a source: its path, and the path in the source; empty for the source itself."""

    path: str
    inside: str
    size_bytes: int
    stamp: str


def list_files(sources: Sequence[str]) -> Listing:
    """List the files of folders, archives, single files and object stores.

    Args:
        sources: Paths and URLs.

    Raises:
        SettingsError: There is no such source, or its store is not known or does not answer.
    """
    files: dict[str, ArchiveFile] = {}
    not_listed: list[OSError] = []
    left_out = 0
    for number, source in enumerate(sources, start=1):
        what = f"source {number} of {len(sources)}"
        place = find_place(source)
        with sentences(what):
            _check_exists(place, what)
            entries = _entries(place, not_listed)
            for entry in entries:
                if is_hidden(PurePosixPath(entry.inside)):
                    left_out += 1
                    continue
                file = _file(source, place, entry)
                files.setdefault(file.url, file)
    return Listing(files=tuple(files.values()), left_out=left_out, not_listed=len(not_listed))


def _check_exists(place: Place, what: str) -> None:
    if not place.filesystem.exists(place.path):
        raise SettingsError(f"{what} does not exist; check its name and folder")


def _file(source: str, place: Place, entry: _Entry) -> ArchiveFile:
    inside = PurePosixPath(entry.inside)
    return ArchiveFile(
        source=source,
        path=entry.path,
        url=_as_text(place.filesystem.unstrip_protocol(entry.path)),
        name=f"{source.rstrip('/')}/{entry.inside}" if entry.inside else source,
        folder=inside.parts[0] if len(inside.parts) > 1 else "",
        size_bytes=entry.size_bytes,
        stamp=entry.stamp,
        chosen=not entry.inside,
    )


def _as_text(name: str) -> str:
    """Escape bytes of a name that are no UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode()


def _entries(place: Place, not_listed: list[OSError]) -> Iterable[_Entry]:
    if place.local:
        return _local_entries(Path(place.path), not_listed)
    place.filesystem.invalidate_cache()
    return _remote_entries(place)


def _remote_entries(place: Place) -> Iterator[_Entry]:
    root = f"{place.path.rstrip('/')}/"
    for path, info in sorted(place.filesystem.find(place.path, detail=True).items()):
        inside = "" if path == place.path else path.removeprefix(root)
        yield _Entry(path=path, inside=inside, size_bytes=info.get("size") or 0, stamp=_stamp(info))


def _stamp(info: dict[str, Any]) -> str:
    return next((str(info[name]) for name in STAMPS if info.get(name)), "")


def _local_entries(root: Path, not_listed: list[OSError]) -> Iterator[_Entry]:
    """List a folder of this machine; links to files are followed, links to folders are not."""
    if not root.is_dir():
        yield _local_entry(root, "", root.stat())
        return
    for folder, folders, names in os.walk(root, onerror=not_listed.append):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            try:
                status = path.stat()
            except FileNotFoundError:  # a broken link, or removed since
                continue
            except OSError as error:  # a circle of links, or a folder whose files nobody may see
                not_listed.append(error)
                continue
            if stat.S_ISREG(status.st_mode):
                yield _local_entry(path, path.relative_to(root).as_posix(), status)


def _local_entry(path: Path, inside: str, status: os.stat_result) -> _Entry:
    return _Entry(
        path=str(path), inside=inside, size_bytes=status.st_size, stamp=str(status.st_mtime_ns)
    )
