"""No film outlives its reading: not a broken upload, not a killed app, not an app that ended."""

from __future__ import annotations

import os
import signal
import time

import httpx
import pytest

from tests.fixtures.image_files import make_png
from tests.fixtures.servers.calls import answer_of, break_off, start_call, upload

NAME = "Miller_Anna.png"
FILM = make_png(120, 96)
PATIENCE_S = 60
FOLDER_OF_GRADIO = "vibe_edit_history"  # empty


def kept(app):
    """Return what is kept of films on the app's disk, and folders that held them."""
    uploads = [path for run in app.uploads.glob("bonefx-run-*/uploads") for path in run.iterdir()]
    return [path for path in uploads if path.name != FOLDER_OF_GRADIO] + app.lists


def wait_until_nothing_is_kept(app):
    deadline = time.monotonic() + PATIENCE_S
    while kept(app):
        assert time.monotonic() < deadline, kept(app)
        time.sleep(0.1)


def wait_until_something_is_kept(app):
    deadline = time.monotonic() + PATIENCE_S
    while not kept(app):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def app(served_apps):
    return served_apps("tiny")


@pytest.mark.parametrize("endpoint", ["read", "worklist"])
def test_a_reading_leaves_neither_files_nor_folders(app, endpoint):
    path = upload(app.url, NAME, FILM)
    assert answer_of(start_call(app.url, endpoint, [path]))[0] == "complete"
    wait_until_nothing_is_kept(app)


def test_a_file_that_is_no_film_leaves_nothing(app):
    path = upload(app.url, NAME, b"no film")
    assert answer_of(start_call(app.url, "read", [path]))[0] == "error"
    wait_until_nothing_is_kept(app)


def test_an_upload_whose_connection_breaks_is_deleted(app):
    connection = break_off(app.url, NAME, FILM)
    wait_until_something_is_kept(app)
    connection.close()
    wait_until_nothing_is_kept(app)


@pytest.mark.parametrize(
    ("field", "name", "status"),
    [
        pytest.param("other", NAME, 200, id="a field that is not read"),
        pytest.param("files", "x" * 300, 500, id="a name that the disk refuses"),
    ],
)
def test_a_file_that_is_not_taken_over_is_deleted(app, field, name, status):
    sent = httpx.post(f"{app.url}/gradio_api/upload", files={field: (name, FILM)})
    assert sent.status_code in {200, 400, status}
    assert sent.status_code == 200 or name not in sent.text
    for path in kept(app):  # an upload under a shortened name is read by nobody
        os.utime(path, (0, 0))
    wait_until_nothing_is_kept(app)


def test_an_upload_that_nobody_asks_to_read_is_deleted_after_its_time(app):
    path = upload(app.url, NAME, FILM)
    assert path.is_file()
    long_ago = time.time() - 601
    os.utime(path.parent, (long_ago, long_ago))
    wait_until_nothing_is_kept(app)


def test_answers_with_films_are_never_cached_and_parts_of_the_program_are(app):
    path = upload(app.url, NAME, FILM)
    routes = {
        f"/gradio_api/file={path}": True, "/": True, "/config": True, "/gradio_api/info": True,
        "/gradio_api/file=/etc/passwd": True, "/static/img/logo.svg": False,
    }  # fmt: skip
    for route, private in routes.items():
        answer = httpx.get(f"{app.url}{route}")
        assert (answer.headers.get("cache-control") == "no-store") is private, route
    address = start_call(app.url, "read", [path])
    assert httpx.get(address, timeout=PATIENCE_S).headers["cache-control"] == "no-store"


def test_the_next_start_deletes_what_a_killed_app_left_but_nothing_of_a_running_one(start):
    killed, process = start()
    left = upload(killed.url, NAME, FILM)
    running, _ = start()
    own = upload(running.url, NAME, FILM)
    assert left.is_file()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert left.is_file()
    third, last = start()
    assert not left.exists()
    assert own.is_file()
    last.terminate()
    assert last.wait(timeout=PATIENCE_S) == 0
    assert own.is_file()
    (still_running,) = third.uploads.glob("bonefx-run-*/")
    assert own.is_relative_to(still_running)
    assert NAME not in third.log.read_text()
