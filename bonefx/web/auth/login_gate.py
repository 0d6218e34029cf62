"""Who may come in: passwords are asked for here, of the page and of the tools for assistants."""

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

TOO_MANY = "too many wrong tries; wait {wait_s} seconds, then try again"
WHO_ARE_YOU = "these tools ask for the page's user and password, by HTTP Basic"
ASKS = {"WWW-Authenticate": 'Basic realm="bonefx", charset="UTF-8"'}
CALLER_ADDRESS: ContextVar[str] = ContextVar("caller", default="")


class CallerAddressMiddleware:
    """A layer around the server that keeps the address that a request came from at hand."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        CALLER_ADDRESS.set((scope.get("client") or ("",))[0])
        await self.app(scope, receive, send)


class LoginGate:
    """Asks a login, and lets nobody guess on and on."""

    def __init__(self, login: Credentials) -> None:
        self.login = login
        self._one = anyio.Lock()  # several right ones at once are no wrong tries

    async def enter(self, user: str, password: str) -> bool:
        """Tell whether the password is the user's.

        Raises:
            HTTPException: 429, after too many wrong tries; with the time to wait.
        """
        async with self._one:
            return await self._enter(user, password)

    async def _enter(self, user: str, password: str) -> bool:
        attempts, address = self.login.attempts, CALLER_ADDRESS.get()
        if wait_s := math.ceil(attempts.begin(user, address)):
            told = TOO_MANY.format(wait_s=wait_s)
            raise HTTPException(429, told, headers={"Retry-After": str(wait_s)})
        right = await anyio.to_thread.run_sync(self.login, user, password)
        if right:
            attempts.right(user, address)
        return right


class BasicAuthMiddleware:
    """A server that answers only with a user and password of the login, by HTTP Basic.

    Source:
        RFC 7617.
    """

    def __init__(self, app: ASGIApp, login: Credentials) -> None:
        self.app = app
        self.door = LoginGate(login)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or say why not."""
        answer = self.app
        try:
            await self._check(Headers(scope=scope).get("authorization", ""))
        except HTTPException as refused:
            answer = PlainTextResponse(refused.detail, refused.status_code, refused.headers)
        await answer(scope, receive, send)

    async def _check(self, authorization: str) -> None:
        given = _given(authorization)
        if given is None or not await self.door.enter(*given):
            raise HTTPException(401, WHO_ARE_YOU, headers=ASKS)


def _given(authorization: str) -> tuple[str, str] | None:
    kind, _, letters = authorization.partition(" ")
    try:
        text = base64.b64decode(letters, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    user, colon, password = text.partition(":")
    return (user, password) if kind.lower() == "basic" and colon else None
