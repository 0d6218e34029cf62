"""Which requests are answered: hosts, sites, logins, cookies, headers, ids and health."""

from __future__ import annotations

import json
import re

import httpx
import pytest

from bonefx import __version__
from tests.fixtures.image_files import make_png
from tests.fixtures.servers.app import serve_app
from tests.fixtures.servers.calls import answer_of, start_call, upload

NAME = "Miller_Anna.png"
FILM = make_png(120, 96)
LOGIN = {"username": "anna", "password": "geheim"}
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}


@pytest.fixture(scope="module")
def app(weights, tmp_path_factory):
    """Serve the app with a login, a proxy's name and a log of JSON lines."""
    settings = {
        "BONEFX_AUTH": "anna:geheim", "BONEFX_LOG_FORMAT": "json",
        "BONEFX_ALLOWED_HOSTS": "films.example.org",
    }  # fmt: skip
    with serve_app(weights, tmp_path_factory.mktemp("guarded"), **settings) as served:
        yield served


@pytest.fixture(scope="module")
def cookies(app):
    """Log in, and return the cookies."""
    return httpx.post(f"{app.url}/login", data=LOGIN).cookies


def log_lines(app):
    return [json.loads(line) for line in app.log.read_text().splitlines()]


def test_every_answer_has_the_headers_even_a_refusal(app):
    routes = ("/", "/healthz", "/config", "/nowhere", "/gradio_api/upload", "/theme.css")
    for route in routes:
        answer = httpx.get(app.url + route)
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, route
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "object-src 'none'" in policy
        assert "script-src" in policy
        assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]


def test_the_scripts_of_a_page_carry_the_nonce_of_its_answer_alone(app, cookies):
    first, second = (httpx.get(app.url, cookies=cookies) for _ in range(2))
    (nonce,) = re.findall(r"'nonce-([^']+)'", first.headers["content-security-policy"])
    assert first.text.count("<script") == first.text.count(f'<script nonce="{nonce}"') > 1
    assert nonce not in second.text


@pytest.mark.parametrize(
    ("route", "method"),
    [
        ("/config", "GET"), ("/gradio_api/user", "GET"), ("/gradio_api/token", "GET"),
        ("/gradio_api/app_id", "GET"), ("/gradio_api/startup-events", "GET"),
        ("/gradio_api/heartbeat/a", "GET"), ("/gradio_api/queue/data", "GET"),
        ("/gradio_api/upload", "POST"), ("/gradio_api/reset", "POST"),
        ("/gradio_api/cancel", "POST"), ("/gradio_api/vibe-code", "GET"),
        ("/gradio_api/stream/a/1/2/playlist.m3u8", "GET"), ("/gradio_api/file=/etc/passwd", "GET"),
        ("/gradio_api/queue/join", "POST"), ("/gradio_api/run/read", "POST"), ("/docs", "GET"),
        ("/monitoring/a", "GET"), ("/robots.txt", "GET"), ("/nowhere", "GET"),
    ],
)  # fmt: skip
def test_without_a_login_no_route_answers(app, route, method):
    assert httpx.request(method, app.url + route).status_code == 401


def test_without_a_login_the_login_page_its_parts_and_health_answer(app):
    page = httpx.get(app.url)
    assert page.status_code == 200
    assert "Log in" in page.text
    assert "gradio_config" not in page.text
    for route in ("/healthz", "/favicon.ico", "/theme.css"):
        assert httpx.get(app.url + route).status_code == 200, route


def test_with_a_login_films_are_read_and_unused_routes_are_closed(app, cookies):
    path = upload(app.url, NAME, FILM, cookies=cookies)
    address = start_call(app.url, "read", [path], cookies=cookies)
    assert answer_of(address, cookies=cookies)[0] == "complete"
    for route in ("token", "proxy=http://example.org/", "file=https://example.org/a", "vibe-code"):
        answer = httpx.get(f"{app.url}/gradio_api/{route}", cookies=cookies)
        assert answer.status_code == 404, route


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_cookies_are_for_the_app_alone_and_behind_tls_for_tls_alone(app, scheme):
    answer = httpx.post(f"{app.url}/login", data=LOGIN, headers={"X-Forwarded-Proto": scheme})
    (cookie,) = answer.headers.get_list("set-cookie")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert ("Secure" in cookie) is (scheme == "https")
    assert ("unsecure" in cookie) is (scheme == "http")


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Host": "evil.example"}, id="another name for this machine"),
        pytest.param({"Host": "127.0.0.1.evil.example:7860"}, id="a name that begins alike"),
        pytest.param({"Host": "films.example.org.evil.example"}, id="a name that begins like ours"),
        pytest.param({"Host": ""}, id="no name"),
    ],
)
def test_requests_under_a_foreign_name_are_refused_on_every_route(app, cookies, headers):
    for route in ("/", "/config", "/gradio_api/upload", "/gradio_api/mcp", "/theme.css"):
        answer = httpx.get(app.url + route, headers=headers, cookies=cookies)
        assert answer.status_code in {400, 421}, route
        assert "BONEFX_ALLOWED_HOSTS" in answer.text or headers["Host"] == ""


@pytest.mark.parametrize("host", ["localhost:7860", "[::1]:7860", "films.example.org"])
def test_the_names_of_this_machine_and_allowed_ones_are_answered(app, host):
    answer = httpx.get(app.url, headers={"Host": host, "X-Forwarded-Proto": "https"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "https://evil.example"}, id="another site"),
        pytest.param({"Origin": "null"}, id="a page without a site"),
        pytest.param({"Origin": "http://127.0.0.1:1"}, id="another port"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="a form of another site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, id="a neighbour under the same domain"),
    ],
)
def test_uploads_and_reads_of_other_sites_are_refused(app, cookies, headers):
    files = {"files": (NAME, FILM)}
    sent = httpx.post(f"{app.url}/gradio_api/upload", files=files, headers=headers, cookies=cookies)
    assert sent.status_code == 403
    assert "does not answer pages of other sites" in sent.json()["detail"]
    config = httpx.get(f"{app.url}/config", headers=headers, cookies=cookies)
    assert config.status_code == 403
    assert list(app.uploads.rglob(NAME)) == []


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Sec-Fetch-Site": "same-origin"}, id="its own page"),
        pytest.param({"Origin": "https://films.example.org"}, id="its page behind a proxy"),
        pytest.param({}, id="a program"),
    ],
)
def test_its_own_pages_and_programs_are_answered(app, cookies, headers):
    config = httpx.get(f"{app.url}/config", headers=headers, cookies=cookies)
    assert config.status_code == 200


def test_a_link_of_another_site_opens_the_page_but_does_not_log_out(app, cookies):
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert httpx.get(app.url, headers=link, cookies=cookies).status_code == 200
    assert httpx.get(f"{app.url}/logout", headers=link, cookies=cookies).status_code == 403


def test_health_names_status_version_and_models_and_nothing_else(app):
    answer = httpx.get(f"{app.url}/healthz", headers={"Host": "10.1.2.3"})
    assert answer.json() == {"status": "ok", "version": __version__, "models": ["tiny"]}


def test_each_request_has_an_id_that_its_log_line_has_too(app, cookies):
    own = httpx.get(f"{app.url}/config", cookies=cookies).headers["x-request-id"]
    given = httpx.get(f"{app.url}/config", cookies=cookies, headers={"X-Request-ID": "proxy-17"})
    assert given.headers["x-request-id"] == "proxy-17"
    odd = httpx.get(f"{app.url}/config", cookies=cookies, headers={"X-Request-ID": 'a"}\t{'})
    assert re.fullmatch(r"[0-9a-f]{8}", odd.headers["x-request-id"])
    lines = {line.get("request_id"): line for line in log_lines(app)}
    for request_id in (own, "proxy-17"):
        line = lines[request_id]
        assert (line["method"], line["route"], line["status"]) == ("GET", "/config", 200)
        assert line["elapsed_ms"] >= 0


def test_the_log_is_json_and_holds_no_file_name_user_or_password(app, cookies):
    path = upload(app.url, NAME, b"no film", cookies=cookies)
    httpx.get(f"{app.url}/gradio_api/file={path}", cookies=cookies)
    address = start_call(app.url, "read", [path], cookies=cookies)
    assert answer_of(address, cookies=cookies)[0] == "error"
    httpx.post(f"{app.url}/login", data={"username": "Miller", "password": "Anna"})
    assert {"time", "level", "logger", "message"} <= set(log_lines(app)[-1])
    assert not re.search("Miller|Anna|anna|geheim|no film", app.log.read_text())
