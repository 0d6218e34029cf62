"""A film that a user hands over -> Radiograph; its file is gone before anybody sees a verdict."""

from __future__ import annotations

from pathlib import Path

from bonefx import images
from bonefx.errors import UnreadableRadiographError
from bonefx.records import Radiograph


def read_and_delete(path: str | None) -> Radiograph:
    """Read an upload; gradio hands over only paths inside its own upload folder.

    Raises:
        UnreadableRadiographError: It did not arrive, or is no film that we read.
    """
    if path is None:
        raise UnreadableRadiographError("the film did not arrive; choose it again")
    try:
        return images.read(path)
    finally:
        Path(path).unlink(missing_ok=True)
