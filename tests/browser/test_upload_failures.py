"""An upload that a proxy refuses shows a message, and the next upload works."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.helpers import expect_verdict_and_film, upload_film, verdict_region
from tests.fixtures.image_files import make_png
from tests.fixtures.servers.app import ServedApp
from tests.fixtures.servers.reverse_proxy import serve_behind_proxy

WORDS = "A proxy server in front of bonefx refuses files of this size. Choose a smaller file"


@pytest.fixture(scope="module")
def app(app_of_three):
    """Let the page fixture open the app behind a proxy with a small upload limit."""
    with serve_behind_proxy(app_of_three.url, "", most_bytes=60_000) as url:
        yield ServedApp(url=url, log=app_of_three.log, uploads=app_of_three.uploads)


@pytest.fixture
def large(tmp_path):
    """Write a film above the limit of the proxy."""
    noise = np.random.default_rng(0).integers(0, 255, (400, 300), np.uint8)
    cv2.imwrite(str(tmp_path / "large.png"), noise)
    return tmp_path / "large.png"


@pytest.fixture
def small(tmp_path):
    """Write a film below the limit of the proxy."""
    (tmp_path / "small.png").write_bytes(make_png(seed=3))
    return tmp_path / "small.png"


def test_read_shows_the_reason_and_reads_a_smaller_film(page, large, small):
    upload_film(page, large)
    expect(verdict_region(page)).to_contain_text(WORDS)
    expect(page.locator("#viewer")).to_contain_text("No film.")
    expect(page.locator("#film .clear-status")).to_have_count(0)
    upload_film(page, small)
    expect_verdict_and_film(page)
    upload_film(page, large)
    expect(verdict_region(page)).to_contain_text(WORDS)
    expect(page.locator("figure.film .stage")).to_have_count(0)


def test_compare_shows_the_reason_and_reads_a_smaller_film(page, large, small):
    page.get_by_role("tab", name="Compare").click()
    film = page.locator("#compare-film input[type=file]")
    film.set_input_files(large)
    expect(page.locator("#compare-sides")).to_contain_text(WORDS)
    film.set_input_files(small)
    expect(page.get_by_role("region", name="Agreement")).to_be_visible()


def test_a_refused_worklist_shows_the_reason_and_the_next_is_read(page, large, small):
    page.get_by_role("tab", name="Worklist").click()
    films = page.locator("#films input[type=file]")
    films.set_input_files([large, small])
    expect(page.get_by_text(WORDS)).to_be_visible()
    films.set_input_files([small])
    expect(page.locator("#list [role=status]")).to_contain_text("1 film")


def test_an_unreachable_server_is_reported(page, small):
    page.route("**/gradio_api/upload*", lambda route: route.abort())
    upload_film(page, small)
    expect(verdict_region(page)).to_contain_text("The file did not arrive")
    page.unroute("**/gradio_api/upload*")
    upload_film(page, small)
    expect_verdict_and_film(page)


def test_a_user_who_was_logged_out_is_asked_to_reload_the_page(page, small):
    page.route("**/gradio_api/upload*", lambda route: route.fulfill(status=401, body="no"))
    upload_film(page, small)
    expect(verdict_region(page)).to_contain_text("no longer logged in. Load this page again")
