"""Open the file of a film."""

from __future__ import annotations

import io
import os
from pathlib import Path

from bonefx.errors import UnreadableRadiographError


def open_film_file(path: str | os.PathLike[str]) -> io.FileIO:
    """Open a file for reading, without buffers.

    Raises:
        UnreadableRadiographError: There is no such file, or it cannot be opened; the message has no
            path.
    """
    file = Path(path)
    if file.is_dir():
        raise UnreadableRadiographError("found a folder; choose a file in it")
    if not file.is_file():
        raise UnreadableRadiographError("there is no such file; check its name and folder")
    try:
        return io.FileIO(file)
    except OSError as error:
        raise cannot_be_opened(error) from None  # the cause holds the path


def read_film_file(path: str | os.PathLike[str]) -> bytes:
    """Return the content of a file; see open_film_file."""
    with open_film_file(path) as file:
        try:
            return file.readall()
        except OSError as error:
            raise cannot_be_opened(error) from None


def cannot_be_opened(error: OSError) -> UnreadableRadiographError:
    """Return the error for a file that the system does not let us read."""
    reason = error.strerror or "unknown reason"
    return UnreadableRadiographError(
        f"the file cannot be opened ({reason}); check that you may read it"
    )
