"""Receive films from modalities and a PACS (storage SCP), and answer C-ECHO.

pynetdicom reads the network. It does not limit how much a peer may send, before or after it gave
its name, nor how long a peer may be silent in the middle of a message; both are limited here.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from bonefx.films.discs.archives import MAX_FILM_BYTES
from bonefx.pacs.film_classes import FILM_CLASSES, FILM_SYNTAXES
from bonefx.pacs.intake import Answer
from bonefx.pacs.library import prepare_network
from bonefx.process.address import address_errors

if TYPE_CHECKING:
    from pynetdicom.events import Event

    from bonefx.pacs.association_server import FilmServer

MAX_ASSOCIATIONS = 4
ASSOCIATE_S, SILENT_S = 10, 60  # until a peer gave its name; between two parts of a message
PDU_BYTES = 131_072  # of the data that a peer may put into one protocol data unit
MAX_PDU_BYTES = 1_000_000  # of any protocol data unit, also those that ask for an association
OVERHEAD_BYTES = 2_000_000  # of the messages around one film
COMMENT_CHARACTERS = 64  # PS3.7, C.4.2: Error Comment is of value representation LO
DATA_TRANSFER = "Sta6"  # of an open association, PS3.8, 9.2.1
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverSettings:
    """Where films are received, and from whom.

    Attributes:
        host: Address to listen at.
        port: Port to listen at.
        ae_title: Application entity title of bonefx; other called titles are refused.
        allowed: Application entity titles that may send.
        max_film_bytes: Largest film, as it is sent.
        tls: Certificate of bonefx and rules for those of peers; None to receive in clear text.
    """

    host: str
    port: int
    ae_title: str
    allowed: tuple[str, ...]
    max_film_bytes: int = MAX_FILM_BYTES
    tls: ssl.SSLContext | None = None


class Take(Protocol):
    """Reads a film; see Intake.take."""

    def __call__(self, content: bytes, /, *, is_waiting: Callable[[], bool]) -> Answer:
        """Return the answer for the sender."""


class Receiver:
    """A server for the storage of films."""

    def __init__(self, settings: ReceiverSettings, take: Take) -> None:
        """Make a server that does not listen yet.

        Args:
            settings: Where and from whom.
            take: Reads the films.
        """
        self._settings = settings
        self._take = take
        self._server: FilmServer | None = None

    @property
    def port(self) -> int:
        """The port at which it listens."""
        return int(self._server.server_address[1]) if self._server else self._settings.port

    def start(self) -> None:
        """Listen in threads of its own.

        Raises:
            SettingsError: pynetdicom is not installed, or the address or the port cannot be used.
        """
        prepare_network()
        from pynetdicom import AE, evt
        from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

        from bonefx.pacs.association_server import FilmServer

        settings = self._settings
        entity = AE(ae_title=settings.ae_title)
        entity.require_called_aet = True
        entity.require_calling_aet = list(settings.allowed)
        entity.maximum_associations = MAX_ASSOCIATIONS
        entity.maximum_pdu_size = PDU_BYTES
        entity.acse_timeout = ASSOCIATE_S
        entity.dimse_timeout = entity.network_timeout = SILENT_S
        entity.add_supported_context(Verification)
        for kind in FILM_CLASSES:
            entity.add_supported_context(kind, list(FILM_SYNTAXES))
        with address_errors(settings.host, settings.port):
            server: Any = entity.make_server(
                (settings.host.strip("[]"), settings.port),
                server_class=FilmServer,
                ssl_context=settings.tls,
                evt_handlers=[
                    (evt.EVT_CONN_OPEN, self._limit),
                    (evt.EVT_DIMSE_SENT, _renew),
                    (evt.EVT_REJECTED, _log_rejection),
                    (evt.EVT_C_STORE, self._on_store),
                ],
            )
        server.serve_in_thread()
        self._server = server

    def close(self) -> None:
        """Take no further associations; those that are open go on."""
        if self._server is not None:
            self._server.shutdown()

    def disconnect(self) -> None:
        """End all connections.

        Not by aborting associations: that would wait for a peer that is silent in the middle of a
        message.
        """
        if self._server is not None:
            for association in self._server.active_associations:
                connection: Any = association.dul.socket
                if connection.socket is not None:
                    with suppress(OSError):  # the peer was faster
                        connection.socket.shutdown(socket.SHUT_RDWR)
                association.kill()

    def _limit(self, event: Event) -> None:
        """Limit what a peer that has connected may send, and how long it may be silent."""
        connection: Any = event.assoc.dul.socket
        connection.socket.settimeout(SILENT_S)
        most_bytes = self._settings.max_film_bytes + OVERHEAD_BYTES
        connection.recv = _LimitedReading(connection.recv, most_bytes=most_bytes)

    def _on_store(self, event: Event) -> Any:
        from pydicom.dataset import Dataset

        states, started_s = event.assoc.dul.state_machine, time.monotonic()
        answer = self._take(
            event.encoded_dataset(), is_waiting=lambda: states.current_state == DATA_TRANSFER
        )
        # pynetdicom takes a peer that waits for its answer for one that is silent
        event.assoc.network_timeout = SILENT_S + time.monotonic() - started_s
        status = Dataset()
        status.Status = answer.status
        if answer.comment:
            comment = answer.comment.encode("ascii", "replace").decode().replace("\\", "/")
            status.ErrorComment = comment[:COMMENT_CHARACTERS]
        return status


class _LimitedReading:
    """Reads from a connection until a peer has sent too much without waiting for an answer."""

    def __init__(self, read: Callable[[int], bytearray], *, most_bytes: int) -> None:
        self._read = read
        self._most_bytes = most_bytes
        self._left_bytes = most_bytes

    def __call__(self, size_bytes: int) -> bytearray:
        """Return the next bytes.

        Raises:
            OSError: They are too many; pynetdicom then ends the association.
        """
        if size_bytes > min(MAX_PDU_BYTES, self._left_bytes):
            logger.warning("an association was ended: its peer sent more than a film may have")
            raise OSError("too many bytes")
        self._left_bytes -= size_bytes
        return self._read(size_bytes)

    def renew(self) -> None:
        """Let the peer send as much again, now that it has its answer."""
        self._left_bytes = self._most_bytes


def _renew(event: Event) -> None:
    connection: Any = event.assoc.dul.socket
    if connection is not None and isinstance(connection.recv, _LimitedReading):
        connection.recv.renew()


def _log_rejection(_event: Event) -> None:
    logger.warning(
        "an association was refused: its AE titles are not those of --allow and --ae-title, or too "
        "many are open"
    )
