"""Films that are larger than the page gets: the visible part at full resolution on demand."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from bonefx.web.shared.viewer import MAX_FILM_PX
from tests.browser.helpers import new_page, wait_for_paint
from tests.browser.viewer.stage import open_film, picture, stage, tool

SHAPE = (500, 2700)  # rows and columns; the page gets 2,560 columns
COMPARED_PX = 200  # sides of the square in the middle of the stage that is compared
WITH_PART = re.compile(r"\bwith-part\b")

pytestmark = pytest.mark.parametrize("app", ["tiny"], indirect=True)


def write_noise(path, shape, *, seed=0):
    """Write a film whose neighbouring pixels have nothing in common; return its pixels."""
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    Image.fromarray(pixels).save(path)
    return pixels


@pytest.fixture
def large(page, tmp_path):
    """Open a film that is shown reduced; returns the page and the film's pixels."""
    assert max(SHAPE) > MAX_FILM_PX
    pixels = write_noise(tmp_path / "large.png", SHAPE)
    open_film(page, tmp_path / "large.png")
    return page, pixels


def show_film_alone(page):
    page.add_style_tag(content=".picture svg { display: none; }")


def screen_and_film(page, pixels, *, ratio=1):
    """Return a square of the screen, and the pixels of the film that should be there."""
    wait_for_paint(page)
    box, place = stage(page).bounding_box(), picture(page)
    left = round(box["x"] + box["width"] / 2 - COMPARED_PX / 2)
    top = round(box["y"] + box["height"] / 2 - COMPARED_PX / 2)
    clip = {"x": left, "y": top, "width": COMPARED_PX, "height": COMPARED_PX}
    screen = np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("L"))
    column = round((left - place["x"]) * ratio)
    row = round((top - place["y"]) * ratio)
    side = COMPARED_PX * ratio
    return screen, pixels[row : row + side, column : column + side]


def test_key_1_shows_one_pixel_of_the_film_on_one_pixel_of_the_screen(large):
    page, pixels = large
    show_film_alone(page)
    stage(page).press("1")
    expect(stage(page)).to_have_class(WITH_PART)
    np.testing.assert_array_equal(*screen_and_film(page, pixels))
    stage(page).press("ArrowLeft")
    np.testing.assert_array_equal(*screen_and_film(page, pixels))


def test_the_window_and_inversion_hold_at_full_resolution(large):
    page, pixels = large
    show_film_alone(page)
    tool(page, "exact").click()
    expect(stage(page)).to_have_class(WITH_PART)
    tool(page, "invert").click()
    tool(page, "width").fill("50")
    screen, film = screen_and_film(page, pixels)
    expected = 255 - np.clip((film / 255 - 0.25) / 0.5, 0, 1) * 255
    assert np.abs(screen - expected).max() <= 1


def test_a_film_asks_for_parts_only_where_it_is_magnified_and_drops_them(large, requested):
    page, _ = large
    expect(page.get_by_text("Shown reduced to 2,560 of 2,700 px until you zoom in")).to_be_visible()
    requested.clear()
    stage(page).press("+")
    page.wait_for_timeout(400)
    assert [url for url in requested if "gradio_api" in url] == []
    stage(page).press("1")
    expect(stage(page)).to_have_class(WITH_PART)
    assert [url for url in requested if "gradio_api" in url] != []
    tool(page, "fit").click()
    expect(stage(page)).not_to_have_class(WITH_PART)
    assert page.locator("#viewer canvas.part").evaluate("canvas => canvas.width") == 0


def test_a_small_film_is_shown_pixel_by_pixel_without_a_request(page, tmp_path, requested):
    pixels = write_noise(tmp_path / "small.png", (300, 400))
    open_film(page, tmp_path / "small.png")
    show_film_alone(page)
    requested.clear()
    stage(page).press("1")
    np.testing.assert_array_equal(*screen_and_film(page, pixels))
    assert [url for url in requested if "gradio_api" in url] == []


def test_one_pixel_of_a_dense_screen_is_one_pixel_of_the_film(app, chromium, tmp_path):
    page = new_page(chromium, device_scale_factor=2)
    page.goto(app.url)
    expect(page.get_by_role("button", name="Example 1: ")).to_be_visible()
    page.wait_for_selector("#film input[type=file][multiple]", state="attached")
    pixels = write_noise(tmp_path / "small.png", (700, 900))
    open_film(page, tmp_path / "small.png")
    show_film_alone(page)
    stage(page).press("1")
    assert picture(page)["scale"] == pytest.approx(0.5)
    np.testing.assert_array_equal(*screen_and_film(page, pixels, ratio=2))
    page.context.close()


def test_the_magnifier_shows_the_film_at_full_resolution_while_its_key_is_held(large):
    page, pixels = large
    lens = page.locator("#viewer .lens")
    stage(page).click()
    page.keyboard.down("z")
    expect(lens).to_be_visible()
    page.wait_for_function("document.querySelector('#viewer canvas.part').width > 0")
    wait_for_paint(page)
    levels = lens.evaluate(
        "c => [...c.getContext('2d').getImageData(c.width / 2 - 20, c.height / 2, 40, 1).data]"
        ".filter((_, i) => i % 4 === 0)"
    )
    rows = [pixels[row].tobytes() for row in range(SHAPE[0])]
    assert sum(bytes(levels) in row for row in rows) == 1
    page.keyboard.up("z")
    expect(lens).to_be_hidden()


def test_nothing_of_a_film_at_full_size_stays_for_the_next_one(large, tmp_path):
    page, _ = large
    tool(page, "exact").click()
    expect(stage(page)).to_have_class(WITH_PART)
    first = page.locator("figure.film").element_handle()
    canvases = page.locator("#viewer canvas:is(.part, .pixels)").element_handles()
    write_noise(tmp_path / "next.png", SHAPE, seed=1)
    open_film(page, tmp_path / "next.png")
    first.wait_for_element_state("hidden")
    expect(page.locator("figure.film[data-drawn]")).to_have_count(1)
    expect(stage(page)).not_to_have_class(WITH_PART)
    expect(page.locator("#viewer .readout")).not_to_contain_text("100 %")
    assert [canvas.evaluate("canvas => canvas.width") for canvas in canvases] == [0, 0]
    assert first.evaluate("figure => figure.childElementCount") == 0  # not even its map is kept
