"""The page that a browser gets first: title, icon, and the login page.

gradio's own page names its icon and a manifest by paths from the host's root, which are not there
behind a reverse proxy, has no title before it has run, and asks for user and password in fields
that cannot be seen on a dark ground.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bonefx.report.wording import NOTICE
from bonefx.web.shared.templates import render

ASSETS = Path(__file__).parent / "assets"
ICON = base64.b64encode((ASSETS / "favicon.svg").read_bytes()).decode()
ASKS_FOR_LOGIN = '"auth_required":true'  # in gradio's settings of the page
MANIFEST_LINK = re.compile(r'<link rel="manifest"[^>]*>')


class PageMiddleware:
    """A layer around the server that puts our own words into its HTML pages."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; only pages are held back until they are whole."""
        if scope["type"] == "http" and scope["method"] == "GET":
            send = _PageSend(send)
        await self.app(scope, receive, send)


class _PageSend:
    """Sends one answer on; an HTML page as own_page has it."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.start: Message | None = None
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_page(message):
            self.start = message
        elif self.start is None:
            await self.send(message)
        else:
            self.body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_page(self.start)

    async def _send_page(self, start: Message) -> None:
        content = customise_page(self.body.decode()).encode()
        MutableHeaders(scope=start)["content-length"] = str(len(content))
        await self.send(start)
        await self.send({"type": "http.response.body", "body": content})


def customise_page(page: str) -> str:
    """Give gradio's page a title and an icon; put our login page where it asks for a login."""
    if ASKS_FOR_LOGIN in page:
        page = render("shared/login.html.j2", notice=NOTICE)
    head = render("shared/head.html.j2", icon=ICON)
    return MANIFEST_LINK.sub("", page).replace("</head>", f"{head}</head>", 1)


def _is_page(start: Message) -> bool:
    headers = MutableHeaders(scope=start)
    return headers.get("content-type", "").startswith("text/html")
