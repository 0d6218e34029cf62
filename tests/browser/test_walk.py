"""From film to film of a list on the Read screen, without going back to the list."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.browser.helpers import expect_verdict_and_film, upload_film, verdict_region
from tests.fixtures.image_files import make_png

FILMS = 6
FLICKER_MS = 250  # the page changes its parts one after another


@pytest.fixture
def app(app_of_three):
    """The page fixture opens this one."""
    return app_of_three


@pytest.fixture
def listed(page, tmp_path):
    """The page with a list of films and a broken one, read."""
    paths = [tmp_path / f"{number}.png" for number in range(FILMS)]
    for seed, path in enumerate(paths):
        path.write_bytes(make_png(seed=seed))
    (tmp_path / "broken.png").write_bytes(b"GIF89a and no more")
    page.get_by_role("tab", name="Worklist").click()
    page.locator("#films input[type=file]").set_input_files([*paths, tmp_path / "broken.png"])
    expect(page.locator("#list [role=status]")).to_contain_text(f"{FILMS + 1} films")
    return page


def names(page):
    """The films in the order of the table."""
    return page.locator("#list tbody tr").evaluate_all("rows => rows.map(row => row.dataset.film)")


def sort_by_place(page):
    """The broken film then comes last."""
    page.get_by_role("columnheader", name="Place in the list").get_by_role("button").click()


def open_row(page, index):
    page.locator("#list tbody tr").nth(index).get_by_role("button").press("Enter")
    expect(page.locator("#walk")).to_contain_text(names(page)[index])
    expect(stage(page).or_(verdict_region(page).get_by_text("Not read"))).to_be_visible()


def stage(page):
    return page.locator("#single .viewer[data-drawn] .stage")


def place(page):
    return page.locator("#walk [role=status]")


def button(page, name):
    return page.locator("#walk").get_by_role("button", name=name)


def expect_film(page, index):
    """The bar, the details and the table all speak of one film of the table."""
    expect(place(page)).to_have_text(f"Film {index + 1} of {FILMS + 1}")
    expect(page.locator("#walk small")).to_have_text(names(page)[index])
    current = page.locator("#list tbody tr[aria-current=true]")
    assert current.get_attribute("data-film") == names(page)[index]


def test_keys_lead_through_the_list_in_its_order_and_the_film_keeps_the_focus(listed):
    open_row(listed, 0)
    bad = names(listed).index("broken.png")
    for index in range(1, FILMS + 1):
        listed.keyboard.press("n")
        expect_film(listed, index)
        if index == bad:
            expect(verdict_region(listed)).to_contain_text("Found a GIF file; use PNG")
        else:
            expect_verdict_and_film(listed)
            expect(stage(listed)).to_be_focused()
    listed.keyboard.press("n")  # there is none after the last
    expect_film(listed, FILMS)
    listed.keyboard.press("p")
    expect_film(listed, FILMS - 1)


def test_each_film_is_shown_with_the_verdict_of_its_row(listed):
    open_row(listed, 0)
    for index in range(FILMS + 1):
        row = listed.locator("#list tbody tr").nth(index)
        words = row.locator("td.called").text_content()
        expect(verdict_region(listed).get_by_role("heading")).to_contain_text(words.strip("✕ "))
        expect(verdict_region(listed)).to_contain_text(row.locator("td.number").text_content())
        if index < FILMS:
            button(listed, "Next film").click()
            expect_film(listed, index + 1)


def test_buttons_keep_the_focus_and_end_with_the_list(listed):
    open_row(listed, 0)
    expect(button(listed, "Previous film")).to_have_attribute("aria-disabled", "true")
    button(listed, "Next film").focus()
    for index in range(1, FILMS + 1):
        listed.keyboard.press("Enter")
        expect_film(listed, index)
        expect(button(listed, "Next film")).to_be_focused()
    expect(button(listed, "Next film")).to_have_attribute("aria-disabled", "true")
    listed.keyboard.press("Enter")
    expect_film(listed, FILMS)


def test_keys_pressed_faster_than_films_are_read_lose_no_step(listed):
    open_row(listed, 0)
    for _ in range(4):
        listed.keyboard.press("n")
    expect_film(listed, 4)
    listed.keyboard.press("p")
    expect_film(listed, 3)
    row = listed.locator("#list tbody tr").nth(3)
    words = row.locator("td.called").text_content().strip("✕ ")
    expect(verdict_region(listed).get_by_role("heading")).to_contain_text(words)
    expect(verdict_region(listed)).to_contain_text(row.locator("td.number").text_content())


def test_another_order_of_the_table_is_the_order_of_the_walk(listed):
    sort_by_place(listed)
    open_row(listed, 2)
    listed.keyboard.press("n")
    expect(listed.locator("#walk small")).to_have_text("3.png")
    expect(place(listed)).to_have_text(f"Film 4 of {FILMS + 1}")


def test_a_key_or_a_button_leads_back_to_the_row(listed):
    open_row(listed, 0)
    listed.keyboard.press("n")
    expect_film(listed, 1)
    listed.keyboard.press("l")
    back = listed.locator("#list tbody tr").nth(1).get_by_role("button")
    expect(back).to_be_focused()
    open_row(listed, 1)
    button(listed, "Back to this film").click()
    expect(back).to_be_focused()


def test_who_goes_back_to_the_list_while_a_film_is_on_its_way_stays_there(listed):
    open_row(listed, 0)
    with listed.expect_response(re.compile("gradio_api/")):
        listed.keyboard.press("n")
        listed.keyboard.press("l")
    back = listed.locator("#list tbody tr").nth(1).get_by_role("button")
    expect(back).to_be_focused()
    expect(listed.locator("#verdict")).not_to_contain_text("Reading")
    expect(listed.locator("#single .viewer[data-drawn]")).to_have_count(1)
    expect(back).to_be_focused()


def test_the_reader_comes_first_on_every_film_and_answers_by_digits(listed):
    listed.get_by_role("tab", name="Read").click()
    listed.get_by_label("My read first").check()
    listed.get_by_role("tab", name="Worklist").click()
    sort_by_place(listed)
    open_row(listed, 0)
    for index in range(2):
        expect_film(listed, index)
        expect(verdict_region(listed)).to_contain_text("Your read first")
        expect(stage(listed)).to_be_focused()
        listed.keyboard.press("2")
        expect_verdict_and_film(listed)
        expect(stage(listed)).to_be_focused()
        listed.keyboard.press("n")
        expect_film(listed, index + 1)
    listed.keyboard.press("p")
    expect_film(listed, 1)
    told = listed.locator("#agreement .note")
    before = told.text_content()
    expect(told).to_contain_text(re.compile(r"on \d of \d films"))
    expect_verdict_and_film(listed)  # its answer is known, so it is not asked for again
    expect(listed.locator("#own")).to_be_hidden()
    assert told.text_content() == before


def test_a_film_from_elsewhere_ends_the_walk(listed, film_file, tmp_path):
    open_row(listed, 0)
    upload_film(listed, film_file)
    expect(button(listed, "Next film")).to_be_hidden()
    expect_verdict_and_film(listed)
    listed.get_by_role("tab", name="Worklist").click()
    open_row(listed, 1)
    listed.get_by_role("button", name="Example 1: ").click()
    expect(button(listed, "Next film")).to_be_hidden()
    expect_verdict_and_film(listed)


def test_another_list_ends_the_walk_of_the_one_before(listed, film_file):
    sort_by_place(listed)
    open_row(listed, 0)
    listed.get_by_role("tab", name="Worklist").click()
    listed.locator("#films input[type=file]").set_input_files(film_file)
    expect(listed.locator("#list [role=status]")).to_contain_text("1 film")
    listed.get_by_role("tab", name="Read").click()
    expect_verdict_and_film(listed)
    expect(button(listed, "Next film")).to_be_hidden()


def test_another_point_of_the_list_keeps_the_film_marked(listed):
    open_row(listed, 2)
    film = listed.locator("#walk small").text_content()
    listed.get_by_role("tab", name="Worklist").click()
    listed.locator("#list-point label").first.click()
    expect(listed.locator("#list")).not_to_contain_text("band of 'balanced'")
    current = listed.locator("#list tbody tr[aria-current=true]")
    expect(current).to_have_attribute("data-film", film)


SEEN = """() => {
    window.seen = [];
    new MutationObserver(() => {
        const source = document.querySelector("#single img.source");
        if (source) source.closest("figure").dataset.film = source.src.slice(-80);
        const film = document.querySelector("#single figure[data-film]")?.dataset.film ?? "";
        const name = document.querySelector("#walk small").textContent;
        window.seen.push([name, film, performance.now()]);
    }).observe(document.querySelector("#single"), {
        subtree: true, childList: true, characterData: true,
    });
}"""


def test_no_film_stands_under_the_name_of_another(listed):
    listed.evaluate(SEEN)
    sort_by_place(listed)
    open_row(listed, 0)
    pictures = {}
    for index in range(FILMS):
        expect_film(listed, index)
        expect_verdict_and_film(listed)
        figure = listed.locator("#single figure")
        pictures[names(listed)[index]] = figure.get_attribute("data-film")
        listed.keyboard.press("n")
    assert len(set(pictures.values())) == FILMS
    listed.evaluate("window.seen = []")
    for key in "pppnpnn":
        listed.keyboard.press(key)
        expect(listed.locator("#walk small")).not_to_have_text("")  # the film is on its way
    expect_film(listed, FILMS - 1)
    expect_verdict_and_film(listed)
    seen = listed.evaluate("window.seen")
    wrong = [
        (name, until_ms - from_ms)
        for (name, film, from_ms), (_, _, until_ms) in pairwise(seen)
        if film and pictures.get(name) not in {None, film}
    ]
    assert any(film for _, film, _ in seen)
    assert sum(lasted_ms for _, lasted_ms in wrong) < FLICKER_MS
