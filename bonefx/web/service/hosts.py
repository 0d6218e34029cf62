"""Answer only requests that are meant for this app: the right host, and no other site's page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from bonefx.web.service.refusals import is_page, path_of, refuse

LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")
MCP_PATH = "/gradio_api/mcp"
WRONG_HOST = (
    "bonefx does not serve the address {host}; if it should, add it to BONEFX_ALLOWED_HOSTS and "
    "start bonefx again."
)
OTHER_SITE = (
    "bonefx does not answer pages of other sites. Open bonefx by its own address; behind a proxy "
    "set BONEFX_ALLOWED_HOSTS to the address that users open."
)
PORT = re.compile(r":\d+$", re.ASCII)
QUOTABLE_HOST = re.compile(r"[\w.:\[\]-]{1,100}", re.ASCII)


def own_host(address: str) -> str:
    """Return the host under which the app's own process reaches an address to listen at."""
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address).strip("[]")  # noqa: S104
    return f"[{address}]" if ":" in address else address


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRules:
    """Which hosts the app has; those of this machine itself are always among them.

    Attributes:
        any_host: Whether every host is answered: others may give the app names that it cannot know.
        allowed: Host names in small letters, each with its port unless it is the protocol's own;
            `*.` at the start allows every subdomain. Their pages may send requests, too.
    """

    any_host: bool
    allowed: tuple[str, ...] = ()

    def serves(self, host: str) -> bool:
        """Return whether requests to a host, with or without a port, are answered."""
        return self.any_host or PORT.sub("", host) in LOCAL_HOSTS or self.allows(host)

    def allows(self, host: str) -> bool:
        """Return whether a host was named as one of the app."""
        return any(
            PORT.sub("", host).endswith(name[1:]) if name.startswith("*.") else host == name
            for name in self.allowed
        )


class HostsMiddleware:
    """ASGI middleware that refuses foreign hosts (DNS rebinding) and requests of other sites.

    Source:
        W3C Fetch Metadata Request Headers, section 2; OWASP Cross-Site Request Forgery Prevention.
    """

    def __init__(self, app: ASGIApp, rules: HostRules) -> None:
        self.app = app
        self.rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with status 421 or 403."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if not self.rules.serves(host):
            shown = host if QUOTABLE_HOST.fullmatch(host) else "of this request"
            await refuse(scope, send, 421, sentence=WRONG_HOST.format(host=shown))
        elif self._from_other_site(scope, headers, host):
            await refuse(scope, send, 403, sentence=OTHER_SITE)
        else:
            await self.app(scope, receive, send)

    def _from_other_site(self, scope: Scope, headers: Headers, host: str) -> bool:
        """Return whether another site's page sent a request; its links to the page are allowed."""
        if is_page(scope) and headers.get("sec-fetch-mode") == "navigate":
            return False
        origin = headers.get("origin")
        if origin is not None and self._may_ask(urlsplit(origin).netloc.lower(), scope):
            return False
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site not in {"same-origin", "none"}
        return origin is not None and urlsplit(origin).netloc.lower() != host

    def _may_ask(self, origin: str, scope: Scope) -> bool:
        """Return whether pages of a host may send a request, even if it is not the app's own."""
        tool = path_of(scope).rstrip("/") == MCP_PATH  # clients of MCP may be pages of this machine
        return self.rules.allows(origin) or (tool and PORT.sub("", origin) in LOCAL_HOSTS)
