"""A marked film is read, reported, listed, broken off and killed: then its marks are nowhere."""

from __future__ import annotations

import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.conftest import BROWSER_FLAGS, BROWSER_NAMES
from tests.browser.helpers import expect_verdict_and_film, upload_film
from tests.fixtures.dicom_files import make_dicom
from tests.fixtures.image_files import make_pixels
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.servers.app import ServedApp, find_free_port, start_app, wait_for_app
from tests.fixtures.servers.calls import break_off, upload

NAME_MARK, HEADER_MARK = "Zerafina", "Quillfeather"
PATIENCE_S = 120


def marked_film():
    """Return a DICOM film with a marked header, and a piece of its pixels as they are stored."""
    pixels = (make_pixels(220, 160) * 4095).astype(np.uint16)
    pixels[100, 40:104] = np.random.default_rng(7).integers(1000, 3000, 64)
    film = make_dicom(pixels, PatientName=f"{HEADER_MARK}^A", BodyPartExamined="HAND")
    mark = pixels[100, 40:104].tobytes()
    assert mark in film
    return film, mark


def start(folder, log):
    port = find_free_port()
    served = ServedApp(
        url=f"http://127.0.0.1:{port}", log=folder / "log", uploads=folder / "uploads"
    )
    process = start_app(
        folder / "weights", port=port, uploads=served.uploads, log=log,
        BONEFX_CACHE=str(folder / "cache"), XDG_CACHE_HOME=str(folder / "user"),
        BONEFX_LOG_FORMAT="json",
    )  # fmt: skip
    wait_for_app(served, process)
    return served, process


def read_report_and_list(app, profile, film):
    """Read a film, save its report and list it, in a browser with a profile on the disk."""
    found = next(filter(None, map(shutil.which, BROWSER_NAMES)))
    with sync_playwright() as started:
        browser = started.chromium.launch_persistent_context(
            profile, executable_path=found, args=list(BROWSER_FLAGS)
        )
        page = browser.pages[0]
        page.set_default_timeout(PATIENCE_S * 1000)
        expect.set_options(timeout=PATIENCE_S * 1000)
        page.goto(app.url)
        page.wait_for_selector("#film input[type=file][multiple]", state="attached")
        upload_film(page, film)
        expect_verdict_and_film(page)
        page.locator("#report > button").click()
        with page.expect_download() as download:
            page.locator("#report_forms").get_by_role("button", name="PDF", exact=True).click()
        download.value.delete()
        page.get_by_role("tab", name="Worklist").click()
        page.locator("#films input[type=file]").set_input_files(film)
        expect(page.locator(".rows tbody tr")).to_have_count(1)
        browser.close()


def marks_in(folder: Path, marks):
    """Return the files below a folder that hold a mark in their path or their content."""
    found = []
    for path in folder.rglob("*"):
        held = path.read_bytes() if path.is_file() else b""
        found += [path for mark in marks if mark in held or mark in bytes(path)]
    return found


@pytest.fixture
def folder(tmp_path):
    """Return the folder of everything that app and browser write."""
    (tmp_path / "all").mkdir()
    make_model_folder(tmp_path / "all" / "weights")
    return tmp_path / "all"


def test_the_marks_of_a_film_are_nowhere_after_it_was_read_and_the_app_was_killed(folder, tmp_path):
    content, pixel_mark = marked_film()
    film = tmp_path / f"{NAME_MARK}.dcm"
    film.write_bytes(content)
    marks = [NAME_MARK.encode(), HEADER_MARK.encode(), pixel_mark]
    with (folder / "log").open("w") as log:
        app, process = start(folder, log)
        with ThreadPoolExecutor(1) as pool:  # Playwright runs in this thread already
            pool.submit(read_report_and_list, app, folder / "profile", film).result()
        upload(app.url, film.name, content)
        connection = break_off(app.url, film.name, content)
        process.send_signal(signal.SIGKILL)
        process.wait()
        connection.close()
        assert marks_in(folder, marks)  # the search finds marks where there are some
        _, process = start(folder, log)
        assert marks_in(folder, marks) == []
        process.terminate()
        assert process.wait(timeout=PATIENCE_S) == 0
    assert marks_in(folder, marks) == []
    assert list((folder / "uploads").iterdir()) == []
