"""Serve gradio's app inside of the middleware of this room, on a server that stops in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from gradio import http_server
from starlette.types import ASGIApp

from bonefx.process.address import address_errors
from bonefx.web.service.hosts import own_host

CLOSE_S = 3  # for connections to close once all films are read
POLL_S = 0.01


@contextmanager
def served_inside(wrap: Callable[[ASGIApp], ASGIApp]) -> Iterator[None]:
    """Let gradio, when it launches a page in this block, serve its app inside of another.

    gradio puts its own middleware around that of an app, so that headers and checks which hold for
    every answer have to stand outside of the app.

    Args:
        wrap: Puts middleware around gradio's app.
    """
    original = http_server.start_server

    def start_server(
        app: ASGIApp, server_name: str, server_port: int, **_: Any
    ) -> tuple[str, int, str, http_server.Server]:
        server = _start(wrap(app), server_name, server_port)
        return server_name, server_port, f"http://{own_host(server_name)}:{server_port}/", server

    http_server.start_server = start_server  # type: ignore[assignment]
    try:
        yield
    finally:
        http_server.start_server = original


def _start(app: ASGIApp, host: str, port: int) -> http_server.Server:
    """Start a server in a thread of its own.

    Raises:
        SettingsError: It cannot listen at the address.
    """
    config = uvicorn.Config(
        app, host=host.strip("[]"), port=port, log_config=None, access_log=False,
        server_header=False, timeout_graceful_shutdown=CLOSE_S, ws="none",
    )  # fmt: skip
    server = http_server.Server(config)
    server.thread = threading.Thread(target=server.run, name="server", daemon=True)
    server.thread.start()
    with address_errors(host, port):
        while not server.started:
            if not server.thread.is_alive():
                raise OSError("the server did not start")
            time.sleep(POLL_S)
    return server
