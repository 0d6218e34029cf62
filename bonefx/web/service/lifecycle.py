"""The state of the served app, and the way from its stop signal to its end.

After the signal new requests are refused, those in progress are finished within a limit.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from bonefx.process.signals import SignalCount, wait_until_quiet
from bonefx.web.service.headers import may_be_cached
from bonefx.web.service.refusals import path_of, refuse

STOPPING = (
    "bonefx is stopping and takes no new films. Try again in a minute; if it does not answer then, "
    "ask its administrator."
)
RETRY_AFTER_S = 60
HEARTBEAT = "/gradio_api/heartbeat/"  # open as long as a page is
FINISHING_PATHS = (  # answers to requests from before the stop, and their ends
    HEARTBEAT, "/gradio_api/queue/data", "/gradio_api/upload_progress", "/gradio_api/cancel",
    "/gradio_api/reset",
)  # fmt: skip


class State(enum.Enum):
    """What the app is doing; the value is shown by /healthz."""

    STARTING = "starting"
    SERVING = "ok"
    STOPPING = "stopping"


class Lifecycle:
    """State of one app, and the number of requests in progress.

    Attributes:
        state: What the app is doing.
        open_requests: Requests that are being answered, without those that a page keeps open.
    """

    def __init__(self) -> None:
        self.state = State.STARTING
        self.open_requests = 0

    def finish(self, is_busy: Callable[[], bool], *, limit_s: float, hurry: SignalCount) -> bool:
        """Refuse new requests, and wait until those in progress are answered.

        Args:
            is_busy: Returns whether films are being read or wait to be read.
            limit_s: Longest time to wait; >= 0.
            hurry: A further signal ends the waiting.

        Returns:
            Whether all were answered.
        """
        self.state = State.STOPPING
        return wait_until_quiet(
            lambda: is_busy() or self.open_requests > 0, limit_s=limit_s, hurry=hurry
        )


class LifecycleMiddleware:
    """ASGI middleware that counts requests, and refuses new ones once the app stops."""

    def __init__(self, app: ASGIApp, lifecycle: Lifecycle) -> None:
        self.app = app
        self.lifecycle = lifecycle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with status 503."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif self.lifecycle.state is State.STOPPING and not _belongs_to_earlier(scope):
            retry = {"Retry-After": str(RETRY_AFTER_S)}
            await refuse(scope, send, 503, sentence=STOPPING, headers=retry)
        else:
            await self._count(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        counted = not path_of(scope).startswith(HEARTBEAT)
        self.lifecycle.open_requests += counted
        try:
            await self.app(scope, receive, send)
        finally:
            self.lifecycle.open_requests -= counted


def _belongs_to_earlier(scope: Scope) -> bool:
    """Return whether a request belongs to one that came before the stop."""
    path = path_of(scope)
    answer_of_call = scope["method"] == "GET" and path.startswith("/gradio_api/call/")
    return answer_of_call or path.startswith(FINISHING_PATHS) or may_be_cached(path)
