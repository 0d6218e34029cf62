"""A served app whose decoder ends or fails on some files: other users are answered all the same."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.fixtures.archive_files import make_zip
from tests.fixtures.harmful_files import HARMFUL_BOOT
from tests.fixtures.image_files import make_png
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.servers.app import serve_app

PROGRAM = (
    "import sys; from bonefx.films.decoding import launch; "
    "launch.BOOT = sys.argv.pop(1); import app; sys.exit(app.main())"
)
FILM = make_png(300, 220)
TIMEOUT_S = 240


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    folder = tmp_path_factory.mktemp("harmful")
    make_model_folder(folder / "weights")
    with serve_app(folder / "weights", folder, program=("-c", PROGRAM, HARMFUL_BOOT)) as app:
        yield app


def start_call(app, endpoint, content):
    """Send a file to an endpoint; return the address of its answer."""
    files = {"files": ("Miller_Jane.png", content)}
    (path,) = httpx.post(f"{app.url}/gradio_api/upload", files=files, timeout=TIMEOUT_S).json()
    film = {"path": path, "meta": {"_type": "gradio.FileData"}}
    data = {
        "read": [film, "balanced", False, 0, False, None, False, False, ""],
        "worklist": [[film], "balanced"],
    }
    address = f"{app.url}/gradio_api/call/{endpoint}"
    event = httpx.post(address, json={"data": data[endpoint]}, timeout=TIMEOUT_S)
    return f"{address}/{event.json()['event_id']}"


def answer(address):
    *_, last = httpx.get(address, timeout=TIMEOUT_S).text.strip().split("\n\n")
    name, _, content = last.partition("\n")
    return name.removeprefix("event: "), content


def test_another_user_is_answered_while_a_file_kills_its_decoder(app):
    harmful, other = start_call(app, "read", b"abort"), start_call(app, "read", FILM)
    assert answer(other)[0] == "complete"
    assert answer(harmful)[0] == "error"
    assert answer(start_call(app, "read", FILM))[0] == "complete"


def test_harmful_files_of_a_list_become_rows_beside_its_films(app, tmp_path):
    members = [("1.png", FILM), ("2.dcm", b"abort"), ("3.dcm", b"fail"), ("4.png", FILM)]
    path = make_zip(tmp_path / "list.zip", members)
    name, content = answer(start_call(app, "worklist", path.read_bytes()))
    assert name == "complete"
    assert "ends the program that decodes it" in content
    assert "bonefx failed on this file" in content
    assert content.count('"error": null') == 2


def test_the_log_names_the_place_of_a_fault_and_nothing_of_the_file(app):
    assert answer(start_call(app, "read", b"fail"))[0] == "error"
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
        assert answer(start_call(app, "read", FILM))[0] == "complete"
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
