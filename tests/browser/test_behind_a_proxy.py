"""The app under a path of a reverse proxy, with a login."""

from __future__ import annotations

import re

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from playwright.sync_api import expect
from pypdf import PdfReader

from bonefx.web.auth.passwords import hash_password
from tests.browser.helpers import (
    expect_verdict_and_film,
    find_serious_violations,
    new_page,
    upload_film,
)
from tests.fixtures.evaluations import make_three_models
from tests.fixtures.image_files import make_png
from tests.fixtures.servers.app import REPOSITORY, serve_app
from tests.fixtures.servers.reverse_proxy import serve_behind_proxy

EXAMPLE = REPOSITORY / "examples" / "IMG0000479.jpg"


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """Serve three small models with a login and the path of the proxy."""
    folder = tmp_path_factory.mktemp("proxied")
    make_three_models(folder / "weights")
    users = folder / "users"
    users.write_text(f"anna:{hash_password('geheim')}\n")
    settings = {"BONEFX_AUTH": str(users), "BONEFX_ROOT_PATH": "/bonefx"}
    with serve_app(folder / "weights", folder, **settings) as served:
        yield served


@pytest.fixture(scope="module")
def url(app):
    """Return the address at which the proxy serves the app."""
    with serve_behind_proxy(app.url, "/bonefx") as served_at:
        yield f"{served_at}/"


@pytest.fixture
def faults():
    """Return the list of console errors and failed requests; it grows during the test."""
    return []


@pytest.fixture
def login_page(chromium, url, faults):
    """Open the login page in a new session."""
    page = new_page(chromium)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("response", lambda answer: answer.status >= 400 and faults.append(answer.url))
    page.on("console", lambda said: said.type == "error" and faults.append(said.text))
    page.goto(url)
    yield page
    page.context.close()


@pytest.fixture
def page(login_page, faults):
    """Log in; any console error or failed request fails the test."""
    log_in(login_page, "geheim")
    expect(login_page.get_by_role("button", name="Example 1: ")).to_be_visible()
    yield login_page
    assert faults == []


def log_in(page, password):
    page.get_by_label("User name").fill("anna")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_the_login_page_has_a_title_and_the_notice(login_page, faults):
    expect(login_page).to_have_title("bonefx")
    expect(login_page.get_by_role("heading", name="bonefx")).to_be_visible()
    expect(login_page.get_by_text("not a medical device")).to_be_visible()
    expect(login_page.get_by_label("User name")).to_be_focused()
    assert login_page.get_by_label("Password").get_attribute("type") == "password"
    assert find_serious_violations(login_page) == {}
    assert faults == []


def test_a_wrong_password_is_refused_with_a_message(login_page):
    log_in(login_page, "Geheim")
    expect(login_page.get_by_role("alert")).to_contain_text("User name or password is wrong")
    expect(login_page.get_by_label("Password")).to_be_focused()
    expect(login_page.get_by_role("tab")).to_have_count(0)


def test_repeated_wrong_passwords_are_delayed_with_the_time_to_wait(login_page, app):
    for _ in range(6):
        login_page.get_by_label("User name").fill("mallory")
        login_page.get_by_label("Password").fill("Geheim")
        with login_page.expect_response("**/login"):
            login_page.get_by_role("button", name="Log in").click()
    expect(login_page.get_by_role("alert")).to_contain_text(
        re.compile(r"Too many failed attempts\. Wait \d+ seconds, then try again\.")
    )
    log_in(login_page, "geheim")  # another user of the same address still comes in
    expect(login_page.get_by_role("button", name="Example 1: ")).to_be_visible()
    assert not {"mallory", "Geheim"} & set(re.findall(r"\w+", app.log.read_text()))


def test_a_user_who_logs_out_must_log_in_again(page, url):
    page.get_by_role("link", name="Log out").click()
    expect(page.get_by_label("User name")).to_be_visible()
    page.goto(url)
    expect(page.get_by_label("User name")).to_be_visible()


def test_without_a_login_neither_page_nor_film_is_served(app, url):
    assert "Example 1" not in httpx.get(url).text
    assert "named_endpoints" not in httpx.get(url).text
    for path in ("config", "gradio_api/info", f"gradio_api/file={EXAMPLE}", "monitoring"):
        assert httpx.get(url + path).status_code == 401, path
    sent = httpx.post(f"{url}gradio_api/upload", files={"files": EXAMPLE.read_bytes()})
    assert sent.status_code == 401
    asked = httpx.post(f"{url}gradio_api/call/read", json={"data": [None, "balanced"]})
    assert asked.status_code == 401


def test_an_example_and_an_upload_are_read(page, tmp_path):
    page.get_by_role("button", name="Example 1: ").click()
    expect_verdict_and_film(page)
    film = tmp_path / "film.png"
    film.write_bytes(make_png(220, 160))
    upload_film(page, film)
    expect(page.locator("#details")).to_contain_text(re.compile(r"160 . 220"))
    expect_verdict_and_film(page)


def test_a_report_is_downloaded(page, tmp_path):
    page.get_by_role("button", name="Example 1: ").click()
    expect_verdict_and_film(page)
    page.locator("#report > button").click()
    with page.expect_download() as download:
        page.locator("#report_forms").get_by_role("button", name="PDF", exact=True).click()
    download.value.save_as(tmp_path / "report.pdf")
    assert len(PdfReader(tmp_path / "report.pdf").pages) == 1


def test_a_row_of_a_worklist_opens_in_read(page, tmp_path):
    paths = [tmp_path / f"film{number}.png" for number in range(3)]
    for seed, path in enumerate(paths):
        path.write_bytes(make_png(200, 150, seed=seed))
    page.get_by_role("tab", name="Worklist").click()
    page.locator("#films input[type=file]").set_input_files(paths)
    expect(page.locator("#list")).to_contain_text("3 films")
    expect(page.locator(".rows tbody tr")).to_have_count(3)
    page.get_by_role("button", name="film0.png").press("Enter")
    expect(page.get_by_role("tab", name="Read")).to_have_attribute("aria-selected", "true")
    expect_verdict_and_film(page)


def test_a_link_to_tab_and_model_opens_them_under_the_path(page, url):
    page.goto(f"{url}?tab=compare&model=second")
    expect(page.get_by_role("tab", name="Compare")).to_have_attribute("aria-selected", "true")
    page.get_by_role("tab", name="Read").click()
    expect(page.locator("#model input[value=second]")).to_be_checked()
    expect(page).to_have_url(re.compile(re.escape(url) + r"\?tab=read&model=second"))


def test_the_page_requests_nothing_outside_the_path(page, url):
    asked = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    linked = page.locator("link[href]").evaluate_all("links => links.map((link) => link.href)")
    assert asked
    assert [at for at in asked + linked if not at.startswith((url, "data:"))] == []


def test_a_program_logs_in_and_reads(url):
    client = Client(url, auth=("anna", "geheim"), verbose=False, analytics_enabled=False)
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(endpoints) == {"/read", "/compare", "/worklist"}
    film = handle_file(EXAMPLE)
    alone = client.predict(film=film, point="balanced", api_name="/read")
    both = client.predict(film=film, models=["first", "second"], api_name="/compare")
    (row,) = client.predict(films=[film], point="balanced", api_name="/worklist")
    assert both["readings"][0]["sha256"] == row["sha256"] == alone["sha256"]


def test_a_program_with_a_wrong_password_is_refused(url):
    with pytest.raises((AppError, ValueError), match=r"[Cc]redentials|login|auth"):
        Client(url, auth=("anna", "wrong"), verbose=False, analytics_enabled=False)
