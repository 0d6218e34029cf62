"""A real Chromium; tests that need it are skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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
    yield page
    context.close()
