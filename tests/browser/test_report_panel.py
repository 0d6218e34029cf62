"""Report panel: the reports that the browser saves."""

from __future__ import annotations

import json

import numpy as np
import pydicom
import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from tests.browser.helpers import expect_verdict_and_film, upload_film, verdict_region
from tests.fixtures.dicom_files import make_dicom
from tests.fixtures.image_files import PATIENT_NAME, make_pixels

PATIENT = {"PatientName": "Doe^Jane", "PatientID": "4711"}
STUDY = {
    "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.1",
    "SeriesInstanceUID": "1.2.826.0.1.3680043.8.498.2",
}

pytestmark = pytest.mark.parametrize("app", ["shipped"], indirect=True)


@pytest.fixture
def dicom_file(tmp_path):
    """Write a DICOM film with a patient and a study."""
    path = tmp_path / "0001"
    pixels = (make_pixels(200, 150) * 4095).astype(np.uint16)
    path.write_bytes(make_dicom(pixels, BodyPartExamined="HAND", **PATIENT, **STUDY))
    return path


def saved(page, words, folder):
    """Press a button of the panel, and return the path of the saved file."""
    with page.expect_download() as download:
        page.locator("#report_forms").get_by_role("button", name=words, exact=True).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def open_panel(page):
    page.locator("#report > button").click()
    expect(page.get_by_label("Your own text")).to_be_visible()


def test_a_pdf_holds_verdict_and_free_text_and_no_patient_data(page, dicom_file, tmp_path):
    upload_film(page, dicom_file)
    expect_verdict_and_film(page)
    shown = verdict_region(page).get_by_role("heading").inner_text().split(maxsplit=1)[1]
    open_panel(page)
    page.get_by_label("Your own text").fill("Check the scaphoid.")
    path = saved(page, "PDF", tmp_path)
    pages = PdfReader(path).pages
    assert len(pages) == 1
    text = pages[0].extract_text()
    assert shown in text
    assert "Check the scaphoid." in text
    assert not any(secret in text for secret in ("Doe", "4711"))


@pytest.mark.parametrize("words", ["DICOM picture", "DICOM report"])
def test_dicom_reports_keep_the_patient_and_study_of_the_film(page, dicom_file, tmp_path, words):
    upload_film(page, dicom_file)
    expect_verdict_and_film(page)
    open_panel(page)
    made = pydicom.dcmread(saved(page, words, tmp_path))
    assert (made.PatientName, made.PatientID) == ("Doe^Jane", "4711")
    assert made.StudyInstanceUID == STUDY["StudyInstanceUID"]
    assert made.SeriesInstanceUID != STUDY["SeriesInstanceUID"]
    expect(page.locator("body")).not_to_contain_text("4711")


def test_json_agrees_with_the_screen(page, film_file, tmp_path):
    upload_film(page, film_file)
    expect_verdict_and_film(page)
    open_panel(page)
    path = saved(page, "JSON", tmp_path)
    assert PATIENT_NAME not in path.name
    told = json.dumps(json.loads(path.read_text()))
    assert PATIENT_NAME not in told
    assert '"verdict"' in told


def test_a_film_that_is_not_dicom_has_no_dicom_report(page, film_file):
    upload_film(page, film_file)
    expect_verdict_and_film(page)
    open_panel(page)
    page.locator("#report_forms").get_by_role("button", name="DICOM report").click()
    expect(
        page.get_by_text("A DICOM report needs a DICOM film, and this one is PNG")
    ).to_be_visible()


def test_without_a_film_there_is_no_report(page):
    open_panel(page)
    page.locator("#report_forms").get_by_role("button", name="PDF").click()
    expect(page.get_by_text("There is no reading on this screen")).to_be_visible()


def test_a_session_of_own_reads_is_saved_as_csv(page, film_file, tmp_path):
    page.get_by_label("My read first").check()
    upload_film(page, film_file)
    expect(verdict_region(page)).to_contain_text("Your read first")
    page.locator("#own").get_by_role("button", name="Fracture", exact=True).click()
    expect_verdict_and_film(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download this session as CSV").click()
    text = download.value.path().read_text()
    assert text.splitlines()[0].startswith("film_sha256,reader,revised,agrees,model_verdict")
    assert text.splitlines()[1].split(",")[1] == "fracture"
    assert PATIENT_NAME not in text
