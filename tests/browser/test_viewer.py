"""The film viewer: what its tools do to the pixels on screen, without asking the server."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from bonefx.films import images
from tests.browser.helpers import expect_verdict_and_film, shown_pixels, upload_film, wait_for_paint
from tests.fixtures.dicom_files import make_dicom
from tests.fixtures.image_files import make_pixels

WINDOW = {"WindowCenter": "2000", "WindowWidth": "1000", "WindowCenterWidthExplanation": "NORMAL"}


pytestmark = pytest.mark.parametrize("app", ["shipped"], indirect=True)


@pytest.fixture
def mapped(page):
    """The page with an example whose map is shown."""
    page.get_by_role("button", name="Example 6: hand").click()
    expect_verdict_and_film(page)
    expect(page.locator("figure.film[data-drawn]")).to_have_count(1)
    return page


@pytest.fixture
def deep(page, tmp_path):
    """The page with a 12-bit DICOM film that has a window of its own, and its file."""
    path = tmp_path / "0001"
    path.write_bytes(make_dicom((make_pixels(200, 150) * 4095).astype(np.uint16), **WINDOW))
    upload_film(page, path)
    expect_verdict_and_film(page)
    return page, path


def tool(page, name):
    return page.locator(f'[data-tool="{name}"]')


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
    film = images.read_radiograph(path)
    assert np.abs(shown_pixels(page) - film.pixels).max() <= 1.01 / 255
    tool(page, "preset").select_option("Full range")
    wait_for_paint(page)
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
    upload_film(page, path)
    expect_verdict_and_film(page)
    assert len(np.unique(shown_pixels(page)[1:])) <= 4
    page.evaluate(
        """() => { for (const [name, value] of [["level", 31], ["width", 1]]) {
            const range = document.querySelector(`[data-tool="${name}"]`);
            range.value = value;
            range.dispatchEvent(new Event("input", {bubbles: true}));
        } }"""
    )
    wait_for_paint(page)
    assert len(np.unique(shown_pixels(page)[1:])) > 60
    expect(tool(page, "preset")).to_have_value("own")


def test_invert_turns_every_grey_level(mapped):
    before = shown_pixels(mapped)
    tool(mapped, "invert").click()
    wait_for_paint(mapped)
    np.testing.assert_allclose(shown_pixels(mapped), 1 - before, atol=1e-6)
    expect(tool(mapped, "invert")).to_have_attribute("aria-pressed", "true")


def test_level_and_width_change_the_pixels_without_asking_the_server(mapped, requested):
    before = shown_pixels(mapped)
    requested.clear()
    tool(mapped, "width").press("Home")
    wait_for_paint(mapped)
    hard = shown_pixels(mapped)
    assert np.mean((hard == 0) | (hard == 1)) > 0.9 > np.mean((before == 0) | (before == 1))
    tool(mapped, "level").press("Home")
    wait_for_paint(mapped)
    assert shown_pixels(mapped).mean() > hard.mean()
    assert [url for url in requested if not url.startswith("data:")] == []


def test_the_map_fades_by_keyboard_without_asking_the_server(mapped, requested):
    layer = mapped.locator("image.map")
    requested.clear()
    mapped.get_by_role("slider", name="Opacity").press("End")
    expect(layer).to_have_css("opacity", "1")
    mapped.get_by_role("slider", name="Opacity").press("Home")
    expect(layer).to_have_css("opacity", "0")
    assert [url for url in requested if not url.startswith("data:")] == []


def test_map_and_contour_are_switched_apart(mapped):
    layer, line = mapped.locator("image.map"), mapped.locator("path.contour")
    expect(layer).to_have_css("visibility", "visible")
    expect(line).to_have_css("visibility", "hidden")
    tool(mapped, "contour").click()
    tool(mapped, "map").click()
    expect(layer).to_have_css("visibility", "hidden")
    expect(line).to_have_css("visibility", "visible")


def test_the_curtain_uncovers_the_film_from_the_left(mapped):
    mapped.get_by_role("slider", name="Curtain").press("End")
    expect(mapped.locator("image.map")).to_have_css("clip-path", re.compile(r"inset\(0.* 100%\)"))


def test_keys_zoom_move_and_fit(mapped):
    stage = mapped.locator(".stage")
    stage.press("+")
    stage.press("+")
    assert scale(mapped) == pytest.approx(1.25**2)
    stage.press("ArrowRight")
    moved = mapped.locator(".sheet").evaluate("sheet => sheet.style.transform")
    assert "translate(-40px" in moved
    stage.press("0")
    assert scale(mapped) == 1


def test_the_wheel_zooms_only_after_the_film_was_chosen(mapped):
    mapped.locator(".stage").hover()
    mapped.mouse.wheel(0, -100)
    wait_for_paint(mapped)
    assert scale(mapped) == 1
    mapped.locator(".stage").click()
    mapped.mouse.wheel(0, -100)
    mapped.wait_for_function("document.querySelector('.sheet').style.transform.includes('1.25')")


def test_dragging_with_the_right_button_windows(mapped):
    box = mapped.locator(".stage").bounding_box()
    before = float(tool(mapped, "width").input_value())
    mapped.mouse.move(box["x"] + 200, box["y"] + 100)
    mapped.mouse.down(button="right")
    mapped.mouse.move(box["x"] + 100, box["y"] + 100, steps=4)
    mapped.mouse.up(button="right")
    assert float(tool(mapped, "width").input_value()) == pytest.approx(before - 20, abs=1)


def test_full_screen_holds_film_and_tools(mapped):
    tool(mapped, "full").click()
    mapped.wait_for_function("document.fullscreenElement?.matches('figure.film')")
    expect(tool(mapped, "invert")).to_be_in_viewport()
