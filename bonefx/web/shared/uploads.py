"""Take uploads, and open films from them, from worklists and examples.

An upload is deleted with its folder once it is read. gradio names the folder of an upload after its
content: two users who send the same file would get the same path, and reading the one would delete
the other. It also accepts the path of any folder inside its upload folder in place of a file, so
that a client could hand over the uploads of everybody else. Here nobody can guess the name of an
upload, and a file chooser accepts nothing but uploads.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import route_utils
from gradio.data_classes import FileData, ListFiles
from gradio.utils import get_upload_folder

from bonefx.errors import DamagedRadiographError, UnreadableRadiographError
from bonefx.films.decoding.pool import decode_film, decode_study
from bonefx.films.patient_ids import StudyHeader
from bonefx.films.sources import FilmSource
from bonefx.records import Radiograph
from bonefx.web.service.upload_lifetime import note_arriving
from bonefx.web.shared.viewer import new_opening

MAX_UPLOAD_MB = 128
UPLOAD_FAILURES = {  # by HTTP status; "refused" by the page itself, "" for all other causes
    "refused": f"The file was not sent. Choose one film at a time, of at most {MAX_UPLOAD_MB} MB.",
    "413": "A proxy server in front of bonefx refuses files of this size. Choose a smaller file, "
    f"or ask its administrator to allow {MAX_UPLOAD_MB} MB.",
    "401": "The file was refused because you are no longer logged in. Load this page again.",
    "403": "The file was refused because this page has another address than bonefx. Ask the "
    "administrator to set BONEFX_ALLOWED_HOSTS.",
    "408": "The file did not arrive: nothing of it came for a minute. Choose it again.",
    "503": "bonefx is stopping and takes no new films. Choose the file again in a minute.",
    "": "The file did not arrive: the connection broke, or a proxy server refused it. Choose it "
    "again.",
}
NOT_AN_UPLOAD = "The film did not arrive; choose it again."
SECRET_BYTES = 32
WHY_JS = "(why, ...others) => [document.documentElement.dataset.notSent, ...others]"


def upload_failure_text(why: str | None) -> str:
    """Return why an upload failed, by a key of UPLOAD_FAILURES or another HTTP status."""
    return UPLOAD_FAILURES.get(why or "", UPLOAD_FAILURES[""])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds an array
class OpenedFilm:
    """A film, and what a DICOM report of it needs.

    Attributes:
        film: The film, without patient data.
        study: Identifiers of a DICOM film, kept in memory only; otherwise why there are none.
        damage: Why the file counts as damaged, where a part of the film could be decoded anyway;
            empty for every other film.
        opening: Name of this opening; the same file that is opened again gets another one.
    """

    film: Radiograph
    study: StudyHeader | str
    damage: str = ""
    opening: str = field(default_factory=new_opening)

    @property
    def nbytes(self) -> int:
        """Bytes of the film in memory."""
        return self.film.nbytes


def read_and_delete(path: str | None, *, salvage: bool = False) -> Radiograph:
    """Read an upload and delete its file; gradio passes only paths in its own upload folder.

    Args:
        path: Of the upload; None if it did not arrive.
        salvage: See formats.read_bytes.

    Raises:
        UnreadableRadiographError: The file did not arrive, or is not a film that can be read.
    """
    with _deleted_afterwards(path) as file:
        return decode_film(file, salvage=salvage)


def open_and_delete(path: str | None) -> OpenedFilm:
    """Read an upload with its identifiers and delete its file; see read_and_delete.

    A damaged film is decoded as far as possible, and names its damage.
    """
    with _deleted_afterwards(path) as file:
        return _opened(partial(decode_film, file), partial(decode_study, file))


def open_source(source: FilmSource) -> OpenedFilm:
    """Read a film of a worklist; the list keeps its file.

    Raises:
        UnreadableRadiographError: The file is gone, or is not a film that can be read.
    """
    return _opened(source.read, source.study)


def open_example(path: Path) -> OpenedFilm:
    """Read an example film."""
    return _opened(partial(decode_film, path), partial(decode_study, path))


@contextmanager
def _deleted_afterwards(path: str | None) -> Iterator[Path]:
    """Yield the file of an upload, and delete it in every case."""
    if path is None:
        raise UnreadableRadiographError("the film did not arrive; choose it again")
    try:
        yield Path(path)
    finally:
        delete_upload(Path(path))


def delete_upload(path: Path) -> None:
    """Delete the file of an upload, if it is still there, and the folder that held it alone."""
    path.unlink(missing_ok=True)
    if path.parent.parent.resolve() == Path(get_upload_folder()).resolve():
        with suppress(OSError):  # gone, or another file is in it
            path.parent.rmdir()


def _opened(read: Callable[..., Radiograph], study: Callable[[], StudyHeader]) -> OpenedFilm:
    try:
        return _with_study(read(), study)
    except DamagedRadiographError as error:
        return replace(_with_study(read(salvage=True), study), damage=str(error))


def _with_study(film: Radiograph, study: Callable[[], StudyHeader]) -> OpenedFilm:
    if film.file_format != "DICOM":
        return OpenedFilm(
            film=film,
            study=f"a DICOM report needs a DICOM film, and this one is {film.file_format}; "
            "use the PDF report",
        )
    try:
        return OpenedFilm(film=film, study=study())
    except UnreadableRadiographError as error:
        return OpenedFilm(film=film, study=str(error))


def is_upload(path: Path) -> bool:
    """Return whether a path is that of a regular file which was uploaded to this app."""
    whole, uploads = path.resolve(), Path(get_upload_folder()).resolve()
    return whole.parent.parent == uploads and whole.is_file() and not path.is_symlink()


class _PrivateUploadFile(route_utils.GradioUploadFile):
    """An upload whose folder is named after a secret, too, and that is deleted if it breaks off."""

    def __init__(self, file: Any, **settings: Any) -> None:
        super().__init__(file, **settings)
        self.sha.update(secrets.token_bytes(SECRET_BYTES))
        note_arriving(Path(file.name))


def protect_uploads() -> None:
    """Give uploads names that nobody can guess, and let file choosers accept nothing else."""
    route_utils.GradioUploadFile = _PrivateUploadFile  # type: ignore[misc]
    gr.File.preprocess = _preprocess_uploads  # type: ignore[method-assign, assignment]


def _preprocess_uploads(chooser: gr.File, payload: ListFiles | FileData | None) -> Any:
    """Return the paths of uploads; unlike gradio's own method this leaves no empty files.

    Raises:
        gr.Error: A path is not that of an upload.
    """
    files = [payload] if isinstance(payload, FileData) else payload or []
    paths = [file.path for file in files]
    if not all(is_upload(Path(path)) for path in paths):
        raise gr.Error(NOT_AN_UPLOAD, print_exception=False)
    if chooser.file_count == "single":
        return paths[0] if paths else None
    return paths or None
