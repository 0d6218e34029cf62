"""Between the screens: films of a worklist in Read, several films in Read, links."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.helpers import (
    expect_verdict_and_film,
    paste_picture,
    upload_film,
    verdict_region,
)
from tests.fixtures.image_files import make_png

pytestmark = pytest.mark.parametrize("app", ["shipped"], indirect=True)


def three_films(folder):
    paths = [folder / f"film{number}.png" for number in range(3)]
    for seed, path in enumerate(paths):
        path.write_bytes(make_png(200, 150, seed=seed))
    return paths


def test_several_films_uploaded_to_read_open_as_a_worklist(page, tmp_path):
    page.locator("#film input[type=file]").set_input_files(three_films(tmp_path))
    expect(page.get_by_role("tab", name="Worklist")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".rows tbody tr")).to_have_count(3)


def test_a_row_of_the_worklist_opens_in_read(page, tmp_path):
    page.get_by_role("tab", name="Worklist").click()
    page.locator("#films input[type=file]").set_input_files(three_films(tmp_path)[:1])
    expect(page.locator(".rows tbody tr")).to_have_count(1)
    expect(page.locator("#list")).to_contain_text("1 film")
    page.get_by_role("button", name=re.compile("film0.png")).press("Enter")
    expect(page.get_by_role("tab", name="Read")).to_have_attribute("aria-selected", "true")
    expect_verdict_and_film(page)


def test_a_broken_row_opens_in_read_with_its_reason(page, tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"GIF89a and no more")
    page.get_by_role("tab", name="Worklist").click()
    page.locator("#films input[type=file]").set_input_files(path)
    page.get_by_role("button", name=re.compile("broken.png")).click()
    expect(verdict_region(page)).to_contain_text("Found a GIF file")


def test_a_link_opens_its_tab_and_the_address_follows(page, app):
    page.goto(f"{app.url}/?tab=card")
    card = page.get_by_role("tab", name="Model card")
    expect(card).to_have_attribute("aria-selected", "true")
    page.get_by_role("tab", name="Compare").click()
    expect(page).to_have_url(re.compile("tab=compare"))


def test_a_pasted_film_is_read(page):
    paste_picture(page, make_png(200, 150))
    expect_verdict_and_film(page)


def test_a_film_of_the_worklist_replaces_an_uploaded_film(page, film_file, tmp_path):
    upload_film(page, film_file)
    expect_verdict_and_film(page)
    first = page.locator("canvas.pixels").evaluate("canvas => canvas.width + 'x' + canvas.height")
    page.get_by_role("tab", name="Worklist").click()
    page.locator("#films input[type=file]").set_input_files(three_films(tmp_path)[:1])
    page.get_by_role("button", name=re.compile("film0.png")).press("Enter")
    expect_verdict_and_film(page)
    expect(page.locator("figure.film[data-drawn]")).to_have_count(1)
    second = page.locator("canvas.pixels").evaluate("canvas => canvas.width + 'x' + canvas.height")
    assert (first, second) == ("160x220", "150x200")
