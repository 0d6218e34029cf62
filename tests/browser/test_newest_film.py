"""The newest film wins: one that is given while another is sent or read is not lost."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.helpers import (
    drop_file,
    expect_verdict_and_film,
    upload_film,
    verdict_region,
)
from tests.fixtures.image_files import make_png

pytestmark = pytest.mark.parametrize("app", ["shipped"], indirect=True)

SIZES = {"first": (200, 150), "second": (300, 220)}


@pytest.fixture
def films(tmp_path):
    """Write two films of different sizes."""
    paths = {name: tmp_path / f"{name}.png" for name in SIZES}
    for seed, (name, path) in enumerate(paths.items()):
        path.write_bytes(make_png(*SIZES[name], seed=seed))
    return paths


UPLOAD = "**/gradio_api/upload?*"


def drop_and_hold(page, path, *, target):
    """Drop a film, and hold its upload back from the server."""
    page.route(UPLOAD, lambda route: None, times=1)
    with page.expect_request(UPLOAD):
        drop_file(page, path, target=target)


def expect_aborted(page, act):
    """Act, and expect that the page stops an upload by it."""
    with page.expect_event("requestfailed", lambda request: "/gradio_api/upload?" in request.url):
        act()


def expect_second_film_alone(page):
    """Expect the second film; the server reads in turn, so it has done with the first."""
    height, width = SIZES["second"]
    second = page.locator(f'figure.film[data-drawn] canvas.pixels[height="{height}"]')
    expect(second).to_have_count(1)
    expect(second).to_have_attribute("width", str(width))
    expect_verdict_and_film(page)
    expect(verdict_region(page)).not_to_contain_text("did not arrive")


def test_a_film_dropped_while_another_is_sent_replaces_it(page, films):
    drop_and_hold(page, films["first"], target="#viewer")
    expect(page.locator("#viewer")).to_contain_text(re.compile("Reading|Sending"))
    expect_aborted(page, lambda: drop_file(page, films["second"], target="#viewer"))
    expect_second_film_alone(page)


def test_a_film_dropped_while_another_is_read_replaces_it(page, films):
    with page.expect_response("**/gradio_api/upload?*"):
        drop_file(page, films["first"], target="#viewer")
    drop_file(page, films["second"], target="#viewer")
    expect_second_film_alone(page)


def test_a_film_chosen_while_another_is_read_replaces_it(page, films):
    with page.expect_response("**/gradio_api/upload?*"):
        upload_film(page, films["first"])
    upload_film(page, films["second"])
    expect_second_film_alone(page)


def test_an_example_replaces_a_film_that_is_being_sent(page, films):
    drop_and_hold(page, films["first"], target="#viewer")
    expect_aborted(page, page.get_by_role("button", name="Example 1: ").click)
    expect_verdict_and_film(page)
    expect(page.locator("#details")).to_contain_text("FracAtlas IMG")


def test_of_three_films_dropped_in_a_row_the_last_is_shown(page, films, tmp_path):
    third = tmp_path / "third.png"
    third.write_bytes(make_png(260, 190, seed=5))
    drop_and_hold(page, films["first"], target="#viewer")

    def drop_the_others():
        drop_file(page, third, target="#viewer")
        drop_file(page, films["second"], target="#viewer")

    expect_aborted(page, drop_the_others)
    expect_second_film_alone(page)


def test_compare_shows_the_newest_film_too(page, films):
    page.get_by_role("tab", name="Compare").click()
    drop_and_hold(page, films["first"], target="#compare-sides")
    expect_aborted(page, lambda: drop_file(page, films["second"], target="#compare-sides"))
    expect(page.get_by_role("region", name="Agreement")).to_be_visible()
    size = page.locator("#compare-sides canvas").first.evaluate("c => [c.height, c.width]")
    assert size == list(SIZES["second"])


def test_a_slow_upload_shows_how_much_was_sent(page, tmp_path):
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    client.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 20, "downloadThroughput": -1, "uploadThroughput": 600_000},
    )
    noise = np.random.default_rng(0).integers(0, 255, (1400, 1100), np.uint8)
    cv2.imwrite(str(tmp_path / "large.png"), noise)
    upload_film(page, tmp_path / "large.png")
    expect(page.locator("#viewer")).to_contain_text(
        re.compile(r"Sending the film: [0-9.]+ of 1\.\d MB")
    )
    expect(page.get_by_role("progressbar", name="Share of the film")).to_be_visible()
    expect(page.locator("#viewer .opening")).to_have_count(0, timeout=60_000)
