"""Read: previous and next film of the worklist, without returning to it."""

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
    """Let the page fixture open the app with three models."""
    return app_of_three


@pytest.fixture
def worklist_page(page, tmp_path):
    """Open the page with a worklist of films and a broken file, all read."""
    paths = [tmp_path / f"{number}.png" for number in range(FILMS)]
    for seed, path in enumerate(paths):
        path.write_bytes(make_png(seed=seed))
    (tmp_path / "broken.png").write_bytes(b"GIF89a and no more")
    page.get_by_role("tab", name="Worklist").click()
    page.locator("#films input[type=file]").set_input_files([*paths, tmp_path / "broken.png"])
    expect(page.locator("#list [role=status]")).to_contain_text(f"{FILMS + 1} films")
    return page


def names(page):
    """Return the names of the films in the order of the table."""
    return page.locator("#list tbody tr").evaluate_all("rows => rows.map(row => row.dataset.film)")


def sort_by_place(page):
    """Sort the table by place, which puts the broken file last."""
    page.get_by_role("columnheader", name="Place in the list").get_by_role("button").click()


def open_row(page, index):
    page.locator("#list tbody tr").nth(index).get_by_role("button").press("Enter")
    expect(page.locator("#film-navigation")).to_contain_text(names(page)[index])
    expect(stage(page).or_(verdict_region(page).get_by_text("Not read"))).to_be_visible()


def stage(page):
    return page.locator("#single .viewer[data-drawn] .stage")


def place(page):
    return page.locator("#film-navigation [role=status]")


def button(page, name):
    return page.locator("#film-navigation").get_by_role("button", name=name)


def expect_film(page, index):
    """Expect one film of the table in the bar, the details and the table."""
    expect(place(page)).to_have_text(f"Film {index + 1} of {FILMS + 1}")
    expect(page.locator("#film-navigation small")).to_have_text(names(page)[index])
    current = page.locator("#list tbody tr[aria-current=true]")
    assert current.get_attribute("data-film") == names(page)[index]


def test_keys_open_films_in_the_order_of_the_table_and_keep_the_focus(worklist_page):
    open_row(worklist_page, 0)
    bad = names(worklist_page).index("broken.png")
    for index in range(1, FILMS + 1):
        worklist_page.keyboard.press("n")
        expect_film(worklist_page, index)
        if index == bad:
            expect(verdict_region(worklist_page)).to_contain_text("Found a GIF file; use PNG")
        else:
            expect_verdict_and_film(worklist_page)
            expect(stage(worklist_page)).to_be_focused()
    worklist_page.keyboard.press("n")  # there is none after the last
    expect_film(worklist_page, FILMS)
    worklist_page.keyboard.press("p")
    expect_film(worklist_page, FILMS - 1)


def test_each_film_is_shown_with_the_verdict_of_its_row(worklist_page):
    open_row(worklist_page, 0)
    for index in range(FILMS + 1):
        row = worklist_page.locator("#list tbody tr").nth(index)
        words = row.locator("td.called .words").text_content()
        expect(verdict_region(worklist_page).get_by_role("heading")).to_contain_text(
            words.strip("✕ ")
        )
        expect(verdict_region(worklist_page)).to_contain_text(
            row.locator("td.number").text_content()
        )
        if index < FILMS:
            button(worklist_page, "Next film").click()
            expect_film(worklist_page, index + 1)


def test_buttons_keep_the_focus_and_stop_at_the_end_of_the_list(worklist_page):
    open_row(worklist_page, 0)
    expect(button(worklist_page, "Previous film")).to_have_attribute("aria-disabled", "true")
    button(worklist_page, "Next film").focus()
    for index in range(1, FILMS + 1):
        worklist_page.keyboard.press("Enter")
        expect_film(worklist_page, index)
        expect(button(worklist_page, "Next film")).to_be_focused()
    expect(button(worklist_page, "Next film")).to_have_attribute("aria-disabled", "true")
    worklist_page.keyboard.press("Enter")
    expect_film(worklist_page, FILMS)


def test_keys_pressed_faster_than_films_are_read_lose_no_step(worklist_page):
    open_row(worklist_page, 0)
    for _ in range(4):
        worklist_page.keyboard.press("n")
    expect_film(worklist_page, 4)
    worklist_page.keyboard.press("p")
    expect_film(worklist_page, 3)
    row = worklist_page.locator("#list tbody tr").nth(3)
    words = row.locator("td.called .words").text_content().strip("✕ ")
    expect(verdict_region(worklist_page).get_by_role("heading")).to_contain_text(words)
    expect(verdict_region(worklist_page)).to_contain_text(row.locator("td.number").text_content())


def test_sorting_the_table_changes_the_order_of_the_films(worklist_page):
    sort_by_place(worklist_page)
    open_row(worklist_page, 2)
    worklist_page.keyboard.press("n")
    expect(worklist_page.locator("#film-navigation small")).to_have_text("3.png")
    expect(place(worklist_page)).to_have_text(f"Film 4 of {FILMS + 1}")


def test_a_key_or_a_button_returns_to_the_row(worklist_page):
    open_row(worklist_page, 0)
    worklist_page.keyboard.press("n")
    expect_film(worklist_page, 1)
    worklist_page.keyboard.press("l")
    back = worklist_page.locator("#list tbody tr").nth(1).get_by_role("button")
    expect(back).to_be_focused()
    open_row(worklist_page, 1)
    button(worklist_page, "Back to this film").click()
    expect(back).to_be_focused()


def test_returning_to_the_list_while_a_film_loads_stays_there(worklist_page):
    open_row(worklist_page, 0)
    with worklist_page.expect_response(re.compile("gradio_api/")):
        worklist_page.keyboard.press("n")
        worklist_page.keyboard.press("l")
    back = worklist_page.locator("#list tbody tr").nth(1).get_by_role("button")
    expect(back).to_be_focused()
    expect(worklist_page.locator("#verdict")).not_to_contain_text("Reading")
    expect(worklist_page.locator("#single .viewer[data-drawn]")).to_have_count(1)
    expect(back).to_be_focused()


def test_with_reader_first_every_film_is_answered_by_digits(worklist_page):
    worklist_page.get_by_role("tab", name="Read").click()
    worklist_page.get_by_label("My read first").check()
    worklist_page.get_by_role("tab", name="Worklist").click()
    sort_by_place(worklist_page)
    open_row(worklist_page, 0)
    for index in range(2):
        expect_film(worklist_page, index)
        expect(verdict_region(worklist_page)).to_contain_text("Your read first")
        expect(stage(worklist_page)).to_be_focused()
        worklist_page.keyboard.press("2")
        expect_verdict_and_film(worklist_page)
        expect(stage(worklist_page)).to_be_focused()
        worklist_page.keyboard.press("n")
        expect_film(worklist_page, index + 1)
    worklist_page.keyboard.press("p")
    expect_film(worklist_page, 1)
    told = worklist_page.locator("#agreement .note")
    before = told.text_content()
    expect(told).to_contain_text(re.compile(r"on \d of \d films"))
    expect_verdict_and_film(worklist_page)  # its answer is known, so it is not asked for again
    expect(worklist_page.locator("#own")).to_be_hidden()
    assert told.text_content() == before


def test_a_film_from_elsewhere_hides_the_navigation(worklist_page, film_file, tmp_path):
    open_row(worklist_page, 0)
    upload_film(worklist_page, film_file)
    expect(button(worklist_page, "Next film")).to_be_hidden()
    expect_verdict_and_film(worklist_page)
    worklist_page.get_by_role("tab", name="Worklist").click()
    open_row(worklist_page, 1)
    worklist_page.get_by_role("button", name="Example 1: ").click()
    expect(button(worklist_page, "Next film")).to_be_hidden()
    expect_verdict_and_film(worklist_page)


def test_another_list_ends_the_navigation_of_the_earlier_one(worklist_page, film_file):
    sort_by_place(worklist_page)
    open_row(worklist_page, 0)
    worklist_page.get_by_role("tab", name="Worklist").click()
    worklist_page.on("dialog", lambda dialog: dialog.accept())
    worklist_page.locator("#films input[type=file]").set_input_files(film_file)
    expect(worklist_page.locator("#list [role=status]")).to_contain_text("1 film")
    worklist_page.get_by_role("tab", name="Read").click()
    expect_verdict_and_film(worklist_page)
    expect(button(worklist_page, "Next film")).to_be_hidden()


def test_another_operating_point_keeps_the_film_marked(worklist_page):
    open_row(worklist_page, 2)
    film = worklist_page.locator("#film-navigation small").text_content()
    worklist_page.get_by_role("tab", name="Worklist").click()
    worklist_page.locator("#list-point label").first.click()
    expect(worklist_page.locator("#list")).not_to_contain_text("band of 'balanced'")
    current = worklist_page.locator("#list tbody tr[aria-current=true]")
    expect(current).to_have_attribute("data-film", film)


SEEN = """() => {
    window.seen = [];
    new MutationObserver(() => {
        const source = document.querySelector("#single img.source");
        if (source) source.closest("figure").dataset.film = source.src.slice(-80);
        const film = document.querySelector("#single figure[data-film]")?.dataset.film ?? "";
        const name = document.querySelector("#film-navigation small").textContent;
        window.seen.push([name, film, performance.now()]);
    }).observe(document.querySelector("#single"), {
        subtree: true, childList: true, characterData: true,
    });
}"""


def test_no_film_is_shown_with_the_name_of_another(worklist_page):
    worklist_page.evaluate(SEEN)
    sort_by_place(worklist_page)
    open_row(worklist_page, 0)
    pictures = {}
    for index in range(FILMS):
        expect_film(worklist_page, index)
        expect_verdict_and_film(worklist_page)
        figure = worklist_page.locator("#single figure")
        pictures[names(worklist_page)[index]] = figure.get_attribute("data-film")
        worklist_page.keyboard.press("n")
    assert len(set(pictures.values())) == FILMS
    worklist_page.evaluate("window.seen = []")
    for key in "pppnpnn":
        worklist_page.keyboard.press(key)
        expect(worklist_page.locator("#film-navigation small")).not_to_have_text(
            ""
        )  # the film is on its way
    expect_film(worklist_page, FILMS - 1)
    expect_verdict_and_film(worklist_page)
    seen = worklist_page.evaluate("window.seen")
    wrong = [
        (name, until_ms - from_ms)
        for (name, film, from_ms), (_, _, until_ms) in pairwise(seen)
        if film and pictures.get(name) not in {None, film}
    ]
    assert any(film for _, film, _ in seen)
    assert sum(lasted_ms for _, lasted_ms in wrong) < FLICKER_MS


ANSWERED = """(events) => {
    const requests = performance.getEntriesByType("resource");
    const ends = (name) => requests.filter((entry) => entry.name.includes(`/queue/${name}?`))
        .map((entry) => entry.responseEnd);
    const accepted = ends("join"), answered = ends("data");
    return accepted.length >= events && Math.max(...answered) > Math.max(...accepted);
}"""


def wait_for_answers(page, act, *, events):
    """Act, and wait until so many events of the page's queue were answered."""
    page.evaluate("performance.clearResourceTimings()")
    act()
    page.wait_for_function(ANSWERED, arg=events)


def test_the_next_film_is_shown_as_it_was_read_ahead(worklist_page, app):
    page = worklist_page
    sort_by_place(page)
    # the film's reading, the second opinion, and the next film
    wait_for_answers(page, lambda: open_row(page, 0), events=3)
    files = [path for path in app.uploads.rglob("bonefx-list-*/*") if path.is_file()]
    assert len(files) == FILMS + 1
    for path in files:
        path.unlink()
    page.keyboard.press("n")
    expect_film(page, 1)
    expect_verdict_and_film(page)
    page.keyboard.press("p")  # is read from its file
    expect_film(page, 0)
    expect(verdict_region(page)).to_contain_text("Not read")
