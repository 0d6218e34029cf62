"""A film that a user hands over -> Radiograph; its file is gone before anybody sees a verdict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bonefx import images
from bonefx.errors import UnreadableRadiographError
from bonefx.records import Radiograph
from bonefx.sources import FilmSource
from bonefx.study import StudyHeader, study_header


class Taken(NamedTuple):
    """A film, and what a DICOM report of it needs.

    Attributes:
        film: Without patient data.
        study: Identifiers of a DICOM film, kept in memory alone; else why there are none.
    """

    film: Radiograph
    study: StudyHeader | str


def read_and_delete(path: str | None) -> Radiograph:
    """Read an upload; gradio hands over only paths inside its own upload folder.

    Raises:
        UnreadableRadiographError: It did not arrive, or is no film that we read.
    """
    return take_and_delete(path).film


def take_and_delete(path: str | None) -> Taken:
    """Read an upload with its identifiers; see read_and_delete."""
    if path is None:
        raise UnreadableRadiographError("the film did not arrive; choose it again")
    try:
        return _taken(images.read(path), lambda: study_header(path))
    finally:
        Path(path).unlink(missing_ok=True)


def take_source(source: FilmSource) -> Taken:
    """Read a film of a worklist; its file stays for the list.

    Raises:
        UnreadableRadiographError: It is gone, or no film that we read.
    """
    return _taken(source.read(), source.study)


def take_example(path: Path) -> Taken:
    """Read an example film."""
    return _taken(images.read(path), lambda: study_header(path))


def _taken(film: Radiograph, study: Callable[[], StudyHeader]) -> Taken:
    if film.file_format != "DICOM":
        return Taken(
            film,
            f"a DICOM report needs a DICOM film, and this one is {film.file_format}; take the PDF",
        )
    try:
        return Taken(film, study())
    except UnreadableRadiographError as error:
        return Taken(film, str(error))
