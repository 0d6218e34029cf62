"""Read: one film by one model."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from bonefx.films import formats
from tests.browser.helpers import (
    drop_file,
    expect_map_or_reason_for_none,
    expect_verdict_and_film,
    shown_pixels,
    upload_film,
    verdict_region,
)
from tests.fixtures.dicom_files import make_dicom
from tests.fixtures.image_files import PATIENT_NAME, make_pixels
from tests.fixtures.servers.app import REPOSITORY


def test_an_uploaded_png_gets_a_verdict_and_a_map(page, film_file):
    upload_film(page, film_file)
    expect_verdict_and_film(page)
    expect_map_or_reason_for_none(page)


def test_an_example_gets_a_verdict_and_a_map_by_keyboard(page):
    page.get_by_role("button", name="Example 6: hand").press("Enter")
    expect_verdict_and_film(page)
    expect(page.locator("image.map")).to_have_count(1)
    expect(page.locator("#details")).to_contain_text("FracAtlas IMG0000801.jpg, labelled fracture")


def test_examples_hide_their_label_before_they_are_read(page):
    expect(page.locator("#examples")).not_to_contain_text("racture")


def test_the_verdict_is_visible_without_scrolling(page):
    page.get_by_role("button", name="Example 1: ").click()
    expect_verdict_and_film(page)
    expect(verdict_region(page)).to_be_in_viewport(ratio=1)
    expect(page.get_by_text("Research software, not a medical device.")).to_be_in_viewport()
    expect(page.get_by_role("img", name="Radiograph")).to_be_in_viewport(ratio=1)


def test_a_broken_file_shows_the_reason_and_clears_the_earlier_verdict(
    page, film_file, broken_file
):
    upload_film(page, film_file)
    expect_verdict_and_film(page)
    upload_film(page, broken_file)
    expect(verdict_region(page)).to_contain_text("Not read")
    expect(verdict_region(page)).to_contain_text("Found a GIF file; use PNG, JPEG, TIFF")
    expect(verdict_region(page).get_by_text("probability of fracture")).to_have_count(0)
    expect(page.get_by_role("img", name="Radiograph")).to_have_count(0)
    expect(page.locator("#details")).not_to_contain_text("Time")


def test_another_operating_point_after_a_broken_file_restores_no_verdict(
    page, film_file, broken_file
):
    upload_film(page, film_file)
    expect_verdict_and_film(page)
    upload_film(page, broken_file)
    expect(verdict_region(page)).to_contain_text("Not read")
    page.locator("#point label").first.click()
    expect(page.locator("#measured caption")).to_contain_text("screening")
    expect(verdict_region(page)).to_contain_text("Not read")


def test_a_file_that_is_too_large_clears_the_earlier_verdict(page, film_file):
    upload_film(page, film_file)
    expect_verdict_and_film(page)
    page.evaluate("Object.defineProperty(File.prototype, 'size', {get: () => 2 ** 30})")
    drop_file(page, film_file, target="#viewer")
    expect(verdict_region(page)).to_contain_text("The file was not sent. Choose one film at a time")
    expect(page.get_by_text(PATIENT_NAME)).to_have_count(0)


def test_a_film_after_a_broken_file_is_read(page, film_file, broken_file):
    upload_film(page, broken_file)
    expect(verdict_region(page)).to_contain_text("Not read")
    upload_film(page, film_file)
    expect_verdict_and_film(page)


def test_a_16_bit_png_is_shown_as_read_and_not_white(page, tmp_path):
    path = tmp_path / "deep.png"
    Image.fromarray((make_pixels(200, 150) * 4095).astype(np.uint16)).save(path)
    upload_film(page, path)
    expect_verdict_and_film(page)
    pixels = shown_pixels(page)
    assert 0.05 < pixels.mean() < 0.6
    assert np.abs(pixels - formats.read(path).pixels).max() <= 1 / 255


def test_a_file_without_extension_is_recognised_by_its_content(page, film_file):
    bare = film_file.with_suffix("")
    film_file.rename(bare)
    upload_film(page, bare)
    expect_verdict_and_film(page)


def test_a_dicom_film_shows_its_view_and_no_patient_data(page, tmp_path):
    pixels = (make_pixels(200, 150) * 4095).astype(np.uint16)
    facts = {"BodyPartExamined": "HAND", "ViewPosition": "PA", "ImageLaterality": "L"}
    patient = {"PatientName": "Doe^Jane", "PatientID": "4711", "PatientBirthDate": "19700101"}
    path = tmp_path / "0001"
    path.write_bytes(make_dicom(pixels, **facts, **patient))
    upload_film(page, path)
    expect_verdict_and_film(page)
    details = page.locator("#details")
    for name, value in (("Body part", "HAND"), ("View", "PA"), ("Laterality", "L")):
        expect(details).to_contain_text(f"{name}{value}")
    for secret in ("Doe", "Jane", "4711", "1970"):
        expect(page.locator("body")).not_to_contain_text(secret)


def test_a_film_may_be_dropped_anywhere(page, film_file):
    drop_file(page, film_file, target="#viewer")
    expect_verdict_and_film(page)


def test_each_operating_point_applies_its_threshold(page, film_file):
    upload_film(page, film_file)
    expect_verdict_and_film(page)
    for label in page.locator("#point label").all():
        name, threshold = label.inner_text().strip().split()
        label.click()
        expect(verdict_region(page)).to_contain_text(f"Threshold {threshold}")
        expect(page.locator("#measured caption")).to_contain_text(f"“{name.lower()}”")


def test_the_next_film_keeps_the_chosen_operating_point(page, film_file):
    chosen = page.locator("#point label").last
    threshold = chosen.inner_text().split()[-1]
    chosen.click()
    upload_film(page, film_file)
    expect(verdict_region(page)).to_contain_text(f"Threshold {threshold}")
    expect(chosen.get_by_role("radio")).to_be_checked()


def test_the_first_key_stop_after_the_tabs_chooses_a_file(page, film_file):
    choose = page.get_by_role("button", name="Drop a film or choose a file")
    page.on(
        "filechooser", lambda _: None
    )  # Chromium starts to tell of choosers only some time later
    page.bring_to_front()
    expect(choose).to_be_enabled()
    page.get_by_role("tab").last.focus()
    page.keyboard.press("Tab")
    expect(choose).to_be_focused(timeout=5000)
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(film_file)
    expect_verdict_and_film(page)


def test_the_page_requests_nothing_from_another_host(page, app, requested, film_file):
    upload_film(page, film_file)
    expect_verdict_and_film(page)
    outside = [url for url in requested if not url.startswith((f"{app.url}/", "data:", "blob:"))]
    assert outside == []


def test_the_page_is_dark_though_the_browser_prefers_light(page):
    page.emulate_media(color_scheme="light")
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(value) for value in re.findall(r"\d+", colour)[:3]) < 32


def test_neither_the_file_nor_its_name_is_kept(page, app, film_file):
    upload_film(page, film_file)
    expect_verdict_and_film(page)
    expect(page.locator("body")).not_to_contain_text(PATIENT_NAME)
    assert PATIENT_NAME not in app.log.read_text()
    assert [path for path in app.uploads.rglob("*") if PATIENT_NAME in path.name] == []


def test_the_example_films_are_those_that_films_json_says():
    import hashlib
    import json

    for film in json.loads((REPOSITORY / "examples" / "films.json").read_text()):
        content = (REPOSITORY / "examples" / film["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == film["sha256"]
        assert bool(film["boxes"]) == (film["label"] == "fracture")


@pytest.mark.parametrize("app", ["tiny"], indirect=True)
def test_with_one_model_compare_explains_how_to_add_another(page):
    page.get_by_role("tab", name="Compare").click()
    expect(page.get_by_text("Comparing needs two models or more")).to_be_visible()
    expect(page.get_by_text("bonefx serve --model PATH")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(0)
