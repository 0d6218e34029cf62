"""Uploads that break off, stall or are never read."""

import asyncio
import os
import time

import pytest
from starlette.requests import ClientDisconnect

from bonefx.web.service.upload_lifetime import (
    UNREAD_S,
    UPLOAD_PATH,
    UploadLifetimeMiddleware,
    delete_unread,
    note_arriving,
)

SCOPE = {"type": "http", "method": "POST", "path": UPLOAD_PATH}


def answers(app, receive, *, stall_s=60.0):
    """Send an upload to an app inside of the middleware, and return the statuses it sent."""
    statuses = []

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    asyncio.run(UploadLifetimeMiddleware(app, stall_s=stall_s)(dict(SCOPE), receive, send))
    return statuses


@pytest.mark.parametrize("fault", [None, ClientDisconnect(), OSError("disk full")])
def test_what_arrived_is_deleted_however_the_request_ends(tmp_path, fault):
    file = tmp_path / "arriving"

    async def app(scope, receive, send):
        file.write_bytes(b"film")
        note_arriving(file)
        if fault:
            raise fault

    async def receive():
        return {"type": "http.disconnect"}

    if isinstance(fault, OSError):
        with pytest.raises(OSError, match="disk full"):
            answers(app, receive)
    else:
        assert answers(app, receive) == []
    assert not file.exists()


def test_an_upload_that_stalls_is_given_up_with_a_sentence(tmp_path):
    async def app(scope, receive, send):
        message = await receive()
        assert message["type"] == "http.disconnect"
        raise ClientDisconnect

    async def receive():
        await asyncio.Event().wait()

    assert answers(app, receive, stall_s=0.01) == [408]


def test_only_unread_uploads_are_deleted_and_none_that_still_arrives(tmp_path):
    old, young, stray = (tmp_path / name for name in ("old", "young", "stray"))
    for folder in (old, young):
        folder.mkdir()
        (folder / "film.png").write_bytes(b"film")
    stray.write_bytes(b"film")
    long_ago = time.time() - UNREAD_S - 1
    for path in (old, stray, young / "film.png"):
        os.utime(path, (long_ago, long_ago))

    async def app(scope, receive, send):
        arriving = tmp_path / "arriving"
        arriving.write_bytes(b"film")
        os.utime(arriving, (long_ago, long_ago))
        note_arriving(arriving)
        delete_unread(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["arriving", "young"]

    async def receive():
        return {"type": "http.disconnect"}

    answers(app, receive)
    assert [path.name for path in tmp_path.iterdir()] == ["young"]
