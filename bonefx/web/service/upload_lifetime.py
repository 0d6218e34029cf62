"""Delete uploads that nobody reads: broken off, refused, stalled, or never asked to be read.

gradio writes an upload to a temporary file, and moves it to a folder of its own when the request
is complete. It forgets the temporary file of a connection that breaks, and those of form fields
that it does not know.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bonefx.web.service.refusals import refuse

UPLOAD_PATH = "/gradio_api/upload"
UNREAD_S = 600  # an upload that was never read is deleted after this time
QUEUED_S = 3600  # the same while requests wait, among them perhaps the one that would read it
SWEEP_S = 5  # time between two looks for such uploads
STALL_S = 60  # an upload of which nothing arrives for this time is given up
STALLED = "The upload was given up: nothing of it arrived for a minute. Choose the file again."
_files_of_request: ContextVar[list[Path] | None] = ContextVar("files_of_request", default=None)
_arriving: set[Path] = set()
logger = logging.getLogger(__name__)


def note_arriving(file: Path) -> None:
    """Note the temporary file of an upload, to be deleted at the end of its request."""
    files = _files_of_request.get()
    if files is not None:
        files.append(file)
        _arriving.add(file)


class UploadLifetimeMiddleware:
    """ASGI middleware that deletes what a request uploaded and gradio has not taken over."""

    def __init__(self, app: ASGIApp, *, stall_s: float = STALL_S) -> None:
        self.app = app
        self.stall_s = stall_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and scope["path"].rstrip("/").endswith(UPLOAD_PATH):
            await self._upload(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        files: list[Path] = []
        _files_of_request.set(files)
        body = _Body(receive, stall_s=self.stall_s)
        try:
            await self.app(scope, body.receive, send)
        except ClientDisconnect:
            if body.stalled:
                await refuse(scope, send, 408, sentence=STALLED)
        finally:
            for file in files:
                _delete(file)
                _arriving.discard(file)


class _Body:
    """The messages of a request; one that stalls counts as broken off."""

    def __init__(self, receive: Receive, *, stall_s: float) -> None:
        self._receive = receive
        self._stall_s = stall_s
        self._complete = self.stalled = False

    async def receive(self) -> Message:
        """Return the next message."""
        if self._complete:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), self._stall_s)
        except TimeoutError:
            self.stalled = True
            return {"type": "http.disconnect"}
        self._complete = not message.get("more_body", False)
        return message


@contextmanager
def sweeping(uploads: Path, waiting: Callable[[], int]) -> Iterator[None]:
    """Delete unread uploads from a folder, again and again until the end of the block.

    Args:
        uploads: The folder.
        waiting: Returns how many requests wait to be read.
    """
    uploads.mkdir(parents=True, exist_ok=True)
    ended = threading.Event()

    def sweep_on() -> None:
        while not ended.wait(SWEEP_S):
            delete_unread(uploads, age_s=QUEUED_S if waiting() else UNREAD_S)

    thread = threading.Thread(target=sweep_on, name="unread uploads", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def delete_unread(uploads: Path, *, age_s: float) -> None:
    """Delete the uploads that arrived longer ago than an age in seconds, and stray files.

    The folder of an upload is changed when the upload arrives; a file that is arriving stays.
    """
    for path in uploads.iterdir():
        if path not in _arriving and _age_s(path) > age_s:
            _delete(path)


def _delete(path: Path) -> None:
    """Delete a file or a folder of uploads; what cannot be deleted goes with the run's folder."""
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("an upload could not be deleted: %s", error.strerror)


def _age_s(path: Path) -> float:
    """Return the seconds since a path was changed; 0 if it is gone."""
    try:
        return time.time() - path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0
