"""Find the films among files, folders and zip archives, and read them one by one.

Files are decoded and archives unpacked outside of this process; see films/decoding/pool.py.

Files that are given one by one are always taken. In folders and archives other files are left out
and counted; discs/film_files.py has the rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

from bonefx.errors import UnreadableRadiographError
from bonefx.films.decoding.pool import decode_film, decode_list, decode_study
from bonefx.films.discs.archives import ARCHIVE_STARTS
from bonefx.films.discs.film_files import START_BYTES, is_hidden, is_program, may_be_film
from bonefx.films.discs.member_names import printable_name
from bonefx.films.patient_ids import StudyHeader
from bonefx.records import Radiograph


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmSource:
    """One film of a list, before it is read.

    Attributes:
        name: Name for the user who gave the film; it may contain patient data.
        path: File of the film, or of its archive.
        member: Index in the archive; None if the file itself is the film.
        fault: Why the film cannot be read, if that is known before reading; None if not.
    """

    name: str
    path: Path
    member: int | None = None
    fault: str | None = None

    @property
    def location(self) -> str:
        """Path of the film; that of its archive and its name in it if it is a member."""
        return str(self.path) if self.member is None else self.name

    def read(self, *, salvage: bool = False) -> Radiograph:
        """Read the film.

        Args:
            salvage: See formats.read_bytes.

        Raises:
            UnreadableRadiographError: See decode_film; the message has no file name.
        """
        if self.fault is not None:
            raise UnreadableRadiographError(self.fault)
        return decode_film(self.path, member=self.member, salvage=salvage)

    def study(self) -> StudyHeader:
        """Read the identifiers that a DICOM report needs.

        Raises:
            UnreadableRadiographError: See patient_ids.read_study_header.
        """
        return decode_study(self.path, member=self.member)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFilms:
    """The films that were found, and the number of files that were left out."""

    films: tuple[FilmSource, ...]
    left_out: int = 0


LEFT_OUT = FoundFilms(films=(), left_out=1)


def find_films(places: Iterable[tuple[str, Path]], *, listed: bool = False) -> FoundFilms:
    """Find the films among files, folders and archives, in order.

    Args:
        places: Name and path of each file or folder.
        listed: Whether the files are all those of a folder, of which others than films are left
            out; if not, a user chose each of them, and each is a film.

    Returns:
        The films, and the number of files that were left out.
    """
    parts = [_at(name, path, listed=listed) for name, path in places]
    films = tuple(film for part in parts for film in part.films)
    return FoundFilms(films=films, left_out=sum(part.left_out for part in parts))


def film_or_error(source: FilmSource, *, salvage: bool = False) -> Radiograph | str:
    """Read a film of a list; return the error message if it cannot be read."""
    try:
        return source.read(salvage=salvage)
    except UnreadableRadiographError as error:
        return str(error)


def _at(name: str, path: Path, *, listed: bool) -> FoundFilms:
    if path.is_dir():
        return _in_folder(name, path)
    start = _start_of(path)
    archive = start is not None and start.startswith(ARCHIVE_STARTS)
    if archive and not (listed and is_program(PurePath(name), start or b"")):
        return _in_archive(name, path, listed=listed)
    if listed and start is not None and not may_be_film(PurePath(PurePath(name).name), start):
        return LEFT_OUT
    return FoundFilms(films=(FilmSource(name=printable_name(name), path=path),))


def _in_folder(name: str, folder: Path) -> FoundFilms:
    files = sorted(entry for entry in folder.rglob("*") if entry.is_file())
    inside = [entry.relative_to(folder) for entry in files]
    shown = [entry for entry in inside if not is_hidden(entry)]
    found = find_films(((str(Path(name) / entry), folder / entry) for entry in shown), listed=True)
    return FoundFilms(films=found.films, left_out=found.left_out + len(inside) - len(shown))


def _start_of(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(START_BYTES)
    except OSError:
        return None  # reading it as a film gives the reason


def _in_archive(name: str, path: Path, *, listed: bool) -> FoundFilms:
    def failed(fault: str) -> FilmSource:
        return FilmSource(name=printable_name(name), path=path, fault=fault)

    try:
        packed = decode_list(path)
    except UnreadableRadiographError as error:
        return FoundFilms(films=(failed(str(error)),))
    films = tuple(
        FilmSource(name=printable_name(f"{name}/{film.name}"), path=path, member=film.index)
        for film in packed.films
    )
    left_out = packed.left_out
    if films:
        return FoundFilms(films=films, left_out=left_out)
    if listed:
        return LEFT_OUT
    fault = "the archive holds no film; use one with films in it"
    return FoundFilms(films=(failed(fault),), left_out=left_out)
