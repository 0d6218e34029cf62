"""Whether the server can listen at its address, known before models load."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bonefx.errors import SettingsError

if TYPE_CHECKING:
    from bonefx.web.server_settings import ServerSettings


def check_address(settings: ServerSettings) -> None:
    """Raise a SettingsError where another program listens, or the address is not this machine's."""
    with address_errors(settings):
        family, kind, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)


@contextmanager
def address_errors(settings: ServerSettings) -> Iterator[None]:
    """Raise a SettingsError where the address or port cannot be used."""
    try:
        yield
    except OSError as error:
        raise SettingsError(
            f"cannot listen at {settings.host}:{settings.port}; stop the program that does, or "
            "choose another BONEFX_PORT"
        ) from error
