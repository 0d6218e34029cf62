"""What becomes of a file that is decoded, and its form on the way between two processes.

An answer is a line of JSON and the bytes of its pictures. Nothing is unpickled, because a decoding
process that a file has taken over must not gain the process that asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, make_dataclass
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from bonefx.errors import DamagedRadiographError, DecodingFaultError, UnreadableRadiographError
from bonefx.films.limits import MAX_MEGAPIXELS
from bonefx.films.patient_ids import StudyHeader, study_from_rows, study_rows
from bonefx.records import Radiograph
from bonefx.schema import dump_record, parse_record

ERRORS = {error.__name__: error for error in (UnreadableRadiographError, DamagedRadiographError)}
PICTURES = ("pixels", "full")  # fields of a Radiograph that hold arrays
MAX_ROUNDED_PIXELS = 50_000  # by which a film may exceed MAX_MEGAPIXELS after rounding its sides
SOURCE = "the answer of a decoding process"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedFilm:
    """A film in an archive.

    Attributes:
        index: Its place in the archive's list.
        name: Its path in the archive; not safe as a path, and it may contain patient data.
    """

    index: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedFilms:
    """The films of an archive, and the number of its other files."""

    films: tuple[PackedFilm, ...]
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A file that is not read.

    Attributes:
        error: Name of the error class, of ERRORS.
        message: What was found and what to do.
    """

    error: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A file on which bonefx itself failed; it holds no value of the file.

    Attributes:
        error: Name of the exception's class.
        trace: Places in the code, the innermost last.
    """

    error: str
    trace: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Study:
    sha256: str
    rows: tuple[tuple[str, str, Any], ...]


Outcome = Radiograph | StudyHeader | PackedFilms | Refused | Failed
Fill = Callable[[memoryview], None]  # fills a buffer with the bytes that follow

_hints = get_type_hints(Radiograph)
FilmFacts: Any = make_dataclass(  # a Radiograph without its pictures
    "FilmFacts",
    [
        (field.name, _hints[field.name])
        if field.default is MISSING
        else (field.name, _hints[field.name], field.default)
        for field in fields(Radiograph)
        if field.name not in PICTURES
    ],
    frozen=True,
    kw_only=True,
)
KINDS: dict[str, Any] = {
    kind.__name__: kind for kind in (FilmFacts, _Study, PackedFilms, Refused, Failed)
}


def pack(outcome: Outcome) -> tuple[bytes, list[memoryview]]:
    """Return an outcome as a line of JSON, and the bytes of the pictures that follow it."""
    pictures: list[NDArray[np.float32]] = []
    full = "none"
    record: Any = outcome
    if isinstance(outcome, Radiograph):
        pictures.append(outcome.pixels)
        if outcome.full is not None:
            full = "same" if outcome.full is outcome.pixels else "own"
        if outcome.full is not None and full == "own":
            pictures.append(outcome.full)
        facts = {field.name: getattr(outcome, field.name) for field in fields(FilmFacts)}
        record = FilmFacts(**facts)
    elif isinstance(outcome, StudyHeader):
        record = _Study(sha256=outcome.sha256, rows=study_rows(outcome))
    header = {
        "kind": type(record).__name__,
        "record": dump_record(record),
        "shape": pictures[0].shape if pictures else None,
        "full": full,
    }
    return json.dumps(header).encode() + b"\n", [bytes_of(one) for one in pictures]


def bytes_of(picture: NDArray[np.float32]) -> memoryview:
    """Return the memory of a picture."""
    return np.ascontiguousarray(picture).data.cast("B")


def unpack(line: bytes, fill: Fill) -> Outcome:
    """Rebuild an outcome from its line of JSON.

    Args:
        line: From pack.
        fill: Fills a buffer with the next bytes after the line.

    Raises:
        ValueError: The line is not of that form, or its picture is larger than a film.
        DecodingFaultError: Its record is not of that form.
    """
    header = json.loads(line)
    record = parse_record(
        KINDS[header["kind"]], header["record"], source=SOURCE, error=DecodingFaultError,
        remedy="report it",
    )  # fmt: skip
    if isinstance(record, _Study):
        return study_from_rows(record.sha256, record.rows)
    if not isinstance(record, FilmFacts):
        outcome: Outcome = record
        return outcome
    height, width = (int(side) for side in header["shape"])
    pixels = _picture(height, width, fill)
    others = {"own": lambda: _picture(height, width, fill), "same": lambda: pixels}
    full = others[header["full"]]() if header["full"] in others else None
    facts: Any = {field.name: getattr(record, field.name) for field in fields(FilmFacts)}
    return Radiograph(pixels=pixels, full=full, **facts)


def _picture(height: int, width: int, fill: Fill) -> NDArray[np.float32]:
    if min(height, width) < 1 or height * width > MAX_MEGAPIXELS * 1e6 + MAX_ROUNDED_PIXELS:
        raise ValueError("the picture is larger than a film")
    picture = np.empty((height, width), np.float32)
    fill(bytes_of(picture))
    return picture
