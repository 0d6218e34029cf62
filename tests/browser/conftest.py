"""Fixtures of the browser tests: Chromium, a page of the app, and files to upload."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.fixtures.image_files import PATIENT_NAME, make_pixels

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("playwright", reason="playwright is not installed")

BROWSER_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start one browser for all tests."""
    found = next(filter(None, map(shutil.which, BROWSER_NAMES)), None)
    if found is None:
        pytest.skip(f"no browser on the PATH; install one of {', '.join(BROWSER_NAMES)}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=found, args=list(BROWSER_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def requested() -> list[str]:
    """Return the list of addresses that the page requests; it grows during the test."""
    return []


@pytest.fixture
def page(app, chromium, requested) -> Iterator[Page]:
    """Open the app in a new session of 1280 x 720 pixels, ready for a radiograph."""
    from playwright.sync_api import expect

    from tests.browser.helpers import new_page

    page = new_page(chromium)
    page.on("request", lambda request: requested.append(request.url))
    page.goto(app.url)
    expect(page.get_by_role("button", name="Example 1: ")).to_be_visible()
    # accessible_names.js sets this attribute: the scripts have run.
    page.wait_for_selector("#film input[type=file][multiple]", state="attached")
    yield page
    page.context.close()


@pytest.fixture
def film_file(tmp_path):
    """Write an 8-bit PNG with a patient's name as its file name."""
    path = tmp_path / f"{PATIENT_NAME}.png"
    Image.fromarray(np.rint(make_pixels(220, 160) * 255).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def broken_file(tmp_path):
    """Write a file that is not a radiograph."""
    path = tmp_path / "broken.png"
    path.write_bytes(b"GIF89a and no more")
    return path
