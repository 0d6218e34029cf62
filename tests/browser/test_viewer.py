"""The film viewer: what its tools do to the pixels on screen, without asking the server."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from bonefx import images
from tests.browser.reading import expect_verdict_and_film, shown_pixels, upload
from tests.factories import make_pixels
from tests.unit.test_images import make_dicom

WINDOW = {"WindowCenter": "2000", "WindowWidth": "1000", "WindowCenterWidthExplanation": "NORMAL"}

pytestmark = pytest.mark.parametrize("app", ["shipped"], indirect=True)


@pytest.fixture
def leg(page):
    """The page with an example whose map is shown."""
    page.get_by_role("button", name="Example 3: leg").click()
    expect_verdict_and_film(page)
    expect(page.locator("figure.film[data-drawn]")).to_have_count(1)
    return page


@pytest.fixture
def deep(page, tmp_path):
    """The page with a 12-bit DICOM film that has a window of its own, and its file."""
    path = tmp_path / "0001"
    path.write_bytes(make_dicom((make_pixels(200, 150) * 4095).astype(np.uint16), **WINDOW))
    upload(page, path)
    expect_verdict_and_film(page)
    return page, path


def tool(page, name):
    return page.locator(f'[data-tool="{name}"]')


def settle(page):
    """Wait until the browser has painted what was asked for."""
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def scale(page):
    return float(
        page.locator(".sheet").evaluate(
            "sheet => new DOMMatrix(getComputedStyle(sheet).transform).a"
        )
    )


def through(film, low, high):
    return np.clip((film.values - low) / (high - low), 0, 1)


def test_a_dicom_film_opens_in_its_own_window_and_keeps_what_lies_outside(deep):
    page, path = deep
    film = images.read(path)
    assert np.abs(shown_pixels(page) - film.pixels).max() <= 1.01 / 255
    tool(page, "preset").select_option("Full range")
    settle(page)
    assert np.abs(shown_pixels(page) - film.values).max() <= 1.01 / 255
    assert len(np.unique(shown_pixels(page))) > len(np.unique(film.pixels > 0))


def test_presets_name_the_films_own_window(deep):
    page, _ = deep
    expect(tool(page, "preset").locator("option")).to_have_text(
        ["Film's own: Normal", "Full range", "Bone", "Soft tissue", "Own"]
    )


def test_a_narrow_window_shows_levels_that_8_bits_would_lose(page, tmp_path):
    values = np.full((200, 150), 20_000, np.uint16)
    values[:, 75:] += np.arange(75, dtype=np.uint16) * 8  # 600 of 65,535: two of 256 grey levels
    values[0, :2] = (0, 65_535)
    path = tmp_path / "deep.png"
    Image.fromarray(values).save(path)
    upload(page, path)
    expect_verdict_and_film(page)
    assert len(np.unique(shown_pixels(page)[1:])) <= 4
    page.evaluate(
        """() => { for (const [name, value] of [["level", 31], ["width", 1]]) {
            const range = document.querySelector(`[data-tool="${name}"]`);
            range.value = value;
            range.dispatchEvent(new Event("input", {bubbles: true}));
        } }"""
    )
    settle(page)
    assert len(np.unique(shown_pixels(page)[1:])) > 60
    expect(tool(page, "preset")).to_have_value("own")


def test_invert_turns_every_grey_level(leg):
    before = shown_pixels(leg)
    tool(leg, "invert").click()
    settle(leg)
    np.testing.assert_allclose(shown_pixels(leg), 1 - before, atol=1e-6)
    expect(tool(leg, "invert")).to_have_attribute("aria-pressed", "true")


def test_level_and_width_change_the_pixels_without_asking_the_server(leg, asked):
    before = shown_pixels(leg)
    asked.clear()
    tool(leg, "width").press("Home")
    settle(leg)
    hard = shown_pixels(leg)
    assert np.mean((hard == 0) | (hard == 1)) > 0.9 > np.mean((before == 0) | (before == 1))
    tool(leg, "level").press("Home")
    settle(leg)
    assert shown_pixels(leg).mean() > hard.mean()
    assert [url for url in asked if not url.startswith("data:")] == []


def test_the_map_fades_by_keyboard_without_asking_the_server(leg, asked):
    layer = leg.locator("image.map")
    asked.clear()
    leg.get_by_role("slider", name="Opacity").press("End")
    expect(layer).to_have_css("opacity", "1")
    leg.get_by_role("slider", name="Opacity").press("Home")
    expect(layer).to_have_css("opacity", "0")
    assert [url for url in asked if not url.startswith("data:")] == []


def test_map_and_contour_are_switched_apart(leg):
    layer, line = leg.locator("image.map"), leg.locator("path.contour")
    expect(layer).to_have_css("visibility", "visible")
    expect(line).to_have_css("visibility", "hidden")
    tool(leg, "contour").click()
    tool(leg, "map").click()
    expect(layer).to_have_css("visibility", "hidden")
    expect(line).to_have_css("visibility", "visible")


def test_the_curtain_uncovers_the_film_from_the_left(leg):
    leg.get_by_role("slider", name="Curtain").press("End")
    expect(leg.locator("image.map")).to_have_css("clip-path", re.compile(r"inset\(0.* 100%\)"))


def test_keys_zoom_move_and_fit(leg):
    stage = leg.locator(".stage")
    stage.press("+")
    stage.press("+")
    assert scale(leg) == pytest.approx(1.25**2)
    stage.press("ArrowRight")
    moved = leg.locator(".sheet").evaluate("sheet => sheet.style.transform")
    assert "translate(-40px" in moved
    stage.press("0")
    assert scale(leg) == 1


def test_the_wheel_zooms_only_after_the_film_was_chosen(leg):
    leg.locator(".stage").hover()
    leg.mouse.wheel(0, -100)
    settle(leg)
    assert scale(leg) == 1
    leg.locator(".stage").click()
    leg.mouse.wheel(0, -100)
    leg.wait_for_function("document.querySelector('.sheet').style.transform.includes('1.25')")


def test_dragging_with_the_right_button_windows(leg):
    box = leg.locator(".stage").bounding_box()
    before = float(tool(leg, "width").input_value())
    leg.mouse.move(box["x"] + 200, box["y"] + 100)
    leg.mouse.down(button="right")
    leg.mouse.move(box["x"] + 100, box["y"] + 100, steps=4)
    leg.mouse.up(button="right")
    assert float(tool(leg, "width").input_value()) == pytest.approx(before - 20, abs=1)


def test_full_screen_holds_film_and_tools(leg):
    tool(leg, "full").click()
    leg.wait_for_function("document.fullscreenElement?.matches('figure.film')")
    expect(tool(leg, "invert")).to_be_in_viewport()
