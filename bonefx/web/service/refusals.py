"""Refuse a request with a sentence, as text for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Message, Scope, Send

API_PATH = "/gradio_api/"


async def _receive_nothing() -> Message:
    return {"type": "http.disconnect"}


async def refuse(
    scope: Scope,
    send: Send,
    status: int,
    *,
    sentence: str,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Send a refusal; the body of the request is not read.

    Args:
        scope: Of the request.
        send: Sends the answer.
        status: HTTP status, 400 or more.
        sentence: Why, and what to do.
        headers: Further headers.
    """
    answer: Response
    if API_PATH in scope["path"]:  # gradio shows `detail` to its user
        answer = JSONResponse({"detail": sentence}, status, headers)
    else:
        answer = PlainTextResponse(f"{sentence}\n", status, headers)
    await answer(scope, _receive_nothing, send)


def is_page(scope: Scope) -> bool:
    """Return whether a request asks for the page itself."""
    return scope["method"] in {"GET", "HEAD"} and path_of(scope) == "/"


def path_of(scope: Scope) -> str:
    """Return the path of a request inside the app, without the path of a proxy before it."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path.removeprefix(root) if root and path.startswith(f"{root}/") else path
