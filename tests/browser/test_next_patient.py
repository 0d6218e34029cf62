"""Nothing of one film stays on the screen or in a report when the next film is opened."""

from __future__ import annotations

import re

import numpy as np
import pydicom
import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from tests.browser.helpers import (
    drop_file,
    expect_verdict_and_film,
    paste_picture,
    upload_film,
)
from tests.browser.test_report_panel import open_panel, saved
from tests.fixtures.dicom_files import make_dicom
from tests.fixtures.image_files import make_pixels, make_png

ZOOMED = re.compile(r"\bnear\b")
NOTE = "Check the scaphoid of patient A."

pytestmark = pytest.mark.parametrize("app", ["shipped"], indirect=True)


def write_dicom(folder, *, seed):
    path = folder / f"film{seed}.dcm"
    pixels = (make_pixels(200, 150, seed=seed) * 4095).astype(np.uint16)
    path.write_bytes(
        make_dicom(
            pixels, BodyPartExamined="HAND", PatientName=f"Patient^{seed}", PatientID=str(seed),
            StudyInstanceUID=f"1.2.826.0.1.3680043.8.498.{seed}",
            SeriesInstanceUID=f"1.2.826.0.1.3680043.8.498.{seed}.1",
        )
    )  # fmt: skip
    return path


def by_upload(page, folder):
    upload_film(page, write_dicom(folder, seed=2))


def by_drop(page, folder):
    drop_file(page, write_dicom(folder, seed=2), target="#viewer")


def by_paste(page, folder):
    paste_picture(page, make_png(210, 150, seed=2))


def by_example(page, folder):
    page.get_by_role("button", name="Example 1: ").click()


def by_worklist(page, folder):
    page.get_by_role("tab", name="Worklist").click()
    page.locator("#films input[type=file]").set_input_files(write_dicom(folder, seed=2))
    expect(page.locator(".rows tbody tr")).to_have_count(1)
    page.locator(".rows tbody tr").get_by_role("button").first.press("Enter")


WAYS = (by_upload, by_drop, by_paste, by_example, by_worklist)


def open_first_film_and_leave_traces(page, folder):
    """Read a film, type a text about it, zoom, and set a window."""
    upload_film(page, write_dicom(folder, seed=1))
    expect_verdict_and_film(page)
    open_panel(page)
    page.get_by_label("Your own text").fill(NOTE)
    page.locator("figure.film .stage").first.press("+")
    page.locator("[data-tool=level]").fill("80")
    expect(page.locator("figure.film .stage").first).to_have_class(ZOOMED)
    expect(page.locator("[data-tool=preset]")).to_have_value("own")


@pytest.mark.parametrize("open_next", WAYS)
def test_a_new_film_starts_with_an_empty_text_and_its_own_view(page, tmp_path, open_next):
    open_first_film_and_leave_traces(page, tmp_path)
    first = page.locator("figure.film").element_handle()
    open_next(page, tmp_path)
    first.wait_for_element_state("hidden")
    expect_verdict_and_film(page)
    expect(page.locator("figure.film[data-drawn]")).to_have_count(1)
    expect(page.get_by_label("Your own text")).to_have_value("")
    expect(page.locator("[data-tool=preset]")).not_to_have_value("own")
    expect(page.locator("figure.film .stage").first).not_to_have_class(ZOOMED)
    text = PdfReader(saved(page, "PDF", tmp_path)).pages[0].extract_text()
    assert "scaphoid" not in text


def test_a_structured_report_holds_no_text_about_the_film_before(page, tmp_path):
    open_first_film_and_leave_traces(page, tmp_path)
    first = page.locator("figure.film").element_handle()
    by_upload(page, tmp_path)
    first.wait_for_element_state("hidden")
    expect_verdict_and_film(page)
    report = pydicom.dcmread(saved(page, "DICOM report", tmp_path))
    assert report.PatientID == "2"
    assert "scaphoid" not in str(report)


def test_the_text_stays_while_the_same_film_is_turned_or_read_by_another_model(page, tmp_path):
    open_first_film_and_leave_traces(page, tmp_path)
    page.locator("#changes").get_by_role("button", name="Turn left").click()
    expect_verdict_and_film(page)
    expect(page.get_by_label("Your own text")).to_have_value(NOTE)


def test_messages_about_a_film_close_when_the_next_is_opened(page, tmp_path, film_file):
    upload_film(page, film_file)
    expect_verdict_and_film(page)
    open_panel(page)
    page.locator("#report_forms").get_by_role("button", name="DICOM report").click()
    message = page.get_by_text("A DICOM report needs a DICOM film")
    expect(message).to_be_visible()
    upload_film(page, write_dicom(tmp_path, seed=2))
    expect(message).to_have_count(0, timeout=5_000)
