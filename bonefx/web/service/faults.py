"""Faults of the program: one log line and one sentence on the screen, with the same reference."""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from bonefx.web.service.request_log import REQUEST_ID, new_reference

FAULT = "The program failed. This is a fault in bonefx; the server's log has the details."
MAX_SESSIONS = 1000
logger = logging.getLogger(__name__)
_reference_of_session: OrderedDict[str, str] = OrderedDict()


class LoggedBlocks(gr.Blocks):
    """A page whose handlers fail with a reference, and without details on screen or in the log."""

    async def process_api(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Handle an event.

        Raises:
            gr.Error: The handler's own message; or FAULT with a reference for any other exception.
        """
        try:
            handled: dict[str, Any] = await super().process_api(*args, **kwargs)
        except gr.Error as error:
            error.print_exception = False  # gradio's own messages quote what they refuse
            raise
        except Exception as error:
            reference = _note_reference(kwargs.get("request"))
            logger.error("a handler failed", exc_info=error, extra={"request_id": reference})
            raise gr.Error(f"{FAULT} Reference {reference}.", print_exception=False) from None
        return handled


def with_reference(sentence: str) -> str:
    """Add the reference of the newest fault of the session whose event is being handled."""
    reference = _reference_of_session.get(_session_of(LocalContext.request.get(None)))
    return f"{sentence} Reference {reference}." if reference else sentence


def _note_reference(request: Any) -> str:
    """Return the reference of a fault, and note it for the session of its request."""
    request = request[0] if isinstance(request, list) and request else request
    reference = _request_id(request) or new_reference()
    _reference_of_session[_session_of(request)] = reference
    _reference_of_session.move_to_end(_session_of(request))
    if len(_reference_of_session) > MAX_SESSIONS:
        _reference_of_session.popitem(last=False)
    return reference


def _request_id(request: Any) -> str:
    """Return the id of the HTTP request behind gradio's; empty if there is none."""
    scope = getattr(getattr(request, "request", None), "scope", {})
    request_id: str = scope.get(REQUEST_ID, "")
    return request_id


def _session_of(request: Any) -> str:
    return getattr(request, "session_hash", None) or ""
