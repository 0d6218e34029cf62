"""Turning, mirroring and cropping a film on Read, and reading a film out of scope anyway."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.helpers import expect_verdict_and_film, upload_film, verdict_region
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.scopes import make_narrow_scope, make_scope
from tests.fixtures.servers.app import serve_app


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """Serve a model that reads every film, and one whose statistics refuse every film."""
    folder = tmp_path_factory.mktemp("changes")
    nothing = replace(make_narrow_scope(), limit=np.array(0.0, np.float32))
    for seed, (name, scope) in enumerate((("first", make_scope()), ("second", nothing))):
        make_model_folder(folder / "weights", id=name, seed=seed, scope=scope)
    with serve_app(folder / "weights", folder) as served:
        yield served


def film_size(page):
    """Return width and height of the film on the screen, in its own pixels."""
    svg = page.locator("#viewer .stage svg").first
    _, _, width, height = svg.get_attribute("viewBox").split()
    return int(width), int(height)


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def test_a_film_is_turned_mirrored_and_put_back(page, film_file):
    upload_film(page, film_file)
    expect_verdict_and_film(page)
    width, height = film_size(page)
    assert width != height
    expect(page.get_by_role("button", name="Undo changes")).to_be_disabled()
    press(page, "Turn right")
    expect(verdict_region(page).get_by_text("Turned clockwise by 90 degrees")).to_be_visible()
    expect_verdict_and_film(page)
    assert film_size(page) == (height, width)
    press(page, "Mirror")
    expect(verdict_region(page).get_by_text("Mirrored left to right")).to_be_visible()
    press(page, "Undo changes")
    expect(verdict_region(page).get_by_text(re.compile("Turned|Mirrored"))).to_have_count(0)
    expect_verdict_and_film(page)
    assert film_size(page) == (width, height)


def draw(page, start, end):
    """Draw a rectangle on the film, from and to shares of the shown film's width and height."""
    page.evaluate("window.scrollTo(0, 0)")
    svg = page.locator("#viewer .stage svg").first
    box = svg.evaluate(
        "svg => { const m = svg.getScreenCTM(), v = svg.viewBox.baseVal;"
        "return { x: m.e, y: m.f, width: m.a * v.width, height: m.d * v.height }; }"
    )
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=4)
    expect(page.locator("#viewer rect.crop")).to_have_count(1)
    page.mouse.up()


def test_a_part_of_a_film_is_drawn_and_read(page, film_file):
    upload_film(page, film_file)
    expect_verdict_and_film(page)
    width, height = film_size(page)
    press(page, "Crop")
    draw(page, (0.2, 0.1), (0.9, 0.8))
    expect(verdict_region(page).get_by_text("Cropped to columns")).to_be_visible()
    expect_verdict_and_film(page)
    new_width, new_height = film_size(page)
    assert new_width == pytest.approx(0.7 * width, abs=2)
    assert new_height == pytest.approx(0.7 * height, abs=2)
    expect(page.locator("#viewer rect.crop")).to_have_count(0)
    expect(page.get_by_role("button", name="Crop", exact=True)).to_have_attribute(
        "aria-pressed", "false"
    )


def test_escape_ends_cropping_and_a_drag_moves_the_film_again(page, film_file):
    upload_film(page, film_file)
    expect_verdict_and_film(page)
    press(page, "Crop")
    page.keyboard.press("Escape")
    page.locator("#viewer .stage").first.hover()
    page.mouse.down()
    expect(page.locator("#viewer rect.crop")).to_have_count(0)
    page.mouse.up()
    expect(verdict_region(page).get_by_text("Cropped")).to_have_count(0)


def test_the_next_film_starts_without_changes(page, film_file):
    upload_film(page, film_file)
    expect_verdict_and_film(page)
    press(page, "Turn left")
    expect(verdict_region(page).get_by_text("Turned clockwise by 270 degrees")).to_be_visible()
    upload_film(page, film_file)
    expect(verdict_region(page).get_by_text("Turned")).to_have_count(0)
    expect_verdict_and_film(page)
    expect(page.get_by_role("button", name="Undo changes")).to_be_disabled()


def test_a_film_out_of_scope_is_read_on_request_and_marked(page, film_file):
    page.get_by_role("radio", name="second").first.check()
    upload_film(page, film_file)
    expect(verdict_region(page).get_by_role("heading")).to_have_text(re.compile("Out of scope"))
    press(page, "Read anyway")
    expect(verdict_region(page).get_by_role("heading")).to_have_text(
        re.compile("outside the model's scope")
    )
    expect(page.get_by_role("button", name="Read anyway")).to_be_hidden()
    page.get_by_role("radio", name="first").first.check()  # it is asked without the override
    expect(verdict_region(page).get_by_role("heading")).not_to_have_text(
        re.compile("outside the model's scope")
    )
