"""A real Chromium; tests that need it are skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.fixtures.image_files import PATIENT_NAME, make_pixels

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = Path("/usr/bin/chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[playwright.Browser]:
    """One browser for all tests."""
    if not CHROMIUM.is_file():
        pytest.skip(f"no Chromium at {CHROMIUM}")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def asked() -> list[str]:
    """Addresses that the page asked for."""
    return []


@pytest.fixture
def page(app, chromium, asked) -> Iterator[playwright.Page]:
    """The app's page in a fresh session of 1280 x 720, ready for a film."""
    context = chromium.new_context(viewport={"width": 1280, "height": 720})
    context.set_default_timeout(30_000)
    playwright.expect.set_options(timeout=30_000)
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(app.url)
    playwright.expect(page.get_by_role("button", name="Example 1: ")).to_be_visible()
    page.wait_for_selector("#film input[type=file][multiple]", state="attached")  # page.js ran
    yield page
    context.close()


@pytest.fixture
def film_file(tmp_path):
    """An 8-bit PNG whose name nobody may see."""
    path = tmp_path / f"{PATIENT_NAME}.png"
    Image.fromarray(np.rint(make_pixels(220, 160) * 255).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def broken_file(tmp_path):
    """Something that is no film."""
    path = tmp_path / "broken.png"
    path.write_bytes(b"GIF89a and no more")
    return path
