"""Reports on their way to a PACS: sent in order, again where the PACS is away, for a limited time.

They are kept in memory only. What could not be delivered is counted and logged by the number of its
film, so that nobody takes silence for a report.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bonefx.pacs.sender import Sent

MOST_FILMS, MOST_BYTES = 50, 500_000_000  # whose reports wait, and of the reports
PATIENCE_S = 600.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
STOPPING_PAUSE_S = 1.0
Send = Callable[[Sequence[bytes]], list[Sent]]
logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True, eq=False)
class _Parcel:
    """Reports of one film that are not delivered yet."""

    film: int
    objects: list[bytes]
    deadline_s: float


class Outbox:
    """Sends reports from a thread of its own.

    Attributes:
        delivered: Objects that the PACS has stored.
        undelivered: Objects that it refused, or did not take in time.
    """

    def __init__(
        self,
        send: Send,
        *,
        most_films: int = MOST_FILMS,
        most_bytes: int = MOST_BYTES,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.delivered = 0
        self.undelivered = 0
        self._send = send
        self._most_films, self._most_bytes = most_films, most_bytes
        self._patience_s = patience_s
        self._clock = clock
        self._parcels: deque[_Parcel] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._away = False
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    @property
    def is_full(self) -> bool:
        """Whether the reports of as many films wait as may, or as many bytes."""
        with self._changed:
            waiting = sum(len(one) for parcel in self._parcels for one in parcel.objects)
            return len(self._parcels) >= self._most_films or waiting >= self._most_bytes

    def start(self) -> None:
        """Start to send."""
        self._thread.start()

    def put(self, film: int, objects: Sequence[bytes]) -> None:
        """Take the reports of a film; the caller has asked is_full before it read the film.

        Args:
            film: Number of the film in this run, for the log.
            objects: Contents of DICOM files; nothing happens if there are none.
        """
        if objects:
            deadline_s = self._clock() + self._patience_s
            with self._changed:
                self._parcels.append(
                    _Parcel(film=film, objects=list(objects), deadline_s=deadline_s)
                )
                self._changed.notify_all()

    def finish(self, limit_s: float) -> None:
        """Send what waits for a limited time, then count the rest as not delivered.

        Args:
            limit_s: Longest time, seconds; >= 0.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._parcels, timeout=limit_s)
            left = list(self._parcels)
            self._parcels.clear()  # so that an answer that comes later is not counted, too
            self._changed.notify_all()
        for parcel in left:
            self._lose(parcel, len(parcel.objects), "bonefx was stopped")

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while (parcel := self._first()) is not None:
            if self._attempt(parcel):
                self._remove(parcel)
                pause_s = FIRST_PAUSE_S
            else:
                pause_s = self._pause(pause_s)

    def _first(self) -> _Parcel | None:
        """Wait for reports; None once the outbox has finished."""
        with self._changed:
            self._changed.wait_for(lambda: self._parcels or self._stopping)
            return self._parcels[0] if self._parcels else None

    def _attempt(self, parcel: _Parcel) -> bool:
        """Send what is left of a parcel once; return whether nothing more can be done for it."""
        try:
            results = self._send(parcel.objects)
        except Exception:
            logger.exception("bonefx failed to send the reports of film %d", parcel.film)
            results = [Sent.REFUSED] * len(parcel.objects)
        with self._changed:
            if parcel not in self._parcels:  # given up meanwhile
                return True
            self.delivered += results.count(Sent.STORED)
        if self._away and Sent.STORED in results:
            logger.warning("the PACS takes reports again")
            self._away = False
        if refused := results.count(Sent.REFUSED):
            self._lose(parcel, refused, "the PACS refused them")
        left = [
            one for one, sent in zip(parcel.objects, results, strict=True) if sent is Sent.LATER
        ]
        parcel.objects = left
        if left and self._clock() >= parcel.deadline_s:
            self._lose(parcel, len(left), f"the PACS did not take them for {self._patience_s:g} s")
            return True
        return not left

    def _remove(self, parcel: _Parcel) -> None:
        with self._changed:
            if parcel in self._parcels:
                self._parcels.remove(parcel)
            self._changed.notify_all()

    def _pause(self, pause_s: float) -> float:
        """Wait before the next attempt, shortly while bonefx stops; return the next pause."""
        if not self._away:
            logger.warning("the PACS does not take reports at the moment; they are sent again")
        self._away = True
        with self._changed:
            if self._stopping:
                self._changed.wait_for(lambda: not self._parcels, timeout=STOPPING_PAUSE_S)
                return STOPPING_PAUSE_S
            self._changed.wait_for(lambda: self._stopping, timeout=pause_s)
            return min(2 * pause_s, LONGEST_PAUSE_S)

    def _lose(self, parcel: _Parcel, objects: int, why: str) -> None:
        with self._changed:
            self.undelivered += objects
        logger.error("%d reports of film %d were not delivered: %s", objects, parcel.film, why)
