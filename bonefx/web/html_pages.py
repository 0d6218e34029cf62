"""Adapt gradio's HTML page: title, icon, first scripts and login page.

gradio's page refers to its icon and a manifest by paths from the root of the host, which do not
exist behind a reverse proxy. It has no title before its script runs, and the fields of its login
form are invisible on a dark ground. Scripts that must come before gradio's own, because they add a
listener of the window or stand in the way of a request, are in the head of the page.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

from markupsafe import Markup
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bonefx.report.wording.readings import NOTICE
from bonefx.web.service.headers import NONCE
from bonefx.web.shared.templates import render

ASSETS_FOLDER = Path(__file__).parent / "assets"
ICON = base64.b64encode((ASSETS_FOLDER / "favicon.svg").read_bytes()).decode()
FIRST_SCRIPTS = ("js/unsaved.js", "js/answers.js")
ASKS_FOR_LOGIN = '"auth_required":true'  # in gradio's settings of the page
MANIFEST_LINK = re.compile(r'<link rel="manifest"[^>]*>')


class PageMiddleware:
    """ASGI middleware that adapts the HTML pages of the server."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; an HTML page is sent once it is complete."""
        if scope["type"] == "http" and scope["method"] == "GET":
            send = _PageSend(send, nonce=scope[NONCE])
        await self.app(scope, receive, send)


class _PageSend:
    """Send one answer; an HTML page is adapted by customise_page."""

    def __init__(self, send: Send, *, nonce: str) -> None:
        self.send = send
        self.nonce = nonce
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
        content = customise_page(self.body.decode(), nonce=self.nonce).encode()
        MutableHeaders(scope=start)["content-length"] = str(len(content))
        await self.send(start)
        await self.send({"type": "http.response.body", "body": content})


def customise_page(page: str, *, nonce: str) -> str:
    """Add title, icon and first scripts; return our login page where gradio asks for a login.

    Every script of the page gets the nonce of its answer's Content-Security-Policy. Texts in
    gradio's settings of the page are escaped, so that each tag found is a script of the page.
    """
    if ASKS_FOR_LOGIN in page:
        page = render("shared/login.html.j2", notice=NOTICE)
    texts = [(ASSETS_FOLDER / name).read_text(encoding="utf-8") for name in FIRST_SCRIPTS]
    script = Markup("\n".join(f"({text.strip()})();" for text in texts))  # noqa: S704
    head = render("shared/head.html.j2", icon=ICON, script=script)
    page = MANIFEST_LINK.sub("", page).replace("</head>", f"{head}</head>", 1)
    return page.replace("<script", f'<script nonce="{nonce}"')


def _is_page(start: Message) -> bool:
    headers = MutableHeaders(scope=start)
    return headers.get("content-type", "").startswith("text/html")
