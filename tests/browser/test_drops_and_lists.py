"""Drops on any tab, lists that are replaced or continued, and verdicts hidden from the reader."""

from __future__ import annotations

import re
import zipfile

import pytest
from playwright.sync_api import expect

from tests.browser.helpers import drop_file, expect_verdict_and_film, upload_film
from tests.fixtures.image_files import make_png


@pytest.fixture
def app(app_of_three):
    return app_of_three


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "study.zip"
    with zipfile.ZipFile(path, "w") as file:
        for seed in range(3):
            file.writestr(f"{seed}.png", make_png(200, 150, seed=seed))
    return path


STOP_AT_FIRST_ROW = """() => {
    const watch = new MutationObserver(() => {
        const stop = [...document.querySelectorAll("button")].find(
            (one) => one.textContent.trim() === "Stop" && !one.disabled
        );
        if (stop && document.querySelector("#list tbody tr")) {
            watch.disconnect();
            stop.click();
        }
    });
    const anything = { attributes: true, childList: true, subtree: true };
    watch.observe(document.body, anything);
}"""  # in the page itself: on a busy machine a click from outside comes when all films are read


@pytest.fixture
def long_archive(tmp_path):
    path, film = tmp_path / "long.zip", make_png(700, 500)
    with zipfile.ZipFile(path, "w") as file:
        for index in range(60):
            file.writestr(f"{index}.png", film)
    return path


def rows(page):
    return page.locator("#list tbody tr")


def open_tab(page, name):
    page.get_by_role("tab", name=name).click()


def give_list(page, path):
    page.locator("#films input[type=file]").set_input_files(path)


def test_a_film_dropped_on_the_model_card_is_read(page, film_file):
    open_tab(page, "Model card")
    drop_file(page, film_file, target="#card")
    expect(page.get_by_role("tab", name="Read")).to_have_attribute("aria-selected", "true")
    expect_verdict_and_film(page)


@pytest.mark.parametrize("tab", ["Read", "Compare", "Model card", "Worklist"])
def test_an_archive_dropped_on_any_tab_is_a_worklist(page, archive, tab):
    open_tab(page, tab)
    drop_file(page, archive, target="#head")
    expect(rows(page)).to_have_count(3)
    expect(page.get_by_role("tab", name="Worklist")).to_have_attribute("aria-selected", "true")


@pytest.mark.parametrize("answer", ["dismiss", "accept"])
def test_a_new_list_asks_before_it_replaces_one(page, archive, film_file, answer):
    asked = []

    def on_dialog(dialog):
        asked.append(dialog.message)
        getattr(dialog, answer)()

    page.on("dialog", on_dialog)
    open_tab(page, "Worklist")
    give_list(page, archive)
    expect(rows(page)).to_have_count(3)
    assert asked == []
    give_list(page, film_file)
    expect(rows(page)).to_have_count(3 if answer == "dismiss" else 1)
    assert len(asked) == 1
    assert "replaces the one with 3 films" in asked[0]


def test_a_stopped_list_is_continued_where_it_stopped(page, long_archive):
    open_tab(page, "Worklist")
    page.evaluate(STOP_AT_FIRST_ROW)
    give_list(page, long_archive)
    expect(page.locator("#list [role=status]")).to_contain_text("not read")
    assert 0 < rows(page).count() < 60
    page.get_by_role("button", name="Continue").click()
    expect(rows(page)).to_have_count(60)
    expect(page.get_by_role("button", name="Continue")).to_be_hidden()


def test_a_reader_who_answers_first_sees_no_verdict_in_the_list(page, archive):
    open_tab(page, "Worklist")
    give_list(page, archive)
    expect(rows(page)).to_have_count(3)
    expect(page.locator("#list progress")).to_be_hidden()
    open_tab(page, "Read")
    page.get_by_label("My read first").check()
    open_tab(page, "Worklist")
    said = "part => getComputedStyle(part, '::after').content"
    assert "Verdicts are hidden" in page.locator("#list .list-status").evaluate(said)
    expect(page.locator("#list [data-filter]").first).to_be_hidden()  # how many fractures
    for cell in ("called", "number", "why"):
        expect(page.locator(f"#list td.{cell}").first).to_be_hidden()
    assert page.locator("#list td.place").all_inner_texts() == ["1", "2", "3"]
    page.locator("#list th[data-key=probability] button").click()
    assert page.locator("#list td.place").all_inner_texts() in (["1", "2", "3"], ["3", "2", "1"])
    open_tab(page, "Read")
    page.get_by_label("My read first").uncheck()
    open_tab(page, "Worklist")
    expect(page.locator("#list td.called").first).to_be_visible()


def test_the_upload_box_keeps_its_height_while_a_film_is_sent(page, film_file):
    box = page.locator("#film")
    before = box.bounding_box()["height"]
    held = []
    page.route(re.compile("/gradio_api/upload"), lambda route: held.append(route))  # noqa: PLW0108 (playwright sets an attribute)
    upload_film(page, film_file)
    expect(page.locator("#viewer .opening")).to_be_visible()
    assert box.bounding_box()["height"] == pytest.approx(before, abs=1)
    for route in held:
        route.continue_()
    expect_verdict_and_film(page)
    assert box.bounding_box()["height"] == pytest.approx(before, abs=1)
