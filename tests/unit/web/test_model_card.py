"""A card is rendered with embedded pictures and without scripts or requests."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

from bonefx.models.registry import load_model
from bonefx.records import Origin
from bonefx.web.model_card.card import MAX_CARD_BYTES, facts_html, model_card_html
from bonefx.web.model_card.markdown import card_html
from tests.fixtures.model_folders import make_model_folder


@pytest.fixture
def model(tmp_path):
    return load_model(make_model_folder(tmp_path), device=torch.device("cpu"))


def write_picture(folder, name="figures.png"):
    Image.new("L", (8, 8)).save(folder / name, format="PNG")


def test_a_picture_beside_the_card_is_embedded_with_its_text(tmp_path):
    write_picture(tmp_path)
    html = card_html("![what it <shows>](figures.png)", folder=tmp_path)
    assert '<img src="data:image/png;base64,iVBOR' in html
    assert 'alt="what it &lt;shows&gt;"' in html


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("![a plot](https://elsewhere.org/plot.png)", id="another host"),
        pytest.param("![a plot][there]\n\n[there]: https://elsewhere.org/plot.png", id="reference"),
        pytest.param("![a plot](//elsewhere.org/plot.png)", id="without scheme"),
        pytest.param("![a plot](../secret.png)", id="another folder"),
        pytest.param("![a plot](missing.png)", id="missing"),
        pytest.param("![a plot](text.png)", id="no picture"),
        pytest.param("![a plot](data:image/png;base64,AAAA)", id="inside the card"),
    ],
)
def test_any_other_picture_is_replaced_by_its_text(tmp_path, text):
    folder = tmp_path / "model"
    folder.mkdir()
    write_picture(tmp_path, "secret.png")
    (folder / "text.png").write_text("no picture")
    html = card_html(text, folder=folder)
    assert "<img" not in html
    assert "[Picture not available: a plot]" in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "inline <img src=x onerror=alert(1)> html",
        "<iframe src='https://elsewhere.org'></iframe>",
        "[click](javascript:alert(1))",
    ],
)
def test_html_and_scripts_in_a_card_are_text(tmp_path, text):
    html = card_html(text, folder=tmp_path)
    assert not any(part in html for part in ("<script", "<img", "<iframe", "href="))


def test_a_table_can_be_scrolled_by_keyboard(tmp_path):
    html = card_html("| a | b |\n| --- | --- |\n| 1 | 2 |\n", folder=tmp_path)
    assert '<div class="wide" role="region" aria-label="Table" tabindex="0"><table>' in html
    assert "<td>1</td>" in html


def test_headings_are_one_level_below_those_of_the_page(tmp_path):
    html = card_html("# title\n\n## part\n", folder=tmp_path)
    assert "<h1" not in html
    assert "<h2>title</h2>" in html
    assert "<h3>part</h3>" in html


def test_a_model_without_a_card_shows_its_facts_and_that_the_card_is_missing(model):
    html = model_card_html(model)
    assert "comes without a CARD.md" in html
    assert model.manifest.sha256 in html


def test_a_card_is_shown_below_the_facts(model):
    (model.folder / "CARD.md").write_text("# tiny\n\nNever for patients.\n")
    html = model_card_html(model)
    assert html.index("Facts about the model") < html.index("Never for patients.")


def test_a_card_that_is_too_large_is_not_shown(model):
    (model.folder / "CARD.md").write_text("x" * (MAX_CARD_BYTES + 1))
    assert "larger than 1 MB" in model_card_html(model)


def test_the_facts_list_data_licence_initial_weights_and_origin(model):
    fetched = replace(model, origin=Origin(repo="owner/name", commit="0123456789abcdef"))
    html = facts_html(fetched)
    for fact in ("10 films of synthetic, licence: none", "seed 0", "2026-01-01", "efficientnet_b0"):
        assert fact in html
    assert "hf:owner/name@0123456789abcdef" in html
    assert "Fetched from" not in facts_html(model)
