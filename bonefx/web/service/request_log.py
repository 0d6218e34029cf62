"""One id and one log line a request, without names; process/logs.py writes the lines."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bonefx.process.logs import current_request_id
from bonefx.web.service.headers import may_be_cached
from bonefx.web.service.refusals import path_of

REQUEST_ID = "bonefx.request_id"  # key of a request's scope
REQUEST_ID_HEADER = "X-Request-ID"
USABLE_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
ROUTE = re.compile(r"/(?:gradio_api/)?[a-z_-]*")  # without the rest, which may be a file's path
QUIET_ROUTES = ("/healthz", "/gradio_api/heartbeat")
Observe = Callable[[str, int, float], None]  # path, status and seconds of a request
logger = logging.getLogger(__name__)


class RequestLogMiddleware:
    """ASGI middleware that gives each request an id, and logs its method, route and status.

    The id of a proxy is kept, so that its log and this one name the same request alike.
    """

    def __init__(self, app: ASGIApp, root_path: str = "", observe: Observe | None = None) -> None:
        self.app = app
        self.observe = observe
        self.root_path = root_path if root_path.startswith("/") else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["root_path"] = self.root_path
        scope[REQUEST_ID] = _request_id(Headers(scope=scope))
        current_request_id.set(scope[REQUEST_ID])
        started_s = time.monotonic()
        status = 499  # the client went away before the answer, as nginx counts it

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID_HEADER] = scope[REQUEST_ID]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            status = 500
            raise
        finally:
            elapsed_s = time.monotonic() - started_s
            _log(scope, status=status, elapsed_ms=round(1000 * elapsed_s))
            if self.observe is not None:
                self.observe(path_of(scope), status, elapsed_s)


def _request_id(headers: Headers) -> str:
    given = headers.get(REQUEST_ID_HEADER, "")
    return given if USABLE_ID.fullmatch(given) else new_reference()


def new_reference() -> str:
    """Return a new id, short enough to be read out on the telephone."""
    return secrets.token_hex(4)


def _log(scope: Scope, *, status: int, elapsed_ms: int) -> None:
    path = path_of(scope)
    found = ROUTE.match(path)
    route = found.group() if found else "/"
    if may_be_cached(path) or route in QUIET_ROUTES:
        return
    fields = {"method": scope["method"], "route": route, "status": status, "elapsed_ms": elapsed_ms}
    logger.info("request", extra={"request_id": scope[REQUEST_ID], **fields})
