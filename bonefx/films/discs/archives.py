"""List and unpack the members of zip archives in memory, within limits.

Nothing is unpacked to a disk, so that the name of a member is never used as a path.
"""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bonefx.errors import UnreadableRadiographError
from bonefx.films.discs.film_files import START_BYTES
from bonefx.films.discs.member_names import (
    ENTRY_START,
    LOCAL_BYTES,
    LOCAL_START,
    decode_names,
    without_wrong_flag,
    without_wrong_flags,
)
from bonefx.films.limits import MAX_MEGAPIXELS

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
class Member:
    """A file in an archive.

    Attributes:
        index: Its place in the archive's list.
        name: Its path in the archive; not safe as a path.
        start: Its first START_BYTES; None if they cannot be unpacked.
    """

    index: int
    name: str
    start: bytes | None


def list_members(source: Path | io.FileIO) -> list[Member]:
    """List the files of an archive, in its order.

    Args:
        source: The archive's path, or the opened file, which is closed.

    Raises:
        UnreadableRadiographError: It is damaged, or has more or larger members than films would.
    """
    with _opened(source) as (archive, packed_bytes):
        members = archive.infolist()
        _check_sizes(members, packed_bytes)
        return [
            Member(index=i, name=name or f"unnamed {i + 1}", start=_start_of(archive, member))
            for i, (name, member) in enumerate(zip(decode_names(members), members, strict=True))
            if not name.endswith("/")
        ]


def _start_of(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes | None:
    try:
        with _errors_as_sentences(), _unpacked(archive, member) as stream:
            return stream.read(START_BYTES)
    except UnreadableRadiographError:
        return None


@contextmanager
def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
    if member.flag_bits & ENCRYPTED:
        raise UnreadableRadiographError(
            "the file is locked with a password; unpack the archive and give the film itself"
        )
    if member.compress_type not in ZIP_METHODS:
        raise _packed_otherwise()
    with archive.open(member) as stream:
        yield stream


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


def member_bytes(source: Path | io.FileIO, index: int) -> bytes:
    """Unpack one member, up to the largest size of a film.

    Args:
        source: The archive's path, or the opened file, which is closed.
        index: From Member.

    Raises:
        UnreadableRadiographError: It is damaged, locked, too large, packed in a way that is not
            supported, or an archive itself.
    """
    with (
        _opened(source) as (archive, _),
        _unpacked(archive, archive.infolist()[index]) as stream,
    ):
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
    """A file with a limit for one read, because zipfile reads the list of members in one piece.

    Names with a wrong UTF-8 flag, which zipfile refuses, are read as if they had none.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        requested = MAX_DIRECTORY_BYTES + 1 if size is None or size < 0 else size
        data = super().read(min(requested, MAX_DIRECTORY_BYTES + 1))
        if len(data) > MAX_DIRECTORY_BYTES:
            raise _too_many()
        if len(data) == LOCAL_BYTES and data.startswith(LOCAL_START):
            name = super().read(int.from_bytes(data[26:28], "little"))
            self.seek(-len(name), io.SEEK_CUR)
            return without_wrong_flag(data, name)
        return without_wrong_flags(data) if data.startswith(ENTRY_START) else data


@contextmanager
def _opened(source: Path | io.FileIO) -> Iterator[tuple[zipfile.ZipFile, int]]:
    """Yield an archive and its size in bytes."""
    with _errors_as_sentences():
        file = io.FileIO(source) if isinstance(source, Path) else source
        with _Bounded(file) as bounded, zipfile.ZipFile(bounded) as archive:
            yield archive, os.fstat(file.fileno()).st_size


@contextmanager
def _errors_as_sentences() -> Iterator[None]:
    """Convert every error of an archive to an UnreadableRadiographError."""
    try:
        yield
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
