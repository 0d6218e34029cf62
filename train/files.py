"""Atomic file writing, and folders that one process at a time writes into."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from safetensors import SafetensorError

from bonefx.errors import RecipeError

LOCK_FILE = ".lock"
LOCK_WAIT_S = 6.0  # worker processes notice within 5 s that their training was killed


def write_atomically(
    path: Path,
    write: Callable[[Path], Any],
    *,
    option: str = "--out",
    previous: Path | None = None,
) -> None:
    """Write a file under a temporary name, flush it to disk, and rename it.

    Args:
        path: Final path; its folder is created.
        write: Function that writes the file to a given path.
        option: Command-line option that sets the folder; named in the error message.
        previous: New path of the existing file, in the same folder; None replaces it. A process
            that is killed between the two renames leaves this file alone.

    Raises:
        RecipeError: The disk is full or the folder is not writable.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        _flush(part)
        if previous is not None and path.is_file():
            path.replace(previous)
        part.replace(path)
        _flush_folder(path.parent)
    except (OSError, RuntimeError, SafetensorError) as error:
        part.unlink(missing_ok=True)
        if not _is_failed_write(error):
            raise
        reason = getattr(error, "strerror", None) or "writing was interrupted"
        raise RecipeError(
            f"{path.name} could not be written ({reason}); free some disk space or choose another "
            f"{option}"
        ) from error


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, so that one training at a time writes into it.

    The kernel releases the lock when the process ends in any way; the file .lock stays.

    Args:
        folder: Folder of a run; it is created.

    Raises:
        RecipeError: Another process holds the lock, or the folder is not writable.
    """
    lock = FileLock(folder / LOCK_FILE)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=LOCK_WAIT_S)
    except Timeout as error:
        raise RecipeError(
            f"another training runs in {folder.name}; wait until it ends or stop it, or choose "
            "another --out"
        ) from error
    except OSError as error:
        raise RecipeError(
            f"{folder.name} cannot be locked ({error.strerror}); choose another --out"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _flush(path: Path) -> None:
    """Flush a file to disk before the rename, so that a power failure keeps the old file."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Flush the names in a folder, so that a power failure keeps the new file."""
    if os.name != "posix":  # other systems open no folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems without this call
            raise
    finally:
        os.close(descriptor)


def _is_failed_write(error: Exception) -> bool:
    """Whether an error is a failed write; torch.save reports a full disk as a RuntimeError."""
    return not isinstance(error, RuntimeError) or "inline_container" in str(error)
