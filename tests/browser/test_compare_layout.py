"""Compare with the shipped models, whose cards are the longest: their films stay in sight."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

LEAST_PX = 180


@pytest.mark.parametrize("app", ["shipped"], indirect=True)
def test_verdicts_and_whole_films_are_in_sight_at_once(page):
    page.get_by_role("tab", name="Compare").click()
    page.get_by_role("button", name="Example 6: ").locator("visible=true").click()
    expect(page.get_by_role("region", name="Agreement")).to_be_visible()
    page.evaluate("scrollTo(0, 0)")
    tools = page.locator("#compare-sides .tools").bounding_box()
    stages = page.locator("#compare-sides .side .stage").all()
    assert len(stages) == 3
    for stage in stages:
        box = stage.bounding_box()
        assert box["height"] >= LEAST_PX
        assert box["y"] + box["height"] <= tools["y"]
    for name in ("efficientnet_b0", "vgg16"):
        card = page.get_by_role("region", name=f"Verdict of {name}")
        expect(card.get_by_text("Other hospitals")).to_be_hidden()
        card.get_by_text("Figures on test films").click()
        expect(card.get_by_text("Other hospitals")).to_be_visible()
