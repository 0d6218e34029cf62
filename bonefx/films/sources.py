"""Find the films among files, folders and zip archives. Nothing is unpacked to a disk.

A member of an archive is read in memory, so that its name is never used as a path. Files that are
given one by one are always taken; hidden files and documents in folders and archives are left out
and counted.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import IO

from bonefx.errors import UnreadableRadiographError
from bonefx.films import formats
from bonefx.films.limits import MAX_MEGAPIXELS
from bonefx.films.patient_ids import StudyHeader, read_study_header
from bonefx.records import Radiograph

NOT_FILMS = {".csv", ".htm", ".html", ".json", ".md", ".pdf", ".py", ".txt", ".xml"}
NOT_FILM_NAMES = {"DICOMDIR", "Thumbs.db", "desktop.ini", "__MACOSX"}
ARCHIVE_STARTS = (b"PK\x03\x04", b"PK\x05\x06")  # the second is an empty archive
MAX_MEMBERS = 2000
MAX_FILM_BYTES = MAX_MEGAPIXELS * 3_000_000  # the largest film that is read, as RGB
MAX_UNPACKED_BYTES = 16_000_000_000  # of one archive; films are unpacked one by one
MAX_RATIO = 100  # unpacked to packed, of a whole archive; films reach about 10
MAX_DIRECTORY_BYTES = 4_000_000  # an archive's list of members; one name takes about 150
CHUNK_BYTES = 1_000_000
ENCRYPTED = 0x1
# zipfile unpacks other methods without a size limit
ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


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

    def read(self) -> Radiograph:
        """Read the film.

        Raises:
            UnreadableRadiographError: The file is not a supported film; the message has no file
                name.
        """
        if self.fault is not None:
            raise UnreadableRadiographError(self.fault)
        if self.member is None:
            return formats.read(self.path)
        return formats.read_bytes(_member_bytes(self.path, self.member))

    def study(self) -> StudyHeader:
        """Read the identifiers that a DICOM report needs.

        Raises:
            UnreadableRadiographError: See patient_ids.read_study_header.
        """
        if self.member is None:
            return read_study_header(self.path)
        return read_study_header(_member_bytes(self.path, self.member))


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFilms:
    """The films that were found, and the number of files that were left out."""

    films: tuple[FilmSource, ...]
    left_out: int = 0


def find_films(places: Iterable[tuple[str, Path]], *, unpack: bool = True) -> FoundFilms:
    """Find the films among files, folders and archives, in order.

    Args:
        places: Name and path of each file or folder.
        unpack: Whether zip archives are opened; if not, one counts as an unreadable film.

    Returns:
        The films, and the number of files that were left out.
    """
    parts = [_at(name, path, unpack=unpack) for name, path in places]
    films = tuple(film for part in parts for film in part.films)
    return FoundFilms(films=films, left_out=sum(part.left_out for part in parts))


def film_or_error(source: FilmSource) -> Radiograph | str:
    """Read a film of a list; return the error message if it cannot be read."""
    try:
        return source.read()
    except UnreadableRadiographError as error:
        return str(error)


def may_be_film(name: PurePath) -> bool:
    """Return whether a file of a folder or archive may be a film, judged by its relative path."""
    hidden = any(part.startswith(".") and part.strip(".") for part in name.parts)
    other = not NOT_FILM_NAMES.isdisjoint(name.parts)
    return not (hidden or other or name.suffix.lower() in NOT_FILMS)


def _at(name: str, path: Path, *, unpack: bool) -> FoundFilms:
    if path.is_dir():
        return _in_folder(name, path, unpack=unpack)
    if unpack and _is_archive(path):
        return _in_archive(name, path)
    return FoundFilms(films=(FilmSource(name=printable_name(name), path=path),))


def _in_folder(name: str, folder: Path, *, unpack: bool) -> FoundFilms:
    files = sorted(entry for entry in folder.rglob("*") if entry.is_file())
    inside = [entry.relative_to(folder) for entry in files]
    candidates = [entry for entry in inside if may_be_film(entry)]
    found = find_films(
        ((str(Path(name) / entry), folder / entry) for entry in candidates), unpack=unpack
    )
    return FoundFilms(films=found.films, left_out=found.left_out + len(inside) - len(candidates))


def _is_archive(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) in ARCHIVE_STARTS
    except OSError:
        return False  # reading it as a film gives the reason


def _in_archive(name: str, path: Path) -> FoundFilms:
    try:
        with _opened(path) as archive:
            members = archive.infolist()
            _check_sizes(members, path.stat().st_size)
    except UnreadableRadiographError as error:
        return FoundFilms(
            films=(FilmSource(name=printable_name(name), path=path, fault=str(error)),)
        )
    files = [
        (i, member.filename.replace("\\", "/"))  # some archives from Windows
        for i, member in enumerate(members)
        if not member.is_dir()
    ]
    films = tuple(
        FilmSource(name=printable_name(f"{name}/{inside}"), path=path, member=i)
        for i, inside in files
        if may_be_film(PurePosixPath(inside))
    )
    left_out = len(files) - len(films)
    if films:
        return FoundFilms(films=films, left_out=left_out)
    fault = "the archive holds no film; use one with films in it"
    return FoundFilms(
        films=(FilmSource(name=printable_name(name), path=path, fault=fault),), left_out=left_out
    )


def _check_sizes(members: Sequence[zipfile.ZipInfo], packed_bytes: int) -> None:
    """Refuse an archive that unpacks to far more than films would."""
    if len(members) > MAX_MEMBERS:
        raise _too_many()
    unpacked_bytes = sum(member.file_size for member in members)
    if unpacked_bytes > min(MAX_UNPACKED_BYTES, MAX_RATIO * packed_bytes):
        raise UnreadableRadiographError(
            f"the archive unpacks to {unpacked_bytes / 1e6:,.0f} MB, "
            f"{unpacked_bytes / packed_bytes:,.0f} times its size, more than films would; "
            "give the films themselves"
        )


def _member_bytes(path: Path, index: int) -> bytes:
    """Unpack one member in memory, up to the largest size of a film."""
    with _opened(path) as archive:
        member = archive.infolist()[index]
        if member.flag_bits & ENCRYPTED:
            raise UnreadableRadiographError(
                "the file is locked with a password; unpack the archive and give the film itself"
            )
        if member.compress_type not in ZIP_METHODS:
            raise _packed_otherwise()
        with archive.open(member) as stream:
            data = b"".join(_chunks(stream))
    if data[:4] in ARCHIVE_STARTS:
        raise UnreadableRadiographError(
            "found an archive inside an archive; unpack it and give its films"
        )
    return data


def _packed_otherwise() -> UnreadableRadiographError:
    return UnreadableRadiographError(
        "the archive is compressed in a way that is not supported; use a plain zip archive"
    )


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    size = 0
    while chunk := stream.read(CHUNK_BYTES):
        size += len(chunk)
        if size > MAX_FILM_BYTES:
            raise UnreadableRadiographError(
                f"the file has more than {MAX_FILM_BYTES // 1_000_000} MB; use the film alone"
            )
        yield chunk


class _Bounded(io.BufferedReader):
    """A file with a limit for one read, because zipfile reads the list of members in one piece."""

    def read(self, size: int | None = -1, /) -> bytes:
        requested = MAX_DIRECTORY_BYTES + 1 if size is None or size < 0 else size
        data = super().read(min(requested, MAX_DIRECTORY_BYTES + 1))
        if len(data) > MAX_DIRECTORY_BYTES:
            raise _too_many()
        return data


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive; convert every error of it to an UnreadableRadiographError."""
    try:
        with _Bounded(io.FileIO(path)) as file, zipfile.ZipFile(file) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OverflowError):
        raise UnreadableRadiographError(
            "the archive is damaged or incomplete; make or copy it again"
        ) from None
    except (NotImplementedError, RuntimeError):  # raised by zipfile for unsupported archives
        raise _packed_otherwise() from None
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise UnreadableRadiographError(
            f"the archive cannot be opened ({reason}); give it again"
        ) from None


def _too_many() -> UnreadableRadiographError:
    return UnreadableRadiographError(
        f"the archive lists more than {MAX_MEMBERS} files; split it, or give a folder"
    )


def printable_name(name: str) -> str:
    """Replace control and direction characters of a file name, so that it prints as one line."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
