"""The TCP server under the receiver: a thread a connection, TLS without waiting for one peer."""

from __future__ import annotations

import logging
import socket
import threading
from typing import Any

from pynetdicom.transport import ThreadedAssociationServer

MAX_CONNECTIONS = 32  # also of peers that have not given their names yet
logger = logging.getLogger(__name__)


class FilmServer(ThreadedAssociationServer):
    """pynetdicom's server, with logs that quote no peer."""

    daemon_threads = True

    def serve_in_thread(self) -> None:
        """Take connections in a thread of its own, until shutdown."""
        self.ae._servers.append(self)  # shutdown removes it from there
        threading.Thread(target=self.serve_forever, name="receiver", daemon=True).start()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; the TLS handshake happens when it is first read.

        pynetdicom shakes hands before it accepts the next connection, so that one silent peer
        would keep all others waiting.
        """
        assert self.socket is not None
        connection, address = self.socket.accept()
        if self.ssl_context is None:
            return connection, address
        return self.ssl_context.wrap_socket(
            connection, server_side=True, do_handshake_on_connect=False
        ), address

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        """Return whether a connection is kept; it is closed if too many are open."""
        return len(self.active_associations) < MAX_CONNECTIONS

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Log a fault without the address of the peer."""
        logger.exception("bonefx failed on a connection")
