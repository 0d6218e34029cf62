"""axe-core reports no serious violation on any screen, with and without a film."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.helpers import (
    expect_verdict_and_film,
    find_serious_violations,
    upload_film,
    verdict_region,
)


def test_the_empty_page_has_no_serious_violation(page):
    assert find_serious_violations(page) == {}


def test_a_read_film_has_no_serious_violation(page):
    page.get_by_role("button", name="Example 3: leg").click()
    expect_verdict_and_film(page)
    assert find_serious_violations(page) == {}


def test_a_film_that_awaits_the_readers_answer_has_no_serious_violation(page):
    page.get_by_label("My read first").check()
    page.get_by_role("button", name="Example 1: ").click()
    expect(verdict_region(page)).to_contain_text("Your read first")
    assert find_serious_violations(page) == {}


def test_a_film_that_is_not_read_has_no_serious_violation(page, tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"GIF89a and no more")
    upload_film(page, path)
    expect(verdict_region(page)).to_contain_text("Not read")
    assert find_serious_violations(page) == {}


@pytest.mark.parametrize("tab", ["Compare", "Worklist", "Model card"])
def test_the_other_screens_have_no_serious_violation(page, tab):
    page.get_by_role("tab", name=tab).click()
    expect(page.get_by_role("tabpanel").filter(visible=True)).to_have_count(1)
    assert find_serious_violations(page) == {}


def test_a_compared_film_and_a_read_list_have_no_serious_violation(page, film_file):
    page.get_by_role("tab", name="Worklist").click()
    page.locator("#films input[type=file]").set_input_files(film_file)
    expect(page.locator(".rows tbody tr")).to_have_count(1)
    save = page.get_by_role("button", name="Download CSV")
    expect(save).to_be_enabled()
    expect(save).to_have_css("opacity", "1")
    assert find_serious_violations(page) == {}
    if page.locator("#compare-examples").count():
        page.get_by_role("tab", name="Compare").click()
        page.locator("#compare-examples button").first.click()
        expect(page.get_by_role("region", name="Agreement")).to_be_visible()
        expect(page.locator(".compared[data-drawn]")).to_have_count(1)
        assert find_serious_violations(page) == {}


def test_a_film_of_a_list_has_no_serious_violation(page, film_file):
    page.get_by_role("tab", name="Worklist").click()
    page.locator("#films input[type=file]").set_input_files(film_file)
    page.locator(".rows tbody button").press("Enter")
    expect(page.locator("#film-navigation [role=status]")).to_have_text("Film 1 of 1")
    expect_verdict_and_film(page)
    assert find_serious_violations(page) == {}


@pytest.mark.parametrize("width", [1280, 820])
def test_nothing_is_wider_than_the_page(page, width):
    page.set_viewport_size({"width": width, "height": 1180 if width < 1000 else 720})
    page.get_by_role("button", name="Example 3: leg").click()
    expect_verdict_and_film(page)
    for tab in page.get_by_role("tab").all():
        tab.click()
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0
