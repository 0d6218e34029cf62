"""Reports on their way to a PACS: sent in order, again where the PACS is away, for a limited time.

They are kept in memory only. What could not be delivered is counted and logged by the number of its
film, so that nobody takes silence for a report.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bonefx.pacs.sender import Sent

MAX_FILMS, MAX_BYTES = 50, 500_000_000  # whose reports wait, and of the reports
PATIENCE_S = 600.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
STOPPING_PAUSE_S = 1.0
STOPPED = "bonefx was stopped"
Send = Callable[[Sequence[bytes]], list[Sent]]
logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True, eq=False)
class _Delivery:
    """Reports of one film that are not delivered yet."""

    film: int
    objects: dict[int, bytes]  # by their place among those of the film
    deadline_s: float
    on_stored: Callable[[int], None]


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
        max_films: int = MAX_FILMS,
        max_bytes: int = MAX_BYTES,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.delivered = 0
        self.undelivered = 0
        self._send = send
        self._max_films, self._max_bytes = max_films, max_bytes
        self._patience_s = patience_s
        self._clock = clock
        self._deliveries: deque[_Delivery] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._finished = False
        self._pacs_unreachable = False
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    @property
    def is_full(self) -> bool:
        """Whether the reports of as many films wait as may, or as many bytes."""
        with self._changed:
            waiting = sum(
                len(one) for delivery in self._deliveries for one in delivery.objects.values()
            )
            return len(self._deliveries) >= self._max_films or waiting >= self._max_bytes

    def start(self) -> None:
        """Start to send."""
        self._thread.start()

    def put(
        self,
        film: int,
        objects: Sequence[bytes],
        *,
        on_stored: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Take the reports of a film; the caller has asked is_full before it read the film.

        Args:
            film: Number of the film in this run, for the log.
            objects: Contents of DICOM files; nothing happens if there are none.
            on_stored: Called with the place of an object, from 0, once the PACS has stored it; from
                the thread of the outbox.
        """
        if not objects:
            return
        deadline_s = self._clock() + self._patience_s
        delivery = _Delivery(
            film=film, objects=dict(enumerate(objects)), deadline_s=deadline_s, on_stored=on_stored
        )
        with self._changed:
            if self._finished:
                self._count_undelivered(film, len(objects), STOPPED)
                return
            self._deliveries.append(delivery)
            self._changed.notify_all()

    def finish(self, limit_s: float) -> None:
        """Send what waits for a limited time, then count the rest as not delivered.

        Args:
            limit_s: Longest time, seconds; >= 0.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._deliveries, timeout=limit_s)
            self._finished = True
            for delivery in self._deliveries:
                self._count_undelivered(delivery.film, len(delivery.objects), STOPPED)
            self._deliveries.clear()  # so that an answer that comes later is not counted, too
            self._changed.notify_all()

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while (delivery := self._first()) is not None:
            pause_s = FIRST_PAUSE_S if self._attempt(delivery) else self._pause(pause_s)

    def _first(self) -> _Delivery | None:
        """Wait for reports; None once the outbox has finished."""
        with self._changed:
            self._changed.wait_for(lambda: self._deliveries or self._stopping)
            return self._deliveries[0] if self._deliveries else None

    def _attempt(self, delivery: _Delivery) -> bool:
        """Send what is left of a delivery once; return whether nothing more can be done for it."""
        try:
            results = self._send(list(delivery.objects.values()))
        except Exception:
            logger.exception("bonefx failed to send the reports of film %d", delivery.film)
            results = [Sent.REFUSED] * len(delivery.objects)
        outcomes = dict(zip(delivery.objects, results, strict=True))
        for place in (place for place, sent in outcomes.items() if sent is Sent.STORED):
            self._tell_stored(delivery, place)
        with self._changed:
            return self._settle(delivery, outcomes)

    def _tell_stored(self, delivery: _Delivery, place: int) -> None:
        if self._pacs_unreachable:
            logger.warning("the PACS takes reports again")
        self._pacs_unreachable = False
        try:
            delivery.on_stored(place)
        except Exception:
            logger.exception("a report of film %d was delivered but not written", delivery.film)

    def _settle(self, delivery: _Delivery, outcomes: Mapping[int, Sent]) -> bool:
        """Count and forget what was stored, refused, or sent for too long; hold the lock."""
        if delivery not in self._deliveries:  # given up meanwhile
            return True
        results = list(outcomes.values())
        self.delivered += results.count(Sent.STORED)
        if refused := results.count(Sent.REFUSED):
            self._count_undelivered(delivery.film, refused, "the PACS refused them")
        delivery.objects = {
            place: content
            for place, content in delivery.objects.items()
            if outcomes[place] is Sent.LATER
        }
        left = len(delivery.objects)
        if left and self._clock() < delivery.deadline_s:
            return False
        if left:
            why = f"the PACS did not take them for {self._patience_s:g} s"
            self._count_undelivered(delivery.film, left, why)
        self._deliveries.remove(delivery)
        self._changed.notify_all()
        return True

    def _pause(self, pause_s: float) -> float:
        """Wait before the next attempt, shortly while bonefx stops; return the next pause."""
        if not self._pacs_unreachable:
            logger.warning("the PACS does not take reports at the moment; they are sent again")
        self._pacs_unreachable = True
        with self._changed:
            if self._stopping:
                self._changed.wait_for(lambda: not self._deliveries, timeout=STOPPING_PAUSE_S)
                return STOPPING_PAUSE_S
            self._changed.wait_for(lambda: self._stopping, timeout=pause_s)
            return min(2 * pause_s, LONGEST_PAUSE_S)

    def _count_undelivered(self, film: int, objects: int, why: str) -> None:
        """Count and log reports; hold the lock."""
        self.undelivered += objects
        logger.error("%d reports of film %d were not delivered: %s", objects, film, why)
