"""Check of passwords with rate limiting, for the page and for the MCP tools."""

from __future__ import annotations

import base64
import binascii
import math
from contextvars import ContextVar

import anyio
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bonefx.web.auth.passwords import Credentials

TOO_MANY_ATTEMPTS = "too many failed attempts; wait {wait_s} seconds, then try again"
LOGIN_REQUIRED = "these tools need the user and password of the page, by HTTP Basic authentication"
CHALLENGE = {"WWW-Authenticate": 'Basic realm="bonefx", charset="UTF-8"'}
CALLER_ADDRESS: ContextVar[str] = ContextVar("caller", default="")


class CallerAddressMiddleware:
    """Store the client's address of each request in CALLER_ADDRESS."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        CALLER_ADDRESS.set((scope.get("client") or ("",))[0])
        await self.app(scope, receive, send)


class LoginGate:
    """Check users and passwords, with rate limiting.

    Attributes:
        credentials: Who may log in.
    """

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self._lock = anyio.Lock()  # parallel attempts with the right password never count as failed

    async def check(self, user: str, password: str) -> bool:
        """Return whether the password is the user's.

        Raises:
            HTTPException: 429 after too many failed attempts, with the time to wait.
        """
        async with self._lock:
            return await self._check(user, password)

    async def _check(self, user: str, password: str) -> bool:
        limiter, address = self.credentials.limiter, CALLER_ADDRESS.get()
        if wait_s := math.ceil(limiter.record_attempt(user, address)):
            detail = TOO_MANY_ATTEMPTS.format(wait_s=wait_s)
            raise HTTPException(429, detail, headers={"Retry-After": str(wait_s)})
        correct = await anyio.to_thread.run_sync(self.credentials.verify, user, password)
        if correct:
            limiter.record_success(user, address)
        return correct


class BasicAuthMiddleware:
    """Require the user and password of a login by HTTP Basic authentication.

    Source:
        RFC 7617.
    """

    def __init__(self, app: ASGIApp, credentials: Credentials) -> None:
        self.app = app
        self.gate = LoginGate(credentials)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with status 401 or 429."""
        response = self.app
        try:
            await self._authorize(Headers(scope=scope).get("authorization", ""))
        except HTTPException as refused:
            response = PlainTextResponse(refused.detail, refused.status_code, refused.headers)
        await response(scope, receive, send)

    async def _authorize(self, header: str) -> None:
        login = _parse_header(header)
        if login is None or not await self.gate.check(*login):
            raise HTTPException(401, LOGIN_REQUIRED, headers=CHALLENGE)


def _parse_header(header: str) -> tuple[str, str] | None:
    """Return user and password of an Authorization header; None if it holds none."""
    scheme, _, encoded = header.partition(" ")
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    user, colon, password = text.partition(":")
    return (user, password) if scheme.lower() == "basic" and colon else None
