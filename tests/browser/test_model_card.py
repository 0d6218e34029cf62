"""Model card: facts, figures and the card of a model."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect


@pytest.fixture
def app(app_of_three):
    """Let the page fixture open the app with three models."""
    return app_of_three


@pytest.fixture
def card(page):
    """Open the Model card tab with the first model."""
    page.get_by_role("tab", name="Model card").click()
    expect(page.get_by_role("heading", name="first")).to_be_visible()
    return page


def test_facts_and_figures_are_above_the_card(card):
    facts = card.locator(".facts")
    expect(facts).to_contain_text("Architectureefficientnet_b0")
    expect(facts).to_contain_text("AUROC 0.931 (0.891 to 0.959) on 582 unseen films")
    expect(facts).to_contain_text("synthetic, licence: none")


def test_the_table_and_the_picture_of_a_card_are_visible(card, requested):
    expect(card.get_by_role("cell", name="0.931 (0.891 to 0.959), n = 582")).to_be_visible()
    picture = card.get_by_role("img", name="reliability of the probabilities")
    expect(picture).to_be_visible()
    assert picture.evaluate("(image) => image.naturalWidth") == 60
    expect(card.get_by_text("Picture not available: a plot of another host")).to_be_visible()
    assert not [url for url in requested if "elsewhere" in url]


def test_a_script_in_a_card_is_shown_as_text(card):
    expect(card.get_by_text('<script>document.title = "taken over"</script>')).to_be_visible()
    assert card.title() == "bonefx"


def test_a_model_without_a_card_shows_a_message(card):
    card.get_by_role("radio", name="third").check()
    expect(card.locator("#card-page")).to_contain_text("comes without a CARD.md")
    expect(card.get_by_text("Never for patients.")).to_have_count(0)
    expect(card.locator(".facts")).to_contain_text("Modelthird")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (820, 1180), (480, 900)])
def test_a_wide_table_scrolls_within_itself_and_by_keyboard(card, width, height):
    card.set_viewport_size({"width": width, "height": height})
    assert card.evaluate("document.documentElement.scrollWidth") <= width
    table = card.get_by_role("region", name="Table")
    table.focus()
    expect(table).to_be_focused()
    if width == 480:
        assert table.evaluate("(part) => part.scrollWidth > part.clientWidth")


def test_a_link_opens_a_models_card_and_the_address_follows(page, app):
    page.goto(f"{app.url}/?tab=card&model=third")
    expect(page.locator(".facts")).to_contain_text("Modelthird")
    page.locator("#card-model").get_by_label("first").check()
    expect(page).to_have_url(re.compile("model=first"))
