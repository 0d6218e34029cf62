"""Decode spoilt files in decoding processes, and tell what became of each."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bonefx.errors import BonefxError
from bonefx.films.decoding.outcomes import Failed, Outcome, PackedFilms, Refused
from bonefx.films.decoding.pool import DecodingPool
from bonefx.films.decoding.refusals import decoder_ended
from bonefx.films.decoding.requests import Request, Task
from bonefx.films.patient_ids import StudyHeader
from bonefx.records import Radiograph
from tests.fixtures.dicom_files import SECRET_PATIENT
from tests.fuzz.files import make_file

PROCESSES = 2
GOOD = ("film", "sentence", "identifiers", "list")
TASKS = {"archive": (Task.ARCHIVE,), "header": (Task.FILM, Task.STUDY)}


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of a file.

    Attributes:
        number: Of the file.
        family: Of tests.fuzz.files.FAMILIES.
        kind: One of GOOD, or what is wrong.
        detail: Message, or where bonefx failed.
        content: The file.
    """

    number: int
    family: str
    kind: str
    detail: str
    content: bytes


def decode_files(seed: int, files: int) -> Iterator[Result]:
    """Decode the first files of a seed; their results come in order."""
    pool = DecodingPool(PROCESSES)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="bonefx-") as folder,
            ThreadPoolExecutor(PROCESSES) as threads,
        ):
            for first in range(0, files, 100):  # so that few files wait in memory
                numbers = range(first, min(first + 100, files))
                for results in threads.map(
                    lambda number: _decode(pool, Path(folder), seed, number), numbers
                ):
                    yield from results
    finally:
        pool.close()


def _decode(pool: DecodingPool, folder: Path, seed: int, number: int) -> list[Result]:
    family, content = make_file(seed, number)
    path = folder / str(number)
    path.write_bytes(content)
    results = []
    for task in TASKS.get(family, (Task.FILM,)):
        try:
            outcome: Outcome | BonefxError = pool.ask(Request(task=task), path)
        except BonefxError as error:
            outcome = error
        kind, detail = _kind(outcome)
        results.append(
            Result(number=number, family=family, kind=kind, detail=detail, content=content)
        )
    path.unlink()
    return results


def _kind(outcome: Outcome | BonefxError) -> tuple[str, str]:
    """Return the kind of an outcome, and what there is to say of it."""
    match outcome:
        case Radiograph():
            pixels = outcome.pixels
            sound = np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1
            return ("film" if sound else "unsound film"), ""
        case StudyHeader():
            return "identifiers", ""
        case PackedFilms():
            return "list", ""
        case Failed():
            return "fault", f"{outcome.error} {outcome.trace[-1:]}"
        case Refused():
            return _kind_of_sentence(outcome.message), outcome.message
        case _:
            return _kind_of_sentence(str(outcome)), str(outcome)


def _kind_of_sentence(message: str) -> str:
    if message == str(decoder_ended()):
        return "ended process"
    if SECRET_PATIENT in message or "; " not in message:
        return "unfit sentence"  # it names the patient, or does not say what to do
    return "sentence"
