"""Answer one request about a file: read the film, its identifiers, or the list of an archive.

Runs in a decoding process. This is the one place where every error of a decoder ends: whatever a
file makes a library raise, the answer is a film or a sentence.
"""

from __future__ import annotations

import io
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

from bonefx.errors import UnreadableRadiographError
from bonefx.films import formats
from bonefx.films.decoding.outcomes import (
    Failed,
    Outcome,
    PackedFilm,
    PackedFilms,
)
from bonefx.films.decoding.refusals import refusal, too_much_memory
from bonefx.films.discs.archives import list_members, member_bytes
from bonefx.films.discs.film_files import is_named_as_film, may_be_film
from bonefx.films.discs.member_names import printable_name
from bonefx.films.patient_ids import read_study_header

MAX_FRAMES = 30
OUT_OF_MEMORY = "Insufficient memory"  # in OpenCV's message


class Task(StrEnum):
    """What is wanted of a file."""

    FILM = "film"
    STUDY = "study"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request about one file.

    Attributes:
        task: What is wanted.
        member: Index of the film in its archive; None if the file itself is the film.
        salvage: See formats.read_bytes.
    """

    task: Task
    member: int | None = None
    salvage: bool = False


def perform(
    request: Request, file: io.FileIO, *, before_decoding: Callable[[int], None] | None = None
) -> Outcome:
    """Do what a request asks for.

    Args:
        request: What is wanted.
        file: The opened file; closed afterwards.
        before_decoding: Called with the size of the unpacked film in bytes, before it is decoded.

    Returns:
        The film, identifiers or list; or why there is none.
    """
    try:
        with file:
            return _performed(request, file, before_decoding)
    except MemoryError:
        return refusal(too_much_memory())
    except UnreadableRadiographError as error:
        return refusal(error)
    except Exception as error:  # noqa: BLE001 (damaged data makes libraries raise anything)
        if OUT_OF_MEMORY in str(error):
            return refusal(too_much_memory())
        return failed(error)


def _performed(
    request: Request, file: io.FileIO, before_decoding: Callable[[int], None] | None
) -> Outcome:
    if request.task is Task.ARCHIVE:
        return _films_in(file)
    data = file.readall() if request.member is None else member_bytes(file, request.member)
    if before_decoding is not None:
        before_decoding(len(data))
    if request.task is Task.STUDY:
        return read_study_header(data)
    return formats.read_bytes(data, salvage=request.salvage)


def _films_in(file: io.FileIO) -> PackedFilms:
    members = list_members(file)
    films = tuple(
        PackedFilm(index=member.index, name=printable_name(member.name))
        for member in members
        if _is_film(member.name, member.start)
    )
    return PackedFilms(films=films, left_out=len(members) - len(films))


def _is_film(name: str, start: bytes | None) -> bool:
    inside = PurePosixPath(name)
    return is_named_as_film(inside) if start is None else may_be_film(inside, start)


def failed(error: Exception) -> Failed:
    """Return where an exception was raised, without its message, which may quote the file."""
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    return Failed(
        error=type(error).__name__,
        trace=tuple(f"{frame.filename}, line {frame.lineno}, in {frame.name}" for frame in frames),
    )


def request_table(request: Request) -> dict[str, Any]:
    """Return a request as a dict for JSON."""
    return {"task": request.task, "member": request.member, "salvage": request.salvage}


def parse_request(table: dict[str, Any]) -> Request:
    """Return the request of a dict from request_table."""
    return Request(task=Task(table["task"]), member=table["member"], salvage=bool(table["salvage"]))
