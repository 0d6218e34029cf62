"""Attacks on the uploads of other users: folders, links and paths in place of an own upload."""

from __future__ import annotations

import pytest

from tests.fixtures.image_files import make_png
from tests.fixtures.servers.calls import answer_of, start_call, upload

pytestmark = pytest.mark.parametrize("app", ["three"], indirect=True)

ENDPOINTS = ("read", "compare", "worklist")
FILM = make_png(300, 220)


def send(app):
    """Upload the film, and return the path that the app gave it."""
    return upload(app.url, "film.png", FILM)


def call(app, endpoint, path):
    """Call an endpoint with one film, and return the name and the text of its last event."""
    return answer_of(start_call(app.url, endpoint, [path]))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_upload_is_read_once_and_deleted(app, endpoint):
    path = send(app)
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
    victim = send(app)
    name, content = call(app, endpoint, given(victim))
    assert name == "error"
    assert victim.name not in content
    assert victim.is_file()
    assert call(app, "read", victim)[0] == "complete"


def test_two_users_who_send_the_same_file_each_have_their_own(app):
    first, second = send(app), send(app)
    assert first.parent != second.parent
    for path in (first, second):
        assert call(app, "read", path)[0] == "complete"


def test_a_link_in_place_of_an_upload_is_refused(app, tmp_path):
    send(app)
    target = tmp_path / "other.png"
    target.write_bytes(FILM)
    link = send(app)
    link.unlink()
    link.symlink_to(target)
    assert call(app, "read", link)[0] == "error"
    assert target.is_file()
    link.unlink()
