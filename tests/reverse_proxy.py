"""A reverse proxy that serves an app under a path of its own, as an institute's web server does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.conftest import free_port

OF_ONE_CONNECTION = {"connection", "keep-alive", "transfer-encoding"}
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]


@contextmanager
def proxied(url: str, path: str, *, most_bytes: int | None = None) -> Iterator[str]:
    """Serve what answers at url under a path of another port; everything else is not found.

    Args:
        url: Where the app answers, without a slash at the end.
        path: Such as "/bonefx"; the app is asked without it.
        most_bytes: A larger body is refused, with 413 and a page of its own; None takes all.
    """
    transport = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=None))  # no cookies

    async def pass_on(request: Request) -> Response:
        if most_bytes is not None and int(request.headers.get("content-length", 0)) > most_bytes:
            return HTMLResponse("<h1>413 Request Entity Too Large</h1>", 413)
        where = request.url.path.removeprefix(path)
        asked = httpx.Request(
            request.method, f"{url}{where}?{request.url.query}",
            headers=[*request.headers.raw, (b"x-forwarded-proto", b"http")],
            content=request.stream(),
        )  # fmt: skip
        answer = await transport.handle_async_request(asked)
        passed = StreamingResponse(
            answer.aiter_raw(), answer.status_code, background=BackgroundTask(answer.aclose)
        )
        passed.raw_headers = [
            (name.lower(), value)
            for name, value in answer.headers.raw
            if name.decode().lower() not in OF_ONE_CONNECTION
        ]
        return passed

    with _running(Starlette(routes=[Route(path + "/{rest:path}", pass_on, methods=METHODS)])) as at:
        yield at + path


@contextmanager
def _running(app: Starlette) -> Iterator[str]:
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, log_level="warning", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=30)
