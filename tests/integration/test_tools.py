"""The MCP tools, through the official client."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor

import anyio
import httpx
import pytest

from tests.fixtures.evaluations import make_three_models
from tests.fixtures.image_files import make_png
from tests.fixtures.servers.app import REPOSITORY, serve_app

pytest.importorskip("mcp", reason="mcp is not installed")

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

EXAMPLE = REPOSITORY / "examples" / "IMG0000479.jpg"
PLACE = "/gradio_api/mcp"


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """Serve three small models with the MCP tools on."""
    folder = tmp_path_factory.mktemp("tools")
    make_three_models(folder / "weights")
    with serve_app(folder / "weights", folder, BONEFX_MCP="1") as served:
        yield served


def asked(app, method, *args, end="", auth=None):
    """Send one request to the tools, in a session of its own."""

    async def ask():
        async with (
            httpx.AsyncClient(auth=auth, timeout=60) as client,
            streamable_http_client(app.url + PLACE + end, http_client=client) as (reads, writes, _),
            ClientSession(reads, writes) as session,
        ):
            await session.initialize()
            return await getattr(session, method)(*args)

    with ThreadPoolExecutor(1) as thread:  # a browser test may have left a loop in this one
        return thread.submit(anyio.run, ask).result()


def called(app, tool, auth=None, **inputs):
    """Return the answer of a tool."""
    answer = asked(app, "call_tool", tool, inputs, auth=auth)
    assert not answer.isError, answer.content
    return answer.structuredContent


def refused(app, tool, **inputs):
    """Return the error message of a tool."""
    answer = asked(app, "call_tool", tool, inputs)
    assert answer.isError
    return answer.content[0].text


def in_base64(content):
    return base64.b64encode(content).decode()


def upload(app):
    """Upload a film, and return its path on the server."""
    files = {"files": (EXAMPLE.name, EXAMPLE.read_bytes())}
    return httpx.post(f"{app.url}/gradio_api/upload", files=files).json()[0]


def kept(app):
    """Return the films on the disk of the app."""
    folders = [*app.uploads.glob("bonefx-run-*/uploads"), *app.lists]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if path.stat().st_size]


def test_three_tools_are_offered_with_described_inputs_and_nothing_else(app):
    tools = {tool.name: tool for tool in asked(app, "list_tools").tools}
    inputs = {name: set(tool.inputSchema["properties"]) for name, tool in tools.items()}
    assert inputs == {
        "read": {
            "film",
            "point",
            "invert",
            "turn",
            "mirror",
            "crop",
            "outside_scope",
            "damaged",
            "region",
        },
        "compare": {"film", "models"},
        "worklist": {"films", "point"},
    }
    for tool in tools.values():
        assert "medical device" in tool.description
        for described in tool.inputSchema["properties"].values():
            assert described["description"]
            assert "type" in described or "anyOf" in described
        assert "first, second, third" in tool.description
        assert "screening" in tool.description
    assert asked(app, "list_resources").resources == []
    assert asked(app, "list_prompts").prompts == []
    assert "Unknown tool" in refused(app, "on_upload", path=str(EXAMPLE))


def test_an_address_with_a_trailing_slash_works_too(app):
    assert len(asked(app, "list_tools", end="/").tools) == 3


@pytest.mark.parametrize("start", ["", "data:image/jpeg;base64,"])
def test_an_example_in_base64_is_read_and_not_kept(app, start):
    film = start + in_base64(EXAMPLE.read_bytes())
    reading = called(app, "read", film=film, point="screening")
    assert reading["verdict"] in {"fracture", "no_fracture", "review"}
    assert reading["point"] == "screening"
    assert 0 <= reading["probability"] <= 1
    assert kept(app) == []


@pytest.mark.parametrize("start", ["", "{url}/gradio_api/file="])
def test_an_upload_is_read_once_and_not_kept(app, start):
    film = start.format(url=app.url) + upload(app)
    assert len(kept(app)) == 1
    assert called(app, "read", film=film)["model"] == "first"
    assert kept(app) == []
    assert "send the file to /gradio_api/upload first" in refused(app, "read", film=film)


def test_films_are_compared_and_listed(app):
    film = in_base64(EXAMPLE.read_bytes())
    compared = called(app, "compare", film=film, models=["first", "third"])
    assert [reading["model"] for reading in compared["readings"]] == ["first", "third"]
    films = [film, upload(app), in_base64(b"no film"), in_base64(make_png())]
    rows = called(app, "worklist", films=films)["films"]
    assert [row["error"] is None for row in rows] == [True, True, False, True]
    assert rows[1]["same_as"] == 1
    assert kept(app) == []


@pytest.mark.parametrize("film", [str(EXAMPLE), "/etc/passwd", "a\0b", "../weights", "%%%"])
def test_a_file_of_the_server_is_not_read(app, film):
    assert "film" in refused(app, "read", film=film)
    assert EXAMPLE.is_file()


def test_an_invalid_request_is_refused_with_a_message(app):
    film = in_base64(EXAMPLE.read_bytes())
    assert "use PNG, JPEG" in refused(app, "read", film=in_base64(b"no film"))
    assert "no operating point 'lenient'" in refused(app, "read", film=film, point="lenient")
    assert "hoose two or more" in refused(app, "compare", film=film, models=["first"])
    assert kept(app) == []
    assert "Traceback" not in app.log.read_text()


def test_a_page_of_another_host_is_refused(app):
    told = httpx.post(app.url + PLACE, json={}, headers={"Host": "evil.example.org"})
    assert told.status_code == 421


def test_tools_are_off_by_default(app_of_three):
    assert httpx.post(app_of_three.url + PLACE, json={}).status_code in {404, 405}


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    """Serve the app with tools and a login."""
    folder = tmp_path_factory.mktemp("locked")
    make_three_models(folder / "weights")
    with serve_app(folder / "weights", folder, BONEFX_MCP="1", BONEFX_AUTH="anna:geheim") as served:
        yield served


def test_tools_require_the_login(locked):
    for auth in (None, ("anna", "wrong"), ("ben", "geheim")):
        told = httpx.post(locked.url + PLACE, json={}, auth=auth)
        assert told.status_code == 401
        assert told.headers["www-authenticate"].startswith("Basic")
    for header in ("Bearer geheim", "Basic %%%", "Basic YW5uYQ==", "geheim"):
        told = httpx.post(locked.url + PLACE + "/", json={}, headers={"Authorization": header})
        assert told.status_code == 401


def test_an_assistant_that_logs_in_reads_a_film(locked):
    film = in_base64(EXAMPLE.read_bytes())
    assert called(locked, "read", auth=("anna", "geheim"), film=film)["model"] == "first"


def test_wrong_passwords_at_the_tools_are_delayed_as_on_the_page(locked):
    codes = [
        httpx.post(locked.url + PLACE, json={}, auth=("eve", f"guess {number}")).status_code
        for number in range(8)
    ]
    assert codes == [401] * 5 + [429] * 3
    form = {"username": "eve", "password": "guess"}
    told = httpx.post(f"{locked.url}/login", data=form)
    assert told.status_code == 429
    assert 0 < int(told.headers["retry-after"]) <= 60
    assert "wait" in told.json()["detail"]
    assert "guess" not in locked.log.read_text()


def test_attempts_are_counted_by_the_address_that_a_local_proxy_forwards(locked):
    def tried(user, address):
        return httpx.post(
            f"{locked.url}/login",
            data={"username": user, "password": "wrong"},
            headers={"X-Forwarded-For": address},
        ).status_code

    codes = [tried(f"user {number}", "203.0.113.9") for number in range(21)]
    assert codes == [400] * 20 + [429]
    assert tried("one more", "203.0.113.10") == 400
