"""Files that are whole or not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bonefx.errors import RecipeError


def write_atomically(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file beside its place and move it there once it is whole.

    Args:
        path: Where the file shall lie; its folder is made.
        write: Writes the file at the path that it is given.

    Raises:
        RecipeError: The disk is full or the folder may not be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise RecipeError(
            f"{path.name} could not be written ({error.strerror}); free some disk space or choose "
            "another --out"
        ) from error
