"""Keys that work wherever the focus is, the list of keys, the reset, and tools of the viewer."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.helpers import (
    expect_verdict_and_film,
    find_serious_violations,
    upload_film,
    verdict_region,
)
from tests.browser.viewer.stage import drag_film, measured, open_film, picture, stage, tool

pytestmark = pytest.mark.parametrize("app", ["tiny"], indirect=True)


@pytest.fixture
def film(page, film_file):
    """Open a film of 220 rows and 160 columns."""
    open_film(page, film_file)
    expect_verdict_and_film(page)
    return page


def pressed(page, name):
    return tool(page, name).get_attribute("aria-pressed") == "true"


def keys_dialog(page):
    return page.get_by_role("dialog", name="Keys and gestures")


def test_keys_work_wherever_the_focus_is_but_not_where_it_needs_them(film):
    film.locator("body").evaluate("body => document.activeElement.blur()")
    film.keyboard.press("i")
    assert pressed(film, "invert")
    tool(film, "fit").focus()
    film.keyboard.press("i")
    assert not pressed(film, "invert")
    tool(film, "preset").focus()
    film.keyboard.press("i")
    assert not pressed(film, "invert")
    level = tool(film, "level").input_value()
    tool(film, "level").press("ArrowRight")
    assert tool(film, "level").input_value() != level
    tool(film, "level").press("i")
    assert pressed(film, "invert")
    film.locator("#report > button").click()
    text = film.get_by_label("Your own text")
    text.press_sequentially("i01?m")
    expect(text).to_have_value("i01?m")
    assert pressed(film, "invert")
    expect(keys_dialog(film)).to_be_hidden()


def test_a_question_mark_lists_the_keys_and_escape_returns_the_focus(film):
    stage(film).press("?")
    expect(keys_dialog(film)).to_be_visible()
    expect(keys_dialog(film)).to_contain_text("drag with the right button")
    assert find_serious_violations(film) == {}
    film.keyboard.press("i")
    assert not pressed(film, "invert")
    film.keyboard.press("Escape")
    expect(keys_dialog(film)).to_be_hidden()
    expect(stage(film)).to_be_focused()
    film.get_by_role("button", name="Keys and gestures").click()
    film.get_by_label("Keys work only while the film has the focus").check()
    keys_dialog(film).get_by_role("button", name="Close").click()
    film.locator("body").evaluate("body => document.activeElement.blur()")
    film.keyboard.press("i")
    assert not pressed(film, "invert")
    stage(film).press("i")
    assert pressed(film, "invert")


def test_0_resets_the_view_and_keeps_measurements(film):
    fitted, preset = picture(film), tool(film, "preset").input_value()
    tool(film, "length").click()
    drag_film(film, (40, 60), (100, 60))
    tool(film, "length").click()
    for key in ("+", "+", "ArrowLeft", "i"):
        stage(film).press(key)
    tool(film, "level").fill("80")
    film.get_by_role("slider", name="Curtain").fill("50")
    film.keyboard.press("0")
    assert picture(film) == pytest.approx(fitted)
    expect(tool(film, "preset")).to_have_value(preset)
    assert not pressed(film, "invert")
    expect(film.get_by_role("slider", name="Curtain")).to_have_value("0")
    expect(measured(film)).to_have_count(1)


def test_a_tool_windows_by_every_drag_and_the_film_shows_its_window(film):
    readout = film.locator("#viewer .readout")
    expect(readout).to_contain_text("L 0.50 W 1.00")
    film.keyboard.press("w")
    before = picture(film)
    box = stage(film).bounding_box()
    film.mouse.move(box["x"] + 200, box["y"] + 100)
    film.mouse.down()
    film.mouse.move(box["x"] + 100, box["y"] + 75, steps=4)
    film.mouse.up()
    expect(readout).to_contain_text("L 0.45 W 0.80")
    assert float(tool(film, "width").input_value()) == pytest.approx(80, abs=0.2)
    assert picture(film) == before
    film.keyboard.press("Escape")
    assert not pressed(film, "window")


def test_the_magnifier_follows_the_pointer_and_the_arrow_keys(film):
    lens = film.locator("#viewer .lens")
    tool(film, "magnifier").click()
    stage(film).hover(position={"x": 300, "y": 200})
    expect(lens).to_be_visible()
    place = lens.bounding_box()
    stage(film).hover(position={"x": 360, "y": 230})
    moved = lens.bounding_box()
    assert (moved["x"] - place["x"], moved["y"] - place["y"]) == pytest.approx((60, 30), abs=1)
    stage(film).press("ArrowLeft")
    assert lens.bounding_box() != moved
    tool(film, "magnifier").click()
    expect(lens).to_be_hidden()


def test_cropping_puts_a_tool_away_and_a_tool_ends_cropping(film):
    tool(film, "length").click()
    film.locator("#crop").click()
    assert not pressed(film, "length")
    expect(film.locator("#crop")).to_have_attribute("aria-pressed", "true")
    tool(film, "angle").click()
    expect(film.locator("#crop")).to_have_attribute("aria-pressed", "false")


def test_full_screen_shows_the_verdict_on_the_film(film):
    on_film = film.locator("#viewer .verdict-on-film")
    expect(on_film).to_be_hidden()
    words = verdict_region(film).get_by_role("heading").inner_text()
    probability = verdict_region(film).locator(".probability b").inner_text()
    stage(film).press("f")
    expect(on_film).to_be_visible()
    expect(on_film).to_contain_text(words.strip())
    expect(on_film).to_contain_text(probability)
    film.keyboard.press("f")
    expect(on_film).to_be_hidden()


def test_1_is_an_answer_while_the_film_asks_for_one(page, film_file):
    page.get_by_label("My read first").check()
    upload_film(page, film_file)
    expect(verdict_region(page)).to_contain_text("Your read first")
    before = picture(page)
    page.get_by_label("My read first").press("1")
    assert picture(page) == before
    stage(page).press("1")
    expect(verdict_region(page).get_by_role("heading")).to_contain_text(
        re.compile("Fracture|No fracture|Review")
    )
