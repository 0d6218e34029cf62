"""The film viewer: its tools change the pixels on screen without a request."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from bonefx.films import formats
from tests.browser.helpers import expect_verdict_and_film, shown_pixels, upload_film, wait_for_paint
from tests.fixtures.dicom_files import make_dicom
from tests.fixtures.image_files import make_pixels

WINDOW = {"WindowCenter": "2000", "WindowWidth": "1000", "WindowCenterWidthExplanation": "NORMAL"}


pytestmark = pytest.mark.parametrize("app", ["shipped"], indirect=True)


@pytest.fixture
def example(page):
    """Open an example whose map is shown."""
    page.get_by_role("button", name="Example 6: hand").click()
    expect_verdict_and_film(page)
    expect(page.locator("figure.film[data-drawn]")).to_have_count(1)
    return page


@pytest.fixture
def dicom(page, tmp_path):
    """Open a 12-bit DICOM film with its own window; returns the page and the path."""
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


def test_a_dicom_film_opens_in_its_own_window_and_keeps_values_outside_it(dicom):
    page, path = dicom
    film = formats.read(path)
    assert np.abs(shown_pixels(page) - film.pixels).max() <= 1.01 / 255
    tool(page, "preset").select_option("Full range")
    wait_for_paint(page)
    assert np.abs(shown_pixels(page) - film.values).max() <= 1.01 / 255
    assert len(np.unique(shown_pixels(page))) > len(np.unique(film.pixels > 0))


def test_presets_name_the_films_own_window(dicom):
    page, _ = dicom
    expect(tool(page, "preset").locator("option")).to_have_text(
        ["Film's own: Normal", "Full range", "Bone", "Soft tissue", "Own"]
    )


def test_a_narrow_window_shows_levels_that_8_bits_would_lose(page, tmp_path):
    values = np.full((200, 150), 20_000, np.uint16)
    values[:, 75:] += np.arange(75, dtype=np.uint16) * 8  # 600 of 65,535: two of 256 grey levels
    values[:20] = np.linspace(0, 65_535, 150)  # too many to count as outliers
    path = tmp_path / "deep.png"
    Image.fromarray(values).save(path)
    upload_film(page, path)
    expect_verdict_and_film(page)
    assert len(np.unique(shown_pixels(page)[20:])) <= 4
    page.evaluate(
        """() => { for (const [name, value] of [["level", 31], ["width", 1]]) {
            const range = document.querySelector(`[data-tool="${name}"]`);
            range.value = value;
            range.dispatchEvent(new Event("input", {bubbles: true}));
        } }"""
    )
    wait_for_paint(page)
    assert len(np.unique(shown_pixels(page)[20:])) > 60
    expect(tool(page, "preset")).to_have_value("own")


def test_invert_turns_every_grey_level(example):
    before = shown_pixels(example)
    tool(example, "invert").click()
    wait_for_paint(example)
    np.testing.assert_allclose(shown_pixels(example), 1 - before, atol=1e-6)
    expect(tool(example, "invert")).to_have_attribute("aria-pressed", "true")


def test_level_and_width_change_the_pixels_without_asking_the_server(example, requested):
    before = shown_pixels(example)
    requested.clear()
    tool(example, "width").press("Home")
    wait_for_paint(example)
    hard = shown_pixels(example)
    assert np.mean((hard == 0) | (hard == 1)) > 0.9 > np.mean((before == 0) | (before == 1))
    tool(example, "level").press("Home")
    wait_for_paint(example)
    assert shown_pixels(example).mean() > hard.mean()
    assert [url for url in requested if not url.startswith("data:")] == []


def test_the_map_fades_by_keyboard_without_asking_the_server(example, requested):
    layer = example.locator("image.map")
    requested.clear()
    example.get_by_role("slider", name="Opacity").press("End")
    expect(layer).to_have_css("opacity", "1")
    example.get_by_role("slider", name="Opacity").press("Home")
    expect(layer).to_have_css("opacity", "0")
    assert [url for url in requested if not url.startswith("data:")] == []


def test_map_and_contour_switch_independently(example):
    layer, line = example.locator("image.map"), example.locator("path.contour")
    expect(layer).to_have_css("visibility", "visible")
    expect(line).to_have_css("visibility", "hidden")
    tool(example, "contour").click()
    tool(example, "map").click()
    expect(layer).to_have_css("visibility", "hidden")
    expect(line).to_have_css("visibility", "visible")


def test_the_curtain_uncovers_the_film_from_the_left(example):
    example.get_by_role("slider", name="Curtain").press("End")
    expect(example.locator("image.map")).to_have_css("clip-path", re.compile(r"inset\(0.* 100%\)"))


def test_keys_zoom_move_and_fit(example):
    stage = example.locator(".stage")
    stage.press("+")
    stage.press("+")
    assert scale(example) == pytest.approx(1.25**2)
    stage.press("ArrowRight")
    moved = example.locator(".sheet").evaluate("sheet => sheet.style.transform")
    assert "translate(-40px" in moved
    stage.press("0")
    assert scale(example) == 1


def test_the_wheel_zooms_only_a_focused_film(example):
    example.locator(".stage").hover()
    example.mouse.wheel(0, -100)
    wait_for_paint(example)
    assert scale(example) == 1
    example.locator(".stage").click()
    example.mouse.wheel(0, -100)
    example.wait_for_function("document.querySelector('.sheet').style.transform.includes('1.25')")


def test_dragging_with_the_right_button_changes_the_window(example):
    box = example.locator(".stage").bounding_box()
    before = float(tool(example, "width").input_value())
    example.mouse.move(box["x"] + 200, box["y"] + 100)
    example.mouse.down(button="right")
    example.mouse.move(box["x"] + 100, box["y"] + 100, steps=4)
    example.mouse.up(button="right")
    assert float(tool(example, "width").input_value()) == pytest.approx(before - 20, abs=1)


def test_full_screen_shows_film_and_tools(example):
    tool(example, "full").click()
    example.wait_for_function("document.fullscreenElement?.matches('figure.film')")
    expect(tool(example, "invert")).to_be_in_viewport()
