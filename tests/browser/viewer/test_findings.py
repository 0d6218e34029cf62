"""The findings of a film: their numbers on it, and the list that shows one near."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.helpers import expect_verdict_and_film
from tests.browser.viewer.stage import on_page, open_film, picture, stage, tool
from tests.fixtures.servers.app import REPOSITORY

pytestmark = pytest.mark.parametrize("app", ["shipped"], indirect=True)
EXAMPLE = REPOSITORY / "examples" / "IMG0000801.jpg"


@pytest.fixture
def finding(page):
    """Open a film with findings; returns the button of the first one."""
    open_film(page, EXAMPLE)
    expect_verdict_and_film(page)
    return page.locator("#viewer .findings button").first


def test_each_finding_of_the_list_has_its_number_on_the_film_while_the_map_is_shown(page, finding):
    names = page.locator("#viewer .findings button").all_inner_texts()
    numbers = page.locator("#viewer .stage text.finding")
    assert [name.split(":")[0] for name in names] == numbers.all_text_contents()
    expect(numbers.first).to_be_visible()
    tool(page, "map").click()
    expect(numbers.first).to_be_hidden()
    tool(page, "contour").click()
    expect(numbers.first).to_be_visible()


def test_a_click_shows_a_finding_near_and_with_its_map(page, finding):
    tool(page, "map").click()
    left, top, right, bottom = map(int, finding.get_attribute("data-box").split())
    before = picture(page)["scale"]
    finding.click()
    expect(tool(page, "map")).to_have_attribute("aria-pressed", "true")
    assert picture(page)["scale"] > before
    box = stage(page).bounding_box()
    for x, y in ((left, top), (right, bottom)):
        x_on_page, y_on_page = on_page(page, x, y)
        assert box["x"] <= x_on_page <= box["x"] + box["width"]
        assert box["y"] <= y_on_page <= box["y"] + box["height"]


def test_the_list_goes_with_its_film(page, finding, tmp_path):
    expect(finding).to_be_visible()
    broken = tmp_path / "no film.png"
    broken.write_bytes(b"nothing")
    page.locator("#film input[type=file]").set_input_files(broken)
    expect(page.locator("#viewer .findings")).to_have_count(0)
