"""Take the pictures of the screens in docs/images from a running app.

    bonefx serve &
    python -m docs.screenshots [http://127.0.0.1:7860]

Needs the extra `test` and a Chromium in the search path. Only example films are shown.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, expect, sync_playwright

IMAGES = Path(__file__).parent / "images"
EXAMPLES = Path(__file__).parents[1] / "examples"
SHOWN_EXAMPLE = "Example 6: hand"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
READING_MS = 180_000  # a CPU that does other things


def open_page(browser: Browser, url: str, *, width: int = 1280, height: int = 720) -> Page:
    """Open a tab of the app in a window of its own."""
    page = browser.new_context(viewport={"width": width, "height": height}).new_page()
    page.set_default_timeout(READING_MS)
    page.goto(url)
    return page


def save(page: Page, name: str, *, full_page: bool = False) -> None:
    """Save a picture of the page when nothing moves any more."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(1500)
    page.screenshot(path=IMAGES / name, full_page=full_page)


def read_example(page: Page) -> None:
    """Read the example in the Read screen and scroll to its top."""
    page.get_by_role("button", name=SHOWN_EXAMPLE).first.click()
    expect(page.locator("#verdict")).to_contain_text("probability of fracture", timeout=READING_MS)
    expect(page.locator("#verdict [aria-busy]")).to_have_count(0, timeout=READING_MS)
    page.evaluate("scrollTo(0, 0)")


def compare_example(page: Page) -> None:
    """Compare two models on the example."""
    tab = page.get_by_role("tab", name="Compare")
    expect(tab).to_have_attribute("aria-selected", "true", timeout=READING_MS)
    page.get_by_role("button", name=SHOWN_EXAMPLE).locator("visible=true").click()
    expect(page.locator("#compare-sides")).to_contain_text("overlap", timeout=READING_MS)


def read_worklist(page: Page, folder: Path) -> None:
    """Read all examples, a letter and a file that is no film."""
    letter = Image.new("L", (600, 800), 255)
    for y in range(80, 600, 24):
        ImageDraw.Draw(letter).text((60, y), "A letter is not a bone film. " * 3, fill=0)
    letter.save(folder / "letter.png")
    Image.new("P", (80, 80)).save(folder / "broken.gif")
    (folder / "broken.gif").rename(folder / "broken.png")
    films = [*sorted(EXAMPLES.glob("*.jpg")), folder / "letter.png", folder / "broken.png"]
    page.locator("#films input[type=file]").set_input_files(films)
    expect(page.locator("#list tbody tr")).to_have_count(len(films), timeout=READING_MS)
    expect(page.locator("#list progress")).to_be_hidden(timeout=READING_MS)


def take_pictures(browser: Browser, url: str) -> None:
    """Take all pictures."""
    page = open_page(browser, url)
    read_example(page)
    save(page, "read.png")
    page = open_page(browser, url, width=820, height=1180)
    read_example(page)
    save(page, "read-tablet.png")
    page = open_page(browser, f"{url}/?tab=compare")
    compare_example(page)
    save(page, "compare.png", full_page=True)
    page = open_page(browser, f"{url}/?tab=worklist", height=764)
    with tempfile.TemporaryDirectory() as folder:
        read_worklist(page, Path(folder))
    save(page, "worklist.png")
    page = open_page(browser, f"{url}/?tab=card")
    expect(page.locator("#card")).to_contain_text("efficientnet_b0", timeout=READING_MS)
    save(page, "card.png")


def main(url: str = "http://127.0.0.1:7860") -> None:
    """Take all pictures of the app at a URL."""
    found = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        take_pictures(browser, url.rstrip("/"))
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
