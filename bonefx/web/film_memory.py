"""The films that all sessions keep, within a limit of memory.

A session's state holds a KeptRecord in the place of a record with a film. Handlers get the record
itself, or None once it was put away, which they treat as a film that is gone; see gone_film.py.
Records that were not used lately are compressed, so that more sessions find room.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial, wraps
from typing import Any, Protocol, runtime_checkable

from bonefx.web.packed_record import PackedRecord, pack

DEFAULT_MB = 1000
OPEN_SHARE = 0.25  # of the limit: the records used last, up to this sum, are not compressed


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
    """A record in the state of a session, until the session drops it or the memory needs room.

    Attributes:
        content: The record, its compressed form, or None once it was put away.
        opening: See FilmRecord.
        uses: How often it was used; tells whether it was used since a given moment.
    """

    def __init__(self, record: FilmRecord) -> None:
        self.content: FilmRecord | PackedRecord | None = record
        self.opening = record.opening
        self.uses = 0

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in memory."""
        return 0 if self.content is None else self.content.nbytes


class FilmMemory:
    """Keeps records within a limit; those that were unused for longest are put away first.

    Attributes:
        limit_bytes: Limit of their sum. The record used last is kept in any case.
    """

    def __init__(
        self, limit_bytes: int, *, later: Callable[[Callable[[], None]], object] | None = None
    ) -> None:
        """Make an empty memory.

        Args:
            limit_bytes: See the class.
            later: Calls a function that compresses a record; None calls it in a thread.
        """
        self.limit_bytes = limit_bytes
        self._later = later or ThreadPoolExecutor(1, thread_name_prefix="film-memory").submit
        self._lock = threading.Lock()
        self._kept: list[weakref.ref[KeptRecord]] = []  # the one used last comes last

    def keep(self, record: FilmRecord) -> KeptRecord:
        """Keep a record as long as the result lives, and put others away if there is no room."""
        kept = KeptRecord(record)
        self._use_last(kept, needs_room=True)
        return kept

    def use(self, kept: KeptRecord) -> FilmRecord | None:
        """Return a kept record, which counts as used now; None if it was put away."""
        content = kept.content
        record = content.unpack() if isinstance(content, PackedRecord) else content
        with self._lock:
            if kept.content is content:  # not put away or unpacked meanwhile
                kept.content = record
        self._use_last(kept, needs_room=record is not content)
        return record

    def _use_last(self, kept: KeptRecord, *, needs_room: bool) -> None:
        """Count a record as used now; put others away, or have them compressed, for its sake."""
        with self._lock:
            kept.uses += 1
            others = [one for one in self._living() if one is not kept]
            if needs_room:
                self._make_room(kept, others)
            self._kept = [weakref.ref(one) for one in (*others, kept) if one.content is not None]
            unused = self._beyond_open_share(kept, others)
        for one in unused:
            self._later(partial(self._compress, weakref.ref(one), one.uses))

    def _make_room(self, kept: KeptRecord, others: list[KeptRecord]) -> None:
        room = self.limit_bytes - kept.nbytes
        for other in reversed(others):
            if other.opening == kept.opening:
                continue  # the same film, which the session replaces by this record
            room -= other.nbytes
            if room < 0:
                other.content = None

    def _beyond_open_share(self, kept: KeptRecord, others: list[KeptRecord]) -> list[KeptRecord]:
        room, found = OPEN_SHARE * self.limit_bytes - kept.nbytes, []
        for other in reversed(others):
            if other.content is None or isinstance(other.content, PackedRecord):
                continue
            room -= other.nbytes
            if room < 0:
                found.append(other)
        return found

    def _compress(self, reference: weakref.ref[KeptRecord], uses: int) -> None:
        """Compress a record, unless its session used or dropped it since."""
        kept = reference()
        if kept is None or kept.uses != uses:
            return
        content = kept.content
        if content is None or isinstance(content, PackedRecord):
            return
        packed = pack(content)
        with self._lock:
            if kept.uses == uses and kept.content is content and packed.nbytes < content.nbytes:
                kept.content = packed

    def _living(self) -> list[KeptRecord]:
        found = (reference() for reference in self._kept)
        return [one for one in found if one is not None and one.content is not None]


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
