"""Touch: the page on a tablet, upright and on its side."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.helpers import expect_verdict_and_film, new_page
from tests.fixtures.image_files import make_png

TAPPED_PX = 40
# Whoever taps a label taps its field, but the words above a slider are not tapped.
TOO_SMALL = """
(least) => [...document.querySelectorAll("button, a, select, summary, label, input")]
    .filter((part) => part.checkVisibility({visibilityProperty: true}) && part.type !== "file")
    .filter((part) => part.matches("input") || !part.querySelector("input[type=range]"))
    .filter((part) => !part.matches("#prevalence label"))
    .map((part) => (part.matches("input:not([type=range])") && part.closest("label")) || part)
    .filter((part) => Math.round(part.getBoundingClientRect().height) < least)
    .map((part) => part.outerHTML.slice(0, 120))
"""


@pytest.fixture(params=[(820, 1180), (1180, 820)], ids=["upright", "on its side"])
def tablet(request, app_of_three, chromium):
    """Open the page on a tablet, with an example read by a tap."""
    width, height = request.param
    page = new_page(chromium, width=width, height=height, has_touch=True, is_mobile=True)
    page.goto(app_of_three.url)
    page.get_by_role("button", name="Example 3: ").tap()
    expect_verdict_and_film(page)
    expect(page.locator("figure.film[data-drawn]")).to_have_count(1)
    yield page
    page.context.close()


def expect_touch_sized_controls(page):
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert page.evaluate(TOO_SMALL, TAPPED_PX) == []


@pytest.fixture
def touch(tablet):
    """Return a function that touches the film at points, in pixels from the middle of its stage."""
    session = tablet.context.new_cdp_session(tablet)
    box = tablet.locator(".stage").bounding_box()
    left, top = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def touched(kind, *points):
        places = [{"x": left + x, "y": top + y, "id": i} for i, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    return touched


def sheet(page):
    """Return zoom and offset of the film, in pixels."""
    return page.locator(".sheet").evaluate(
        "part => { const now = new DOMMatrix(getComputedStyle(part).transform);"
        " return [now.a, now.e, now.f]; }"
    )


def test_read_and_its_report_have_touch_sized_controls(tablet):
    tablet.locator("#report > button").tap()
    expect(tablet.get_by_label("Your own text")).to_be_visible()
    expect_touch_sized_controls(tablet)
    with tablet.expect_download():
        tablet.locator("#report_forms").get_by_role("button", name="PDF", exact=True).tap()


def test_compare_has_touch_sized_controls(tablet):
    tablet.get_by_role("tab", name="Compare").tap()
    tablet.locator("#compare-examples button").nth(2).tap()
    expect(tablet.get_by_role("region", name="Agreement")).to_be_visible()
    expect_touch_sized_controls(tablet)


def test_a_worklist_has_touch_sized_controls_and_a_tapped_row_opens(tablet, tmp_path):
    path = tmp_path / "film.png"
    path.write_bytes(make_png(200, 150))
    tablet.get_by_role("tab", name="Worklist").tap()
    tablet.locator("#films input[type=file]").set_input_files(path)
    expect(tablet.locator(".rows tbody tr")).to_have_count(1)
    expect_touch_sized_controls(tablet)
    points = tablet.locator("#list-point label")
    for point in points.all():
        expect(point).to_be_in_viewport(ratio=1)
    tablet.locator(".rows tbody tr").tap()
    expect(tablet.get_by_role("tab", name="Read")).to_have_attribute("aria-selected", "true")
    expect_verdict_and_film(tablet)


def test_the_model_card_has_touch_sized_controls(tablet):
    tablet.get_by_role("tab", name="Model card").tap()
    expect(tablet.locator("#card")).to_contain_text("Architecture")
    expect_touch_sized_controls(tablet)


def test_two_fingers_zoom_at_their_position_and_one_moves(tablet, touch):
    touch("touchStart", (80, 80), (120, 120))
    touch("touchMove", (60, 60), (140, 140))
    touch("touchEnd")
    zoom, x, y = sheet(tablet)
    assert zoom == pytest.approx(2, rel=0.05)
    assert (x, y) == (pytest.approx(-100, abs=12), pytest.approx(-100, abs=12))
    touch("touchStart", (0, 0))
    touch("touchMove", (30, 20))
    touch("touchEnd")
    moved = sheet(tablet)
    assert moved[0] == zoom
    assert moved[1] > x
    assert moved[2] > y


def test_a_finger_moves_the_level(tablet):
    level = tablet.locator('[data-tool="level"]')
    before = float(level.input_value())
    box = level.bounding_box()
    tablet.touchscreen.tap(box["x"] + box["width"] * 0.9, box["y"] + 4)
    assert float(level.input_value()) > before
