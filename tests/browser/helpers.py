"""Actions and expectations on the Read screen, shared by the browser tests."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

VERDICTS = re.compile(r"Fracture|No fracture|Review")
SERIOUS = ("serious", "critical")


def new_page(browser, *, width=1280, height=720, **settings):
    """Open an empty page in a session of its own; close its context at the end."""
    context = browser.new_context(viewport={"width": width, "height": height}, **settings)
    context.set_default_timeout(90_000)
    expect.set_options(timeout=90_000)
    return context.new_page()


def upload_film(page, path):
    page.locator("#film input[type=file]").set_input_files(path)


def verdict_region(page):
    return page.get_by_role("region", name="Verdict")


def expect_verdict_and_film(page):
    expect(verdict_region(page).get_by_role("heading")).to_contain_text(VERDICTS)
    expect(verdict_region(page).get_by_text("probability of fracture")).to_be_visible()
    expect(page.get_by_role("img", name="Radiograph")).to_be_visible()


def expect_map_or_reason_for_none(page):
    layer, words = page.locator("image.map"), page.get_by_text("No map: the evidence is below")
    expect(layer.or_(words)).to_have_count(1)


def shown_pixels(page):
    """Return the radiograph as the page draws it, (H, W) in [0, 1]."""
    expect(page.locator("figure.film[data-drawn]")).to_have_count(1)
    url = page.locator("canvas.pixels").evaluate("canvas => canvas.toDataURL()")
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("L"), np.float32) / 255


def drop_file(page, path, *, target):
    """Drop a file on an element of the page, as with the mouse."""
    content = base64.b64encode(path.read_bytes()).decode()
    transfer = page.evaluate_handle(
        """([content, name]) => {
            const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name));
            return transfer;
        }""",
        [content, path.name],
    )
    page.dispatch_event(target, "drop", {"dataTransfer": transfer})


def paste_picture(page, content):
    """Paste the bytes of a PNG file into the page."""
    page.evaluate(
        """async (letters) => {
            const bytes = Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
            const carried = new DataTransfer();
            carried.items.add(new File([bytes], "pasted.png", {type: "image/png"}));
            document.body.dispatchEvent(
                new ClipboardEvent("paste", {clipboardData: carried, bubbles: true}));
        }""",
        base64.b64encode(content).decode(),
    )


def wait_for_paint(page):
    """Wait until the browser has painted all earlier changes."""
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def find_serious_violations(page):
    """Return the serious and critical findings of axe: the elements concerned, by rule."""
    results = Axe().run(page).response
    assert len(results["passes"]) > 10  # axe has checked the page
    return {
        finding["id"]: [node["html"][:120] for node in finding["nodes"]]
        for finding in results["violations"]
        if finding["impact"] in SERIOUS
    }
