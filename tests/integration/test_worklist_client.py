"""The API of the worklist, through gradio's client."""

from __future__ import annotations

import time
import zipfile

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from gradio_client.utils import Status

from bonefx.report.table_records import CaseTable, RowTable
from tests.fixtures.image_files import make_png
from tests.fixtures.servers.app import REPOSITORY

EXAMPLE = REPOSITORY / "examples" / "IMG0000479.jpg"


@pytest.fixture(scope="module")
def client(app):
    """Connect a client to the running app."""
    return Client(app.url, verbose=False, analytics_enabled=False)


@pytest.fixture
def n_films(request):
    """Return a number of films that keeps a model busy for a while."""
    return 200 if request.node.callspec.params["app"] == "tiny" else 30


@pytest.fixture
def archive(tmp_path, n_films):
    """Write a zip archive of many films."""
    path = tmp_path / "list.zip"
    with zipfile.ZipFile(path, "w") as made:
        for index in range(n_films):
            made.writestr(f"{index}.png", make_png(seed=index))
    return path


def test_a_worklist_returns_one_entry_a_film_with_errors_of_broken_ones(
    client, tmp_path, archive, app
):
    broken = tmp_path / "DOE-JANE.png"
    broken.write_bytes(b"no film")
    small = tmp_path / "small.zip"
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(small, "w") as made:
        made.writestr("in/0.png", source.read("0.png"))
    files = [handle_file(path) for path in (EXAMPLE, broken, small)]
    rows = client.predict(films=files, point="screening", api_name="/worklist")
    fields = {*RowTable.__annotations__, *CaseTable.__annotations__}
    assert [set(row) for row in rows] == [fields] * 3
    assert [row["film"] for row in rows] == [EXAMPLE.name, broken.name, "small.zip/in/0.png"]
    assert [row["error"] is None for row in rows] == [True, False, True]
    assert rows[0]["verdict"] in {"fracture", "no_fracture", "review"}
    assert {row["point"] for row in rows} == {"screening", None}
    alone = client.predict(film=handle_file(EXAMPLE), point="screening", api_name="/read")
    assert rows[0]["probability"] == pytest.approx(alone["probability"], abs=1e-5)
    assert rows[0]["sha256"] == alone["sha256"]
    assert app.lists == []
    assert "DOE" not in app.log.read_text()
    assert [
        path for path in app.uploads.rglob("*") if path.name in {EXAMPLE.name, broken.name}
    ] == []


def test_a_single_film_is_read_while_a_worklist_runs(client, archive, n_films):
    files = [handle_file(archive)]
    running = client.submit(films=files, point="balanced", api_name="/worklist")
    deadline = time.monotonic() + 60
    while running.status().code is not Status.PROCESSING and time.monotonic() < deadline:
        time.sleep(0.05)
    reading = client.predict(film=handle_file(EXAMPLE), point="balanced", api_name="/read")
    assert not running.done()
    assert 0 <= reading["probability"] <= 1
    assert len(running.result(timeout=300)) == n_films


def test_the_worklist_describes_its_inputs(client):
    api = client.view_api(return_format="dict", print_info=False)
    worklist = api["named_endpoints"]["/worklist"]
    names = [parameter["parameter_name"] for parameter in worklist["parameters"]]
    assert names == ["films", "point"]
    assert "list[filepath]" in worklist["parameters"][0]["python_type"]["type"].lower()
    assert "not a medical device" in worklist["description"]


def test_an_unknown_operating_point_is_refused(client):
    with pytest.raises(AppError, match=r"lenient"):
        client.predict(films=[handle_file(EXAMPLE)], point="lenient", api_name="/worklist")
