"""Back and forward stay in the app, and what is unsaved is not lost without a question."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.helpers import expect_verdict_and_film, upload_film
from tests.browser.test_report_panel import open_panel
from tests.fixtures.image_files import make_pixels


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


@pytest.fixture
def film_files(tmp_path):
    """Write three films that differ."""
    paths = [tmp_path / f"film-{number}.png" for number in (1, 2, 3)]
    for number, path in enumerate(paths):
        pixels = np.rint(make_pixels(220, 160 + number) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(path)
    return paths


def open_list(page, paths):
    """Open the first film of a list."""
    tab(page, "Worklist").click()
    page.locator("#films input[type=file]").set_input_files(paths)
    expect(page.locator("#list tbody tr")).to_have_count(len(paths))
    expect(page.locator("#list progress")).to_be_hidden()
    page.locator("#list tbody tr").first.get_by_role("button").click()
    expect_film(page, 1, len(paths))


def expect_film(page, number, count):
    expect(page.get_by_text(f"Film {number} of {count}")).to_be_visible()
    expect(page.locator(".film-navigation small")).to_have_text(re.compile(r".+"))
    expect_verdict_and_film(page)


def test_back_and_forward_go_through_the_films_of_a_list(page, film_files):
    open_list(page, film_files)
    for number in (2, 3):
        page.get_by_role("button", name="Next film of the list").click()
        expect_film(page, number, 3)
    names = {}
    for number in (2, 1):
        page.go_back()
        expect_film(page, number, 3)
        names[number] = page.locator(".film-navigation small").text_content()
    assert names[1] != names[2]
    page.go_forward()
    expect_film(page, 2, 3)
    assert page.locator(".film-navigation small").text_content() == names[2]
    page.go_back()
    expect_film(page, 1, 3)
    page.go_back()
    expect_tab(page, "Worklist")


def test_back_from_an_uploaded_film_opens_the_film_of_the_list_again(page, film_files, film_file):
    open_list(page, film_files)
    upload_film(page, film_file)
    expect(page.locator(".film-navigation")).to_be_hidden()
    expect_verdict_and_film(page)
    page.go_back()
    expect_film(page, 1, 3)


def test_back_to_a_film_of_an_earlier_list_stays_with_the_film_of_now(page, film_files):
    page.on("dialog", lambda dialog: dialog.accept())  # replace the list
    open_list(page, film_files[:2])
    tab(page, "Worklist").click()
    page.locator("#films input[type=file]").set_input_files(film_files)
    expect(page.locator("#list tbody tr")).to_have_count(3)
    page.locator("#list tbody tr").nth(1).get_by_role("button").click()
    expect_film(page, 2, 3)
    for expected in ("Worklist", "Read"):
        page.go_back()
        expect_tab(page, expected)
    expect_film(page, 2, 3)


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
