"""Back and forward stay in the app, and what is unsaved is not lost without a question."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.helpers import expect_verdict_and_film, upload_film
from tests.browser.test_report_panel import open_panel


@pytest.fixture
def app(app_of_three):
    return app_of_three


def tab(page, name):
    return page.get_by_role("tab", name=name)


def expect_tab(page, name):
    expect(tab(page, name)).to_have_attribute("aria-selected", "true")


def test_back_and_forward_go_through_the_tabs_and_keep_the_film(page, film_file):
    upload_film(page, film_file)
    expect_verdict_and_film(page)
    for name in ("Compare", "Worklist"):
        tab(page, name).click()
        expect_tab(page, name)
    page.go_back()
    expect_tab(page, "Compare")
    page.go_back()
    expect_tab(page, "Read")
    expect_verdict_and_film(page)
    page.go_forward()
    expect_tab(page, "Compare")


def test_back_from_a_film_of_a_worklist_leads_to_the_list(page, film_file):
    tab(page, "Worklist").click()
    page.locator("#films input[type=file]").set_input_files(film_file)
    row = page.locator("#list tbody tr")
    expect(row).to_have_count(1)
    row.get_by_role("button").click()
    expect_tab(page, "Read")
    expect_verdict_and_film(page)
    page.go_back()
    expect_tab(page, "Worklist")
    expect(row).to_have_count(1)


def leave(page):
    """Close the page as a user does; return what the browser asks."""
    asked = []

    def on_dialog(dialog):
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", on_dialog)
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    return asked


def test_a_page_without_anything_unsaved_is_left_without_a_question(page, film_file):
    upload_film(page, film_file)
    expect_verdict_and_film(page)
    assert leave(page) == []


@pytest.mark.parametrize("unsaved", ["text", "list", "answers"])
def test_a_page_with_something_unsaved_asks_before_it_is_left(page, film_file, unsaved):
    match unsaved:
        case "text":
            upload_film(page, film_file)
            expect_verdict_and_film(page)
            open_panel(page)
            page.get_by_label("Your own text").fill("Check the scaphoid.")
        case "list":
            tab(page, "Worklist").click()
            page.locator("#films input[type=file]").set_input_files(film_file)
            expect(page.locator("#list tbody tr")).to_have_count(1)
        case _:
            page.get_by_label("My read first").check()
            upload_film(page, film_file)
            page.get_by_role("button", name="Fracture", exact=True).click()
            expect_verdict_and_film(page)
            expect(page.locator("#agreement table")).to_be_visible()
            tab(page, "Compare").click()
    assert leave(page) == ["beforeunload"]


def test_a_user_who_stays_keeps_the_list(page, film_file):
    tab(page, "Worklist").click()
    page.locator("#films input[type=file]").set_input_files(film_file)
    row = page.locator("#list tbody tr")
    expect(row).to_have_count(1)
    expect(page.locator("#list progress")).to_be_hidden()
    failed = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    with page.expect_event("dialog") as question:
        page.close(run_before_unload=True)
    question.value.dismiss()
    row.get_by_role("button").click()
    expect_tab(page, "Read")
    expect_verdict_and_film(page)
    assert [url for url in failed if "heartbeat" in url] == []  # its end would end the session
