"""Receive films from modalities and a PACS (storage SCP), and answer C-ECHO.

pynetdicom reads the network. It does not limit how much a peer may send, before or after it gave
its name, nor how long a peer may be silent in the middle of a message; both are limited here.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from bonefx.films.discs.archives import MAX_FILM_BYTES
from bonefx.pacs.film_classes import FILM_CLASSES, FILM_SYNTAXES
from bonefx.pacs.intake import Answer
from bonefx.pacs.library import prepare_network
from bonefx.pacs.limited_reading import LimitedReading, reading_of
from bonefx.process.address import address_errors

if TYPE_CHECKING:
    from pynetdicom.association import Association
    from pynetdicom.events import Event

    from bonefx.pacs.association_server import FilmServer

MAX_ASSOCIATIONS = 4
ASSOCIATE_S, SILENT_S = 10, 60  # until a peer gave its name; between two parts of a message
PDU_BYTES = 131_072  # of the data that a peer may put into one protocol data unit
OVERHEAD_BYTES = 2_000_000  # of the messages around one film
COMMENT_CHARACTERS = 64  # PS3.7, C.4.2: Error Comment is of value representation LO
LIMIT_EXCEEDED = (0x02, 0x03, 0x02)  # PS3.8, 9.3.4: transient, provider, local limit exceeded
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


class StoreHandler(Protocol):
    """Reads a film; see Intake.take."""

    def __call__(self, content: bytes, /, *, is_waiting: Callable[[], bool]) -> Answer:
        """Return the answer for the sender."""


class Receiver:
    """A server for the storage of films."""

    def __init__(self, settings: ReceiverSettings, on_film: StoreHandler) -> None:
        """Make a server that does not listen yet.

        Args:
            settings: Where and from whom.
            on_film: Reads the films.
        """
        self._settings = settings
        self._on_film = on_film
        self._server: FilmServer | None = None
        self._admitted: set[Association] = set()
        self._admitting = threading.Lock()

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

        from bonefx.pacs.association_server import MAX_CONNECTIONS, FilmServer

        settings = self._settings
        entity = AE(ae_title=settings.ae_title)
        entity.require_called_aet = True
        entity.require_calling_aet = list(settings.allowed)
        entity.maximum_associations = MAX_CONNECTIONS  # it counts silent peers, too; see _admit
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
                    (evt.EVT_REQUESTED, self._admit),
                    (evt.EVT_ACCEPTED, _on_accepted),
                    (evt.EVT_DIMSE_SENT, _renew),
                    (evt.EVT_REJECTED, self._on_rejected),
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
                transport: Any = association.dul.socket
                connection = transport.socket  # another thread may set it to None
                if connection is not None:
                    with suppress(OSError):  # the peer was faster
                        connection.shutdown(socket.SHUT_RDWR)
                association.kill()

    def _limit(self, event: Event) -> None:
        """Limit what a peer that has connected may send, and how long it may be silent."""
        connection: Any = event.assoc.dul.socket
        connection.recv = LimitedReading(
            connection.socket,
            most_bytes=self._settings.max_film_bytes + OVERHEAD_BYTES,
            associate_s=ASSOCIATE_S,
            silent_s=SILENT_S,
        )

    def _admit(self, event: Event) -> None:
        """Reject a peer that asks for an association while as many are open as may be."""
        with self._admitting:
            self._admitted = {one for one in self._admitted if one.is_alive()}
            if len(self._admitted) < MAX_ASSOCIATIONS:
                self._admitted.add(event.assoc)
                return
        event.assoc.acse.send_reject(*LIMIT_EXCEEDED)
        self._on_rejected(event)
        event.assoc.kill()

    def _on_rejected(self, event: Event) -> None:
        with self._admitting:
            self._admitted.discard(event.assoc)
        logger.warning(
            "an association was refused: its AE titles are not those of --allow and --ae-title, or "
            "too many are open"
        )

    def _on_store(self, event: Event) -> Any:
        from pydicom.dataset import Dataset

        states, started_s = event.assoc.dul.state_machine, time.monotonic()
        answer = self._on_film(
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


def _on_accepted(event: Event) -> None:
    reading = reading_of(event.assoc)
    if reading is not None:
        reading.accept()


def _renew(event: Event) -> None:
    """Renew the allowance of a peer that has its answer, unless more of its messages wait."""
    reading, messages = reading_of(event.assoc), event.assoc.dimse
    if reading is not None and messages.msg_queue.empty() and messages.message is None:
        reading.renew()
