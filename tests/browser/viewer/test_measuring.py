"""Lengths and angles on a film: their values, their units, and how they go with the film."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.helpers import expect_verdict_and_film
from tests.browser.viewer.stage import (
    click_film,
    drag_film,
    measured,
    on_page,
    open_film,
    picture,
    stage,
    tool,
)
from tests.fixtures.dicom_files import make_dicom
from tests.fixtures.image_files import make_pixels

START, END = (40, 60), (140, 60)  # 100 columns of a film

pytestmark = pytest.mark.parametrize("app", ["tiny"], indirect=True)


def write_dicom(path, *, shape=(200, 300), seed=0, **changes):
    stored = (make_pixels(*shape, seed=seed) * 4095).astype(np.uint16)
    path.write_bytes(make_dicom(stored, **changes))
    return path


def measure(page, name, *points):
    tool(page, name).click()
    click_film(page, *points)
    tool(page, name).click()


def expect_measured(page, text, *, place=0):
    """Expect a line of the list of measurements: a text and the button that deletes it."""
    expect(measured(page).nth(place)).to_have_text(f"{text} \N{MULTIPLICATION SIGN}")


def change(page, name):
    """Press a button that changes the film, and wait until the film was read again."""
    figure = page.locator("figure.film").element_handle()
    page.locator("#changes").get_by_role("button", name=name).click()
    figure.wait_for_element_state("hidden")
    expect(page.locator("figure.film[data-drawn]")).to_have_count(1)
    page.evaluate("scrollTo(0, 0)")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        pytest.param({}, "Length 1: 100 px", id="no spacing"),
        pytest.param(
            {"ImagerPixelSpacing": [0.2, 0.2]}, "Length 1: 20.0 mm at the detector plane",
            id="detector",
        ),
        pytest.param(
            {"PixelSpacing": [0.1, 0.1], "ImagerPixelSpacing": [0.11, 0.11]},
            "Length 1: 10.0 mm", id="patient",
        ),
        pytest.param(
            {"PixelSpacing": [0.2, 0.2]}, "Length 1: 20.0 mm, magnification not stated",
            id="nobody knows",
        ),
    ],
)  # fmt: skip
def test_a_length_is_in_the_unit_that_the_file_allows(page, tmp_path, changes, text):
    open_film(page, write_dicom(tmp_path / "film", **changes))
    stage(page).press("+")
    measure(page, "length", START, END)
    expect_measured(page, text)
    expect(page.locator("#viewer .measurements text")).to_have_text(text.partition(": ")[2])


def test_a_length_holds_where_pixels_are_not_square_and_the_film_is_changed(page, tmp_path):
    spacing = {"PixelSpacing": [0.4, 0.2], "PixelSpacingCalibrationType": "GEOMETRY"}
    open_film(page, write_dicom(tmp_path / "film", **spacing))
    measure(page, "length", (50, 100), (50, 300))  # 100 rows of the file, now 200 of 0.2 mm
    expect_measured(page, "Length 1: 40.0 mm")
    for name in ("Turn right", "Mirror"):
        change(page, name)
        expect_measured(page, "Length 1: 40.0 mm")
    # The film of 300 x 400 px is turned, then mirrored: x is y as read, y is x as read.
    handle = page.locator("#viewer .handle").first.bounding_box()
    middle = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    a_turned_and_mirrored_film = on_page(page, 100, 50)
    assert middle == pytest.approx(a_turned_and_mirrored_film, abs=1)
    measure(page, "length", (100, 150), (300, 150))
    expect_measured(page, "Length 2: 40.0 mm", place=1)


def test_a_length_holds_on_a_film_that_is_shown_reduced(page, tmp_path):
    path = write_dicom(tmp_path / "film", shape=(300, 2800), ImagerPixelSpacing=[0.1, 0.1])
    open_film(page, path)
    measure(page, "length", (400, 150), (2400, 150))
    text = measured(page).inner_text()
    assert float(re.search(r"[\d.]+ mm", text).group().split()[0]) == pytest.approx(200, abs=0.5)


def test_an_angle_needs_three_points_and_the_second_is_the_corner(page, tmp_path):
    open_film(page, write_dicom(tmp_path / "film"))
    tool(page, "angle").click()
    click_film(page, (60, 40), (60, 140))
    expect(measured(page)).to_have_count(0)
    click_film(page, (160, 140))
    expect_measured(page, "Angle 1: 90.0°")


def test_points_are_dragged_and_measurements_deleted(page, tmp_path):
    open_film(page, write_dicom(tmp_path / "film", ImagerPixelSpacing=[0.2, 0.2]))
    tool(page, "length").click()
    drag_film(page, START, END)
    expect(measured(page)).to_contain_text("20.0 mm")
    tool(page, "length").click()
    drag_film(page, END, (240, 60))
    expect(measured(page)).to_contain_text("40.0 mm")
    measure(page, "length", (40, 100), (140, 100))
    expect(measured(page)).to_have_count(2)
    page.get_by_role("button", name="Delete length 1").click()
    expect(measured(page)).to_contain_text("Length 1: 20.0 mm")
    expect(stage(page)).to_be_focused()
    page.keyboard.press("Delete")
    expect(measured(page)).to_have_count(0)
    expect(page.locator("#viewer .handle")).to_have_count(0)


def test_a_length_is_measured_by_keys_alone(page, tmp_path):
    open_film(page, write_dicom(tmp_path / "film", ImagerPixelSpacing=[1, 1]))
    stage(page).focus()
    for key in ("d", "Enter", *["ArrowRight"] * 6, *["Shift+ArrowRight"] * 3, "Enter"):
        page.keyboard.press(key)
    expect(measured(page)).to_have_count(1)
    length_mm = float(re.search(r"[\d.]+", measured(page).inner_text()[9:]).group())
    assert length_mm == pytest.approx(63 / picture(page)["scale"], abs=0.1)
    page.keyboard.press("Escape")
    expect(tool(page, "length")).to_have_attribute("aria-pressed", "false")


def test_a_finger_measures_and_two_fingers_zoom(app, chromium, tmp_path):
    from tests.browser.helpers import new_page

    page = new_page(chromium, width=820, height=1180, has_touch=True, is_mobile=True)
    page.goto(app.url)
    page.wait_for_selector("#film input[type=file][multiple]", state="attached")
    open_film(page, write_dicom(tmp_path / "film", ImagerPixelSpacing=[0.2, 0.2]))
    tool(page, "length").tap()
    session = page.context.new_cdp_session(page)

    def touch(kind, *points):
        at = [(*on_page(page, *point), number) for number, point in enumerate(points)]
        places = [{"x": x, "y": y, "id": number} for x, y, number in at]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    touch("touchStart", START)
    touch("touchMove", END)
    touch("touchEnd")
    expect(measured(page)).to_contain_text("20.0 mm")
    before = picture(page)["scale"]
    touch("touchStart", (100, 100), (150, 150))
    touch("touchMove", (50, 50), (200, 200))
    touch("touchEnd")
    assert picture(page)["scale"] > 1.5 * before
    expect(measured(page)).to_have_count(1)
    page.context.close()


def test_no_measurement_and_no_tool_stays_for_the_next_film(page, tmp_path):
    open_film(page, write_dicom(tmp_path / "film"))
    measure(page, "length", START, END)
    tool(page, "angle").click()
    click_film(page, START)  # begun
    first = page.locator("figure.film").element_handle()
    open_film(page, write_dicom(tmp_path / "next", seed=1))
    first.wait_for_element_state("hidden")
    expect(page.locator("figure.film[data-drawn]")).to_have_count(1)
    expect(measured(page)).to_have_count(0)
    expect(page.locator("#viewer .measurements > *")).to_have_count(0)
    expect(tool(page, "angle")).to_have_attribute("aria-pressed", "false")


def test_the_same_file_opened_again_starts_clean(page, tmp_path):
    path = tmp_path / "film.png"
    Image.fromarray(np.rint(make_pixels(220, 160) * 255).astype(np.uint8)).save(path)
    open_film(page, path)
    stage(page).press("i")
    measure(page, "length", START, END)
    first = page.locator("figure.film").element_handle()
    open_film(page, path)
    first.wait_for_element_state("hidden")
    expect_verdict_and_film(page)
    expect(page.locator("figure.film[data-drawn]")).to_have_count(1)
    expect(measured(page)).to_have_count(0)
    expect(tool(page, "invert")).to_have_attribute("aria-pressed", "false")
