"""Limits on what one peer sends, and on how long it takes.

pynetdicom reads a message in a loop without an end in time, and checks no timer meanwhile.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pynetdicom.association import Association

MAX_PDU_BYTES = 1_000_000  # of any protocol data unit, also those that ask for an association
READ_BYTES = 65_536
logger = logging.getLogger(__name__)


class LimitedReading:
    """Reads from a connection; takes the place of AssociationSocket.recv of pynetdicom."""

    def __init__(
        self,
        connection: socket.socket,
        *,
        most_bytes: int,
        associate_s: float,
        silent_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Limit a connection that was opened now.

        Args:
            connection: Read from, and sent to with the same limit of silence.
            most_bytes: What the peer may send before it waits for an answer.
            associate_s: Time until its association is accepted, seconds, however little it sends.
            silent_s: Time between two parts of a message afterwards, seconds.
            clock: Seconds on a clock that never goes back.
        """
        self._connection = connection
        self._most_bytes = self._left_bytes = most_bytes
        self._silent_s = silent_s
        self._clock = clock
        self._deadline_s: float | None = clock() + associate_s
        connection.settimeout(silent_s)

    def __call__(self, size_bytes: int) -> bytearray:
        """Return the next bytes; fewer if the peer has closed the connection.

        Raises:
            OSError: They are too many, or late; pynetdicom then ends the association.
        """
        if size_bytes > min(MAX_PDU_BYTES, self._left_bytes):
            logger.warning("an association was ended: its peer sent more than a film may have")
            raise OSError("too many bytes")
        self._left_bytes -= size_bytes
        content = bytearray()
        try:
            while len(content) < size_bytes:
                self._connection.settimeout(self._time_left_s())
                part = self._connection.recv(min(READ_BYTES, size_bytes - len(content)))
                if not part:
                    break
                content.extend(part)
        finally:
            self._connection.settimeout(self._silent_s)
        return content

    def _time_left_s(self) -> float:
        deadline_s = self._deadline_s  # another thread may set it to None
        if deadline_s is None:
            return self._silent_s
        left_s = deadline_s - self._clock()
        if left_s <= 0:
            raise TimeoutError("no association in time")
        return left_s

    def accept(self) -> None:
        """Let the peer take its time, now that its association is accepted."""
        self._deadline_s = None

    def renew(self) -> None:
        """Let the peer send as much again, now that it has its answer."""
        self._left_bytes = self._most_bytes


def reading_of(association: Association) -> LimitedReading | None:
    """Return the limits of an association; None if its connection is closed."""
    connection: Any = association.dul.socket
    reading = getattr(connection, "recv", None)
    return reading if isinstance(reading, LimitedReading) else None
