"""Uploads that break off, stall or are never read."""

import asyncio
import errno
import os
import shutil
import threading
import time

import pytest
from starlette.requests import ClientDisconnect

from bonefx.web.service import upload_lifetime
from bonefx.web.service.upload_lifetime import (
    UNREAD_S,
    UPLOAD_PATH,
    UploadLifetimeMiddleware,
    delete_unread,
    note_arriving,
    sweeping,
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
        delete_unread(tmp_path, age_s=UNREAD_S)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["arriving", "young"]

    async def receive():
        return {"type": "http.disconnect"}

    answers(app, receive)
    assert [path.name for path in tmp_path.iterdir()] == ["young"]


def test_uploads_are_kept_longer_while_requests_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(upload_lifetime, "SWEEP_S", 0.001)
    upload, waiting, looks = tmp_path / "upload", [1] * 3, threading.Event()
    upload.mkdir()
    long_ago = time.time() - UNREAD_S - 1
    os.utime(upload, (long_ago, long_ago))

    def next_count():
        if waiting:
            assert upload.exists()
            return waiting.pop()
        looks.set()
        return 0

    with sweeping(tmp_path, next_count):
        assert looks.wait(30)
    assert not upload.exists()


def test_an_upload_that_cannot_be_deleted_keeps_no_other_and_is_logged(
    tmp_path, monkeypatch, caplog
):
    uploads = [tmp_path / name for name in ("first", "second")]
    for upload in uploads:
        upload.mkdir()
        os.utime(upload, (0, 0))
    delete = shutil.rmtree

    def refuse_the_first(path):
        if path == uploads[0]:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        delete(path)

    monkeypatch.setattr(upload_lifetime.shutil, "rmtree", refuse_the_first)
    delete_unread(tmp_path, age_s=UNREAD_S)
    assert [upload.exists() for upload in uploads] == [True, False]
    assert caplog.messages == ["an upload could not be deleted: Permission denied"]
