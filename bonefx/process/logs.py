"""Log lines without names, as text or as JSON lines.

A message of a foreign exception may quote a path, a file name or a header's value. So an exception
is logged as its type and the lines of code that it passed, never with its message.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

LOG_FORMATS = ("text", "json")
FIELDS = ("method", "route", "status", "elapsed_ms")  # of the line of a request
current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")


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


def log_to_stderr(log_format: str, *, events: Sequence[str] = ()) -> None:
    """Send the log of the whole program to stderr.

    Args:
        log_format: One of LOG_FORMATS: "text", from warnings on; or "json", with the events too.
        events: Names of the loggers of events, such as the start and each request.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if log_format == "json" else TextLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    for name in events:
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
