"""Refuse a film while too many others wait, and say how many."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from bonefx.web.service.refusals import path_of, refuse

QUEUED_PATHS = ("/gradio_api/queue/join", "/gradio_api/call/")
RETRY_AFTER_S = 30
FULL = (
    "{number} requests are waiting to be read, and no more are taken. Try again in half a minute."
)


class FullQueueMiddleware:
    """ASGI middleware that refuses requests to read once the queue is full.

    The status is 429: at 503 gradio's page shows a sentence of its own.

    Attributes:
        waiting: Returns how many requests wait.
        most: How many may wait.
    """

    def __init__(self, app: ASGIApp, *, waiting: Callable[[], int], most: int) -> None:
        self.app = app
        self.waiting = waiting
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with status 429."""
        number = self.waiting()
        if _is_queued(scope) and number >= self.most:
            retry = {"Retry-After": str(RETRY_AFTER_S)}
            await refuse(scope, send, 429, sentence=FULL.format(number=number), headers=retry)
        else:
            await self.app(scope, receive, send)


def _is_queued(scope: Scope) -> bool:
    posted = scope["type"] == "http" and scope["method"] == "POST"
    return posted and path_of(scope).startswith(QUEUED_PATHS)
