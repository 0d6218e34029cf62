"""Attacks on the uploads of other users: folders, links and paths in place of an own upload."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.fixtures.image_files import make_png

pytestmark = pytest.mark.parametrize("app", ["three"], indirect=True)

ENDPOINTS = ("read", "compare", "worklist")
FILM = ("film.png", make_png(300, 220), "image/png")


def upload(app):
    """Upload the film, and return the path that the app gave it."""
    sent = httpx.post(f"{app.url}/gradio_api/upload", files={"files": FILM})
    (path,) = sent.json()
    return Path(path)


def file_data(path):
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}}


def call(app, endpoint, path):
    """Call an endpoint with one film, and return the name and the text of its last event."""
    film = file_data(path)
    data = {
        "read": [film, "balanced", False, 0, False, None, False, False, ""],
        "compare": [film, ["first", "second"]],
        "worklist": [[film], "balanced"],
    }
    address = f"{app.url}/gradio_api/call/{endpoint}"
    event = httpx.post(address, json={"data": data[endpoint]}).json()["event_id"]
    *_, last = httpx.get(f"{address}/{event}", timeout=60).text.strip().split("\n\n")
    name, _, content = last.partition("\n")
    return name.removeprefix("event: "), content


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_upload_is_read_once_and_deleted(app, endpoint):
    path = upload(app)
    name, content = call(app, endpoint, path)
    assert name == "complete", content
    assert not path.exists()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "given",
    [
        pytest.param(lambda path: path.parents[1], id="folder of all uploads"),
        pytest.param(lambda path: path.parent, id="folder of one upload"),
        pytest.param(lambda path: path.parents[1] / "." / ".", id="folder with dots"),
        pytest.param(lambda path: path.parent / ".." / "..", id="folder above"),
        pytest.param(lambda path: path.with_name("absent.png"), id="no file"),
    ],
)
def test_a_path_that_is_no_upload_is_refused_and_the_uploads_of_others_stay(app, endpoint, given):
    victim = upload(app)
    name, content = call(app, endpoint, given(victim))
    assert name == "error"
    assert victim.name not in content
    assert victim.is_file()
    assert call(app, "read", victim)[0] == "complete"


def test_two_users_who_send_the_same_file_each_have_their_own(app):
    first, second = upload(app), upload(app)
    assert first.parent != second.parent
    for path in (first, second):
        assert call(app, "read", path)[0] == "complete"


def test_a_link_in_place_of_an_upload_is_refused(app, tmp_path):
    upload(app)
    target = tmp_path / "other.png"
    target.write_bytes(FILM[1])
    link = upload(app)
    link.unlink()
    link.symlink_to(target)
    assert call(app, "read", link)[0] == "error"
    assert target.is_file()
    link.unlink()
