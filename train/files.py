"""Atomic file writing: a file is complete or absent."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from bonefx.errors import RecipeError


def write_atomically(path: Path, write: Callable[[Path], Any], *, option: str = "--out") -> None:
    """Write a file under a temporary name, flush it to disk, and rename it.

    Args:
        path: Final path; its folder is created.
        write: Function that writes the file to a given path.
        option: Command-line option that sets the folder; named in the error message.

    Raises:
        RecipeError: The disk is full or the folder is not writable.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        _flush(part)
        part.replace(path)
    except (OSError, RuntimeError, SafetensorError) as error:
        part.unlink(missing_ok=True)
        if not _is_failed_write(error):
            raise
        reason = getattr(error, "strerror", None) or "writing was interrupted"
        raise RecipeError(
            f"{path.name} could not be written ({reason}); free some disk space or choose another "
            f"{option}"
        ) from error


def _flush(path: Path) -> None:
    """Flush a file to disk before the rename, so that a power failure keeps the old file."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _is_failed_write(error: Exception) -> bool:
    """Whether an error is a failed write; torch.save reports a full disk as a RuntimeError."""
    return not isinstance(error, RuntimeError) or "inline_container" in str(error)
