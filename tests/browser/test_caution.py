"""Every screen shows a caution about a model that was trained on its test films."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.helpers import expect_verdict_and_film

WARNING = "Not for reading films: second was trained on 491 of its own 582 test films."


@pytest.fixture
def app(app_of_three):
    """Let the page fixture open the app with three models."""
    return app_of_three


def test_read_shows_the_caution_with_and_without_a_film(page):
    expect(page.locator("#caution")).to_be_empty()
    page.locator("#model").get_by_label("second").check()
    expect(page.locator("#caution")).to_contain_text(WARNING)
    page.get_by_role("button", name="Example 1: ").click()
    expect_verdict_and_film(page)
    expect(page.locator("#caution")).to_contain_text(WARNING)
    page.locator("#model").get_by_label("first").check()
    expect(page.locator("#caution")).to_be_empty()


def test_the_worklist_shows_the_caution_for_that_model_only(page):
    page.get_by_role("tab", name="Worklist").click()
    page.locator("#list-model").get_by_label("second").check()
    expect(page.locator("#list-caution")).to_contain_text(WARNING)
    page.locator("#list-model").get_by_label("first").check()
    expect(page.locator("#list-caution")).to_be_empty()


def test_compare_preselects_models_without_a_caution(page):
    page.get_by_role("tab", name="Compare").click()
    models = page.locator("#compare-models")
    expect(models.get_by_label("first")).to_be_checked()
    expect(models.get_by_label("third")).to_be_checked()
    expect(models.get_by_label("second")).not_to_be_checked()
