"""Close the routes of gradio that bonefx does not use, so that nobody else uses them either."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from bonefx.web.service.refusals import path_of, refuse

CLOSED_PATHS = (  # the token of a cookie that scripts must not read; fetches from other servers
    "/gradio_api/token", "/gradio_api/proxy=", "/gradio_api/file=http", "/gradio_api/file/http",
    "/gradio_api/stream/", "/gradio_api/component_server", "/gradio_api/process_recording",
    "/gradio_api/deep_link", "/gradio_api/dev/", "/gradio_api/vibe-", "/gradio_api/undo-vibe-edit",
    "/gradio_api/profiling", "/gradio_api/run-history", "/gradio_api/runs", "/monitoring",
    "/manifest.json", "/pwa_icon",
)  # fmt: skip
NOT_USED = "bonefx does not use this address."


class ClosedRoutesMiddleware:
    """ASGI middleware that answers 404 on routes that bonefx does not use."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with status 404."""
        if scope["type"] == "http" and path_of(scope).startswith(CLOSED_PATHS):
            await refuse(scope, send, 404, sentence=NOT_USED)
        else:
            await self.app(scope, receive, send)
