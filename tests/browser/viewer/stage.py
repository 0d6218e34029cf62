"""Where the pixels of a film lie on the page, and drags from one to another."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.helpers import upload_film

PICTURE = """part => {
    const { x, y, width } = part.getBoundingClientRect();
    return { x, y, scale: width / part.offsetWidth };
}"""


def open_film(page, path):
    """Upload a film, and wait until the page has drawn it."""
    upload_film(page, path)
    expect(page.locator("figure.film[data-drawn]")).to_have_count(1)
    page.evaluate("scrollTo(0, 0)")


def stage(page):
    return page.locator("#viewer .stage")


def tool(page, name):
    return page.locator(f'#viewer [data-tool="{name}"]')


def picture(page):
    """Return where the film's upper left corner lies, and pixels of the page for one of its own."""
    return page.locator("#viewer .picture").evaluate(PICTURE)


def on_page(page, x, y):
    """Return where a point of the film lies on the page."""
    place = picture(page)
    return place["x"] + place["scale"] * x, place["y"] + place["scale"] * y


def click_film(page, *points):
    for point in points:
        page.mouse.click(*on_page(page, *point))


def drag_film(page, start, end):
    page.mouse.move(*on_page(page, *start))
    page.mouse.down()
    page.mouse.move(*on_page(page, *end), steps=3)
    page.mouse.up()


def measured(page):
    """Return the locator of the list of measurements."""
    return page.locator("#viewer .measured-on-film li")
