"""What tests do and see on the Read screen."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from PIL import Image
from playwright.sync_api import expect

VERDICTS = re.compile(r"Fracture|No fracture|Review")


def upload(page, path):
    page.locator("#film input[type=file]").set_input_files(path)


def verdict(page):
    return page.get_by_role("region", name="Verdict")


def expect_verdict_and_film(page):
    expect(verdict(page).get_by_role("heading")).to_contain_text(VERDICTS)
    expect(verdict(page).get_by_text("probability of fracture")).to_be_visible()
    expect(page.get_by_role("img", name="Radiograph")).to_be_visible()


def expect_map_or_its_absence_in_words(page):
    layer, words = page.locator("image.map"), page.get_by_text("No map: the evidence is below")
    expect(layer.or_(words)).to_have_count(1)


def shown_pixels(page):
    """The film as the page holds it, (H, W) in [0, 1]."""
    expect(page.locator("figure.film[data-drawn]")).to_have_count(1)
    url = page.locator("canvas.pixels").evaluate("canvas => canvas.toDataURL()")
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("L"), np.float32) / 255
