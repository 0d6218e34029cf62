"""The page under its Content-Security-Policy: nothing that it needs is blocked, and no frame."""

from __future__ import annotations

import http.server
import threading

import pytest
from playwright.sync_api import expect

from tests.browser.helpers import expect_verdict_and_film, new_page, upload_film

pytestmark = pytest.mark.parametrize("app", ["three"], indirect=True)


@pytest.fixture
def complaints(chromium):
    """Return the list of what the console of the page complains about; it grows."""
    return []


@pytest.fixture
def page(app, chromium, complaints):
    """Open the app; each blocked part and each console error is noted."""
    page = new_page(chromium)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', (event) => console.error("
        "`blocked ${event.violatedDirective} ${event.blockedURI} ${event.sample}`))"
    )
    page.goto(app.url)
    expect(page.get_by_role("button", name="Example 1: ")).to_be_visible()
    page.wait_for_selector("#film input[type=file][multiple]", state="attached")
    yield page
    page.context.close()


def test_reading_reporting_and_every_tab_work_without_a_complaint(
    page, complaints, film_file, tmp_path
):
    upload_film(page, film_file)
    expect_verdict_and_film(page)
    page.locator("#report > button").click()
    for form in ("PDF", "JSON"):
        with page.expect_download() as download:
            page.locator("#report_forms").get_by_role("button", name=form, exact=True).click()
        download.value.save_as(tmp_path / form)
        assert (tmp_path / form).stat().st_size > 100
    page.get_by_role("tab", name="Compare").click()
    page.locator("#compare-film input[type=file]").set_input_files(film_file)
    expect(page.get_by_role("region", name="Performance on test films").last).to_be_visible()
    page.get_by_role("tab", name="Worklist").click()
    page.locator("#films input[type=file]").set_input_files(film_file)
    expect(page.locator(".rows tbody tr")).to_have_count(1)
    page.get_by_role("tab", name="Model card").click()
    expect(page.get_by_role("heading").first).to_be_visible()
    assert complaints == []


def test_a_script_that_is_smuggled_into_the_page_does_not_run(page):
    with page.expect_console_message(lambda said: "blocked script-src" in said.text):
        page.evaluate(
            "() => { const part = document.createElement('div');"
            "part.innerHTML = '<img src=x onerror=\"window.smuggled = 1\">';"
            "document.body.append(part); }"
        )
    assert page.evaluate("window.smuggled") is None


def test_another_site_cannot_show_the_app_in_a_frame(app, chromium):
    body = f'<iframe id="app" src="{app.url}"></iframe>'.encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Keep the test's output clean."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = new_page(chromium)
    try:
        with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
            page.goto(f"http://localhost:{server.server_port}/")
        assert page.frame_locator("#app").get_by_role("tab").count() == 0
    finally:
        page.context.close()
        server.shutdown()
        server.server_close()
