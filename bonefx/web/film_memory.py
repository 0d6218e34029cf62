"""The films that all sessions keep, within a limit of memory.

A session's state holds a KeptRecord in the place of a record with a film. Handlers get the record
itself, or None once it was put away, which they treat as a film that is gone; see gone_film.py.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, runtime_checkable

DEFAULT_MB = 1000


@runtime_checkable
class FilmRecord(Protocol):
    """A record with a film, which a session keeps."""

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in memory."""

    @property
    def opening(self) -> str:
        """Name of the opening of its film; see viewer.new_opening."""


class KeptRecord:
    """A record in the state of a session, until the session drops it or the memory needs room."""

    def __init__(self, record: FilmRecord) -> None:
        self.record: FilmRecord | None = record
        self.nbytes = record.nbytes


class FilmMemory:
    """Keeps records within a limit; those that were unused for longest are put away first.

    Attributes:
        limit_bytes: Limit of their sum. The record used last is kept in any case.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._kept: list[weakref.ref[KeptRecord]] = []  # the one used last comes last

    def keep(self, record: FilmRecord) -> KeptRecord:
        """Keep a record as long as the result lives, and put others away if there is no room."""
        kept = KeptRecord(record)
        with self._lock:
            living = [one for one in self._living() if one.record is not None]
            room = self.limit_bytes - kept.nbytes
            for other in reversed(living):
                if other.record is None or other.record.opening == record.opening:
                    continue  # the same film, which the session replaces by this record
                room -= other.nbytes
                if room < 0:
                    other.record = None
            self._kept = [weakref.ref(one) for one in (*living, kept) if one.record is not None]
        return kept

    def use(self, kept: KeptRecord) -> FilmRecord | None:
        """Return a kept record, which counts as used now; None if it was put away."""
        with self._lock:
            others = [one for one in self._living() if one is not kept]
            self._kept = [weakref.ref(one) for one in (*others, kept)]
            return kept.record

    def _living(self) -> list[KeptRecord]:
        return [one for one in (reference() for reference in self._kept) if one is not None]


film_memory = FilmMemory(DEFAULT_MB * 10**6)  # of all sessions


def with_films(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a handler so that it gets records in the place of what the sessions keep of them."""

    @wraps(handler)
    def wrapped(*values: Any) -> Any:
        return handler(*(
            film_memory.use(value) if isinstance(value, KeptRecord) else value for value in values
        ))  # fmt: skip

    return wrapped


def kept(value: Any) -> Any:
    """Return what a session keeps of a value: of a record with a film a KeptRecord."""
    return film_memory.keep(value) if isinstance(value, FilmRecord) else value
