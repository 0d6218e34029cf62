"""Ports, and whether a server can listen at its address, known before models load."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from bonefx.errors import SettingsError

MAX_PORT = 65535


def parse_port(text: str) -> int | None:
    """Return a port from its decimal digits; None if the text is no number from 1 to 65535."""
    is_port = text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_PORT
    return int(text) if is_port else None


def check_address(host: str, port: int) -> None:
    """Raise a SettingsError where another program listens, or the address is not this machine's."""
    with address_errors(host, port):
        family, kind, _, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)


@contextmanager
def address_errors(host: str, port: int) -> Iterator[None]:
    """Raise a SettingsError where the address or port cannot be used."""
    try:
        yield
    except OSError as error:
        raise SettingsError(
            f"cannot listen at {host}:{port} ({error.strerror or error}); stop the program that "
            "does, or choose another port or address"
        ) from error
