"""Give films of object stores a path for as long as they are read.

A copy has no name on the disk, where the system allows that, so that it is gone with the process
that reads it, however that ends.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from bonefx.archive.records import ArchiveFile
from bonefx.archive.stores import Place, find_place

OPEN_FILES = Path("/proc/self/fd")  # of Linux; a name there opens the file behind a descriptor
CHUNK_BYTES = 1_000_000
WITHOUT_REMEDY = (FileNotFoundError, PermissionError, IsADirectoryError)
Fetched = Path | OSError


@contextmanager
def fetched(files: Sequence[ArchiveFile]) -> Iterator[list[Fetched]]:
    """Give each file a path, until the context ends.

    Yields:
        The path of each file in order, or the error of its store.
    """
    with ExitStack() as kept, ThreadPoolExecutor(max(1, len(files))) as pool:
        yield list(pool.map(lambda file: _fetch(file, kept), files))


def is_final(error: OSError) -> bool:
    """Return whether a file is not there or not to be read, instead of not at the moment."""
    return isinstance(error, WITHOUT_REMEDY)


def _fetch(file: ArchiveFile, kept: ExitStack) -> Fetched:
    place = _store_of(file.source)
    try:
        with place.filesystem.open(file.path, "rb") as content:
            if place.local:
                return Path(file.path)
            return _copied(content, kept)
    except OSError as error:
        return error
    except Exception as error:  # noqa: BLE001 (every store has errors of its own)
        return OSError(errno.EIO, type(error).__name__)


@cache
def _store_of(source: str) -> Place:
    return find_place(source)


def _copied(content: Any, kept: ExitStack) -> Path:
    unnamed = OPEN_FILES.is_dir()
    kind: Any = tempfile.TemporaryFile if unnamed else tempfile.NamedTemporaryFile
    copy = kept.enter_context(kind())
    shutil.copyfileobj(content, copy, CHUNK_BYTES)
    copy.flush()
    return OPEN_FILES / str(copy.fileno()) if unnamed else Path(copy.name)
