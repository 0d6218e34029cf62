"""Files that are whole or not there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from bonefx.errors import RecipeError


def write_atomically(path: Path, write: Callable[[Path], Any], *, option: str = "--out") -> None:
    """Write a file beside its place and move it there once it is whole and on the disk.

    Args:
        path: Where the file shall lie; its folder is made.
        write: Writes the file at the path that it is given.
        option: The option by which a user chooses the folder, for the message.

    Raises:
        RecipeError: The disk is full or the folder may not be written.
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
        reason = getattr(error, "strerror", None) or "the write broke off"
        raise RecipeError(
            f"{path.name} could not be written ({reason}); free some disk space or choose another "
            f"{option}"
        ) from error


def _flush(path: Path) -> None:
    """Have a file on the disk before it takes its name: a power cut leaves the old one whole."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _is_failed_write(error: Exception) -> bool:
    """Tell a full disk from a bug: torch.save reports one as a RuntimeError of its zip writer."""
    return not isinstance(error, RuntimeError) or "inline_container" in str(error)
