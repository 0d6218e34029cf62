"""With a login, no route answers a request without one but the login page and what it needs."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from bonefx.web.service.headers import LOGIN_COOKIES, may_be_cached
from bonefx.web.service.hosts import MCP_PATH
from bonefx.web.service.lifecycle import Lifecycle, State
from bonefx.web.service.refusals import is_page, path_of, refuse

OPEN_PATHS = ("/login", "/logout")
STARTUP_PATH = "/gradio_api/startup-events"  # gradio itself asks for it, once, while it starts
LOGIN_REQUIRED = "Log in first: load the page of bonefx, or send the cookie of its login."


class LoginRequiredMiddleware:
    """ASGI middleware inside of gradio's app that refuses requests without a login.

    gradio checks the login in most of its routes, but not in all. The page itself answers with the
    login page, and the MCP tools ask for user and password by themselves.
    """

    def __init__(self, app: ASGIApp, lifecycle: Lifecycle) -> None:
        self.app = app
        self.lifecycle = lifecycle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with status 401."""
        if scope["type"] == "lifespan" or self._is_open(scope) or _is_logged_in(scope):
            await self.app(scope, receive, send)
        else:
            await refuse(scope, send, 401, sentence=LOGIN_REQUIRED)

    def _is_open(self, scope: Scope) -> bool:
        path = path_of(scope)
        starting = self.lifecycle.state is State.STARTING and path == STARTUP_PATH
        tools = path.rstrip("/") == MCP_PATH
        no_film = path.rstrip("/") in OPEN_PATHS or may_be_cached(path)
        return starting or tools or no_film or is_page(scope)


def _is_logged_in(scope: Scope) -> bool:
    """Return whether a request has the cookie of a login to gradio's app."""
    cookies = cookie_parser(Headers(scope=scope).get("cookie", ""))
    app = scope["app"]
    tokens: Mapping[str, str] = app.tokens
    return any(cookies.get(f"{name}{app.cookie_id}") in tokens for name in LOGIN_COOKIES)
