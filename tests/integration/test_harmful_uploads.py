"""A served app whose decoder ends or fails on some files: other users are answered all the same."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tests.fixtures.archive_files import make_zip
from tests.fixtures.harmful_files import HARMFUL_BOOT
from tests.fixtures.image_files import make_png
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.servers.app import serve_app
from tests.fixtures.servers.calls import answer_of, start_call, upload

PROGRAM = (
    "import sys; from bonefx.films.decoding import launch; "
    "launch.BOOT = sys.argv.pop(1); import app; sys.exit(app.main())"
)
FILM = make_png(300, 220)


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    folder = tmp_path_factory.mktemp("harmful")
    make_model_folder(folder / "weights")
    with serve_app(folder / "weights", folder, program=("-c", PROGRAM, HARMFUL_BOOT)) as app:
        yield app


def ask(app, endpoint, content):
    """Send a file to an endpoint; return the address of its answer."""
    return start_call(app.url, endpoint, [upload(app.url, "Miller_Jane.png", content)])


def test_another_user_is_answered_while_a_file_kills_its_decoder(app):
    harmful, other = ask(app, "read", b"abort"), ask(app, "read", FILM)
    assert answer_of(other)[0] == "complete"
    assert answer_of(harmful)[0] == "error"
    assert answer_of(ask(app, "read", FILM))[0] == "complete"


def test_harmful_files_of_a_list_become_rows_beside_its_films(app, tmp_path):
    members = [("1.png", FILM), ("2.dcm", b"abort"), ("3.dcm", b"fail"), ("4.png", FILM)]
    path = make_zip(tmp_path / "list.zip", members)
    name, content = answer_of(ask(app, "worklist", path.read_bytes()))
    assert name == "complete"
    assert "ends the program that decodes it" in content
    assert "bonefx failed on this file" in content
    assert content.count('"error": null') == 2


def test_the_log_names_the_place_of_a_fault_and_nothing_of_the_file(app):
    assert answer_of(ask(app, "read", b"fail"))[0] == "error"
    log = app.log.read_text()
    assert "bonefx failed on a film" in log
    assert "requests.py" in log
    assert "KeyError" in log
    assert "SECRET" not in log
    assert "Miller" not in log


@pytest.mark.skipif(sys.platform != "linux", reason="processes are listed in /proc")
def test_decoding_processes_end_with_the_app(tmp_path):
    make_model_folder(tmp_path / "weights")
    with serve_app(tmp_path / "weights", tmp_path) as app:
        assert answer_of(ask(app, "read", FILM))[0] == "complete"
        running = decoders_of(app.url.rpartition(":")[2])
        assert len(running) == 2
    deadline = time.monotonic() + 60
    while any(path.exists() for path in running) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(path.exists() for path in running)


def decoders_of(port):
    """Return the folders in /proc of the children of the app at a port."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"BONEFX_PORT={port}".encode() in (process / "environ").read_bytes().split(b"\0"):
                children = (process / "task" / process.name / "children").read_text().split()
                return [Path("/proc", child) for child in children]
        except OSError:  # it has ended, or is another user's
            continue
    return []
