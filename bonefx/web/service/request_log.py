"""Log lines without names: one id a request, as text or as JSON lines.

A message of a foreign exception may quote a path, a file name or a header's value. So an exception
is logged as its type and the lines of code that it passed, never with its message.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bonefx.web.service.headers import may_be_cached
from bonefx.web.service.refusals import path_of

REQUEST_ID = "bonefx.request_id"  # key of a request's scope
REQUEST_ID_HEADER = "X-Request-ID"
USABLE_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
ROUTE = re.compile(r"/(?:gradio_api/)?[a-z_-]*")  # without the rest, which may be a file's path
QUIET_ROUTES = ("/healthz", "/gradio_api/heartbeat")
FIELDS = ("method", "route", "status", "elapsed_ms")  # of the line of a request
EVENT_LOGGERS = (__name__, "bonefx.cli.serve")
current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")
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


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, request_id, and further fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := _id_of(record):
            line["request_id"] = request_id
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if error := _error_of(record):
            line["error"], line["passed"] = type(error).__name__, passed_lines(error)
        return json.dumps(line)


class TextLines(logging.Formatter):
    """A line of text for people; of an exception the type and the code that it passed."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        request_id = _id_of(record)
        reference = f" [reference {request_id}]" if request_id else ""
        line = f"{record.levelname} {record.name}: {record.getMessage()}{reference}"
        if error := _error_of(record):
            line += f"\n{type(error).__name__}\n" + "\n".join(passed_lines(error))
        return line


def log_to_stderr(log_format: str) -> None:
    """Send the log of the whole program to stderr.

    Args:
        log_format: "text", from warnings on; or "json", with a line for the start and for each
            request too.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if log_format == "json" else TextLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    for name in EVENT_LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO if log_format == "json" else logging.WARNING)


def passed_lines(error: BaseException) -> list[str]:
    """Return the places in code that an exception passed, the innermost last."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    cause = error.__cause__ or error.__context__
    if cause is not None:
        lines = [*passed_lines(cause), f"then from {type(cause).__name__}", *lines]
    return lines


def _id_of(record: logging.LogRecord) -> str:
    request_id: str = getattr(record, "request_id", "") or current_request_id.get()
    return request_id


def _error_of(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None
