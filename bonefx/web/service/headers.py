"""Headers of every answer: what the browser may keep, run, send and frame; and safe cookies."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from http.cookies import Morsel, SimpleCookie

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bonefx.web.service.refusals import path_of

NONCE = "bonefx.nonce"  # key of a request's scope
CACHED_PATHS = ("/assets/", "/static/", "/svelte/", "/gradio_api/custom_component/")
CACHED_FILES = ("/theme.css", "/gradio_api/theme.css", "/favicon.ico")
SPACE_FRAMES = "https://huggingface.co"
PLAIN_COOKIE = "access-token-unsecure-"  # gradio sets one for plain HTTP, and one for TLS
TLS_COOKIE = "access-token-"
LOGIN_COOKIES = (TLS_COOKIE, PLAIN_COOKIE)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderRules:
    """What differs between a Hugging Face Space and all other places.

    Attributes:
        in_space: Whether huggingface.co shows the app in a frame.
    """

    in_space: bool = False

    @property
    def frame_ancestors(self) -> str:
        """Sites that may show the app in a frame."""
        return SPACE_FRAMES if self.in_space else "'none'"

    @property
    def same_site(self) -> str:
        """SameSite of the login's cookie; in a frame of another site, Lax ones are not sent."""
        return "None" if self.in_space else "Lax"


class HeadersMiddleware:
    """ASGI middleware that sets the headers of every answer."""

    def __init__(self, app: ASGIApp, rules: HeaderRules) -> None:
        self.app = app
        self.rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope[NONCE] = base64.b64encode(secrets.token_bytes(16)).decode()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._set_headers(MutableHeaders(scope=message), scope)
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def _set_headers(self, headers: MutableHeaders, scope: Scope) -> None:
        headers["Content-Security-Policy"] = content_security_policy(scope[NONCE], self.rules)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if not self.rules.in_space:
            headers["X-Frame-Options"] = "DENY"  # for browsers before frame-ancestors
        if not may_be_cached(path_of(scope)):
            headers["Cache-Control"] = "no-store"
        encrypted = scope["scheme"] == "https" or self.rules.in_space  # a Space has TLS alone
        self._set_cookies(headers, encrypted=encrypted)

    def _set_cookies(self, headers: MutableHeaders, *, encrypted: bool) -> None:
        cookies = headers.getlist("set-cookie")
        del headers["set-cookie"]
        for cookie in cookies:
            safe = safe_cookie(cookie, encrypted=encrypted, same_site=self.rules.same_site)
            if safe is not None:
                headers.append("set-cookie", safe)


def content_security_policy(nonce: str, rules: HeaderRules) -> str:
    """Return the policy of the page.

    gradio makes functions of the texts of its events, which needs 'unsafe-eval', and sets styles
    in many places. Scripts in the page run only with the nonce of this answer.

    Source:
        W3C Content Security Policy Level 3.
    """
    directives = {
        "default-src": "'self'",
        "script-src": f"'self' 'nonce-{nonce}' 'unsafe-eval'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self' data: blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": rules.frame_ancestors,
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def may_be_cached(path: str) -> bool:
    """Return whether an answer holds nothing but a part of the program."""
    return path.startswith(CACHED_PATHS) or path in CACHED_FILES


def safe_cookie(cookie: str, *, encrypted: bool, same_site: str) -> str | None:
    """Return a Set-Cookie header that neither scripts nor other sites can use.

    Args:
        cookie: The header as gradio sets it.
        encrypted: Whether the request came over TLS; then the cookie is for TLS alone.
        same_site: Lax, Strict or None.

    Returns:
        The header; None for the one of gradio's two cookies that is for the other protocol.
    """
    parsed: SimpleCookie = SimpleCookie(cookie)
    (morsel,) = parsed.values()
    for_plain_http = morsel.key.startswith(PLAIN_COOKIE)
    if morsel.value and morsel.key.startswith(TLS_COOKIE) and for_plain_http == encrypted:
        return None
    _restrict(morsel, encrypted=encrypted, same_site=same_site)
    return morsel.OutputString()


def _restrict(morsel: Morsel[str], *, encrypted: bool, same_site: str) -> None:
    morsel["httponly"] = True
    morsel["secure"] = encrypted
    morsel["samesite"] = same_site if encrypted else "Lax"  # browsers refuse None without TLS
