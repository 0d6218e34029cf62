"""Films of one case hang side by side, with window and zoom together on request."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.cases import expect_open, open_list, open_row, sort_by, write_films
from tests.browser.helpers import find_serious_violations, wait_for_paint

PLACE = """stage => {
    const sheet = new DOMMatrix(getComputedStyle(stage.querySelector(".sheet")).transform);
    return [sheet.a, sheet.e / stage.clientWidth, sheet.f / stage.clientHeight];
}"""


@pytest.fixture
def app(app_of_three):
    """Let the page fixture open the app with three models."""
    return app_of_three


@pytest.fixture
def hung(page, tmp_path):
    """Open the first of three views of a wrist, with the others beside it."""
    open_list(page, write_films(tmp_path))
    sort_by(page, "Place in the list")
    open_row(page, "a.dcm")
    expect(page.locator(".beside")).to_have_count(0)
    page.get_by_label("Side by side").check()
    expect_beside(page, "Number 2: wrist, left, LL", "Number 6: RLO")
    return page


def expect_beside(page, *names):
    expect(page.locator(".beside figcaption > span")).to_have_text(list(names))
    expect(page.locator(".beside[data-drawn]")).to_have_count(len(names))


def box(page, selector):
    return page.locator(selector).bounding_box()


def places(page):
    """Return zoom and position of each film on the page, the one that was opened first."""
    wait_for_paint(page)
    return [
        pytest.approx(stage.evaluate(PLACE), abs=0.01)
        for stage in page.locator("#single .stage").all()
    ]


def windows(page):
    wait_for_paint(page)
    return [
        text.split(" \u00b7 ")[0] for text in page.locator("#single .readout").all_inner_texts()
    ]


def press_on(page, index, key):
    page.locator("#single .stage").nth(index).press(key)


def test_the_other_films_hang_on_the_right_at_the_same_height(hung):
    main, first, second = (box(hung, name) for name in ("#viewer .film", "#beside-1", "#beside-2"))
    assert first["x"] >= main["x"] + main["width"]
    assert second["y"] >= first["y"] + first["height"]
    assert first["y"] == pytest.approx(main["y"], abs=2)
    assert second["y"] + second["height"] == pytest.approx(main["y"] + main["height"], abs=2)
    assert find_serious_violations(hung) == {}


def test_each_film_has_its_own_window_and_zoom_at_first(hung):
    before = windows(hung)
    press_on(hung, 1, "+")
    press_on(hung, 0, "i")
    zooms = [place.expected[0] for place in places(hung)]
    assert zooms == [1, 1.25, 1]
    assert windows(hung) == before


def test_window_and_zoom_hold_for_all_films_on_request(hung):
    hung.get_by_label("Window and zoom together").check()
    for index, key in ((0, "+"), (1, "+"), (2, "ArrowRight")):
        press_on(hung, index, key)
        first, *others = places(hung)
        assert [place.expected for place in others] == [first, first]
    assert places(hung)[0].expected[0] == pytest.approx(1.25**2)
    level = hung.locator('#viewer [data-tool="level"]')
    level.focus()
    for _ in range(5):
        level.press("ArrowRight")
    shown = windows(hung)
    assert len(set(shown)) == 1
    press_on(hung, 2, "i")
    pressed = hung.locator('#single [data-tool="invert"][aria-pressed="true"]')
    expect(pressed).to_have_count(3)
    press_on(hung, 1, "0")
    assert {place.expected[0] for place in places(hung)} == {1}
    expect(pressed).to_have_count(0)


def test_the_films_follow_from_view_to_view_and_go_with_the_case(hung):
    hung.keyboard.press("n")
    expect_open(hung, "c.dcm")
    expect_beside(hung, "Number 6: RLO", "Number 1: wrist, left, PA")
    hung.keyboard.press("Shift+N")
    expect_open(hung, "f.png")
    expect(hung.locator(".beside")).to_have_count(0)
    expect(hung.locator("#hanging")).to_be_hidden()
    hung.keyboard.press("n")
    expect_open(hung, "b.dcm")
    expect_beside(hung, "Number 5: elbow, right, LL")


def test_a_key_takes_the_films_away_and_nothing_of_them_stays(hung):
    hung.keyboard.press("b")
    expect(hung.locator(".beside")).to_have_count(0)
    expect(hung.locator("#single canvas.pixels")).to_have_count(1)
    hung.keyboard.press("b")
    expect_beside(hung, "Number 2: wrist, left, LL", "Number 6: RLO")


def test_a_film_from_elsewhere_hangs_alone(hung, tmp_path):
    hung.locator("#film input[type=file]").set_input_files(tmp_path / "g.png")
    expect(hung.locator("#film-navigation .case-strip")).to_be_hidden()
    expect(hung.locator(".beside")).to_have_count(0)


def test_on_a_phone_the_films_stand_below(hung):
    hung.set_viewport_size({"width": 390, "height": 844})
    main, first = box(hung, "#viewer .film"), box(hung, "#beside-1")
    assert first["y"] >= main["y"] + main["height"]
    assert first["width"] == pytest.approx(main["width"], abs=2)
