"""A film that a user hands over -> Radiograph; its file is gone before anybody sees a verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bonefx.errors import UnreadableRadiographError
from bonefx.films import images
from bonefx.films.patient_ids import StudyHeader, read_study_header
from bonefx.films.sources import FilmSource
from bonefx.records import Radiograph

MAX_UPLOAD_MB = 128
FILM_LIFETIME_S = 600  # a session keeps the film on screen for this long
UPLOAD_FAILURES = {  # by what the page or a server on the way answered, in words for the user
    "refused": f"The file was not sent. Choose one film at a time, of at most {MAX_UPLOAD_MB} MB.",
    "413": "A server on the way to bonefx lets no file of this size pass. Choose a smaller one, or "
    f"ask whoever runs that server to let {MAX_UPLOAD_MB} MB pass.",
    "401": "The file was not taken, because you are no longer logged in. Load this page again.",
    "": "The file did not arrive, because the connection broke or a server on the way refused it. "
    "Choose it again.",
}
WHY_JS = "(why, ...others) => [document.documentElement.dataset.notSent, ...others]"


def upload_failure_text(why: str | None) -> str:
    """Say why a file did not get here, by a key of NOT_SENT or another status."""
    return UPLOAD_FAILURES.get(why or "", UPLOAD_FAILURES[""])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds an array
class OpenedFilm:
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
    return open_and_delete(path).film


def open_and_delete(path: str | None) -> OpenedFilm:
    """Read an upload with its identifiers; see read_and_delete."""
    if path is None:
        raise UnreadableRadiographError("the film did not arrive; choose it again")
    try:
        return _taken(images.read_radiograph(path), lambda: read_study_header(path))
    finally:
        Path(path).unlink(missing_ok=True)


def open_source(source: FilmSource) -> OpenedFilm:
    """Read a film of a worklist; its file stays for the list.

    Raises:
        UnreadableRadiographError: It is gone, or no film that we read.
    """
    return _taken(source.read(), source.study)


def open_example(path: Path) -> OpenedFilm:
    """Read an example film."""
    return _taken(images.read_radiograph(path), lambda: read_study_header(path))


def _taken(film: Radiograph, study: Callable[[], StudyHeader]) -> OpenedFilm:
    if film.file_format != "DICOM":
        return OpenedFilm(
            film=film,
            study=f"a DICOM report needs a DICOM film, and this one is {film.file_format}; "
            "take the PDF",
        )
    try:
        return OpenedFilm(film=film, study=study())
    except UnreadableRadiographError as error:
        return OpenedFilm(film=film, study=str(error))
