"""The page from a phone to a wide screen: the film first, then its verdict; nothing overlaps."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.helpers import expect_verdict_and_film, new_page, verdict_region

SIZES = [
    (390, 844, 1), (844, 390, 1), (640, 360, 2),  # the last is 1280 x 720 at 200 %
    (820, 1180, 1), (1024, 768, 1), (1280, 720, 1), (1920, 1080, 1),
]  # fmt: skip
SMALL = SIZES[:3]
LEAST_SHARE = 0.45  # of the height of a small page that the film takes
# Controls, headings and texts that share more than a few pixels, and are not parts of each other.
OVERLAPPING = """
() => {
    // gradio measures its tabs by hidden copies of them
    const copies = "[aria-hidden=true], button[tabindex='-1']:not([role])";
    const hidden = `${copies}, .sr-only, .stage, .what`;
    const shown = (part) =>
        part.checkVisibility({ visibilityProperty: true }) && !part.closest(hidden);
    const chosen = [...document.querySelectorAll(
        "h1, h2, header p, button, select, summary, label, .probability, .reason, .second, .region"
    )].filter(shown).filter((part) => part.innerText?.trim() || part.matches("select"));
    const boxes = chosen.map((part) => [part, part.getBoundingClientRect()]);
    const found = [];
    for (const [index, [one, a]] of boxes.entries())
        for (const [other, b] of boxes.slice(index + 1)) {
            if (one.contains(other) || other.contains(one)) continue;
            const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (across > 3 && down > 3)
                found.push([one, other].map((part) => part.outerHTML.slice(0, 90)).join(" and "));
        }
    return found;
}
"""


def name(size):
    return "{}x{}".format(*size)


@pytest.fixture
def sized(request, app_of_three, chromium):
    """Open the page in the size of the test, with an example that was read."""
    width, height, scale = request.param
    page = new_page(chromium, width=width, height=height, device_scale_factor=scale)
    page.goto(app_of_three.url)
    page.get_by_role("button", name="Example 6: ").click()
    expect_verdict_and_film(page)
    expect(page.locator("figure.film[data-drawn]")).to_have_count(1)
    page.evaluate("scrollTo(0, 0)")
    yield page
    page.context.close()


def bounds(part):
    box = part.bounding_box()
    return box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]


@pytest.mark.parametrize("sized", SIZES, ids=name, indirect=True)
def test_nothing_overlaps_and_nothing_is_wider_than_the_page(sized):
    assert sized.evaluate(OVERLAPPING) == []
    assert sized.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("sized", SMALL, ids=name, indirect=True)
def test_the_film_comes_first_and_is_large_and_the_verdict_is_next(sized):
    _, top, right, bottom = bounds(sized.locator("#viewer .stage"))
    height = sized.viewport_size["height"]
    assert bottom - top >= LEAST_SHARE * height
    assert 0 <= top < bottom <= height  # in sight without scrolling
    verdict_left, verdict_top, _, _ = bounds(verdict_region(sized))
    assert verdict_top >= bottom or verdict_left >= right
    for later in ("#film", "#model", "#point", "#examples", "#changes"):
        later_left, later_top, _, _ = bounds(sized.locator(later))
        assert later_top >= bottom or later_left >= right


@pytest.mark.parametrize("sized", SMALL, ids=name, indirect=True)
def test_the_other_tabs_fit_on_a_small_page(sized):
    for tab in ("Compare", "Worklist"):
        sized.get_by_role("tab", name=tab).click()
        expect(sized.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        expect(sized.locator("#compare-sides .opening")).to_have_count(0)
        assert sized.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert sized.evaluate(OVERLAPPING) == []


@pytest.mark.parametrize("sized", [SIZES[5]], ids=name, indirect=True)
def test_lines_on_the_film_keep_their_width_at_any_zoom(sized):
    sized.get_by_role("button", name="Contour").click()
    width = "line => parseFloat(getComputedStyle(line).strokeWidth) * line.getScreenCTM().a"
    own = "line => parseFloat(getComputedStyle(line).strokeWidth)"
    line = sized.locator("#viewer .contour").first
    before, zoom = line.evaluate(own), sized.locator("#viewer .sheet")
    for _ in range(3):
        sized.get_by_role("button", name="Zoom in").click()
    scale = zoom.evaluate("part => new DOMMatrix(getComputedStyle(part).transform).a")
    assert scale > 1.5
    assert line.evaluate(own) * scale == pytest.approx(before, rel=1e-3)
    assert line.evaluate(width) > 0
