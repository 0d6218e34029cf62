"""HTML of a model's facts, from its manifest, and of its card."""

from __future__ import annotations

from markupsafe import Markup

from bonefx.models.manifest import InitialWeights
from bonefx.models.registry import LoadedModel
from bonefx.records.model import TrainingData
from bonefx.web.model_card.markdown import card_html
from bonefx.web.shared.performance import performance_text
from bonefx.web.shared.templates import render

CARD_FILE = "CARD.md"
MAX_CARD_BYTES = 1 << 20  # cards have about 8,000
NO_CARD = (
    f"This model comes without a {CARD_FILE}: its intended use and limits are not documented. "
    "Use it with care."
)
TOO_LARGE = f"This model's {CARD_FILE} is larger than 1 MB and is not shown."


def model_card_html(model: LoadedModel) -> Markup:
    """Render a model's facts and, below them, its card."""
    problem = _card_problem(model)
    return render(
        "model_card/page.html.j2",
        facts=_facts(model),
        no_card_text=problem,
        card_html="" if problem else _read_card(model),
    )


def facts_html(model: LoadedModel) -> Markup:
    """Render what a manifest states about its model."""
    return render("model_card/facts.html.j2", facts=_facts(model))


def _facts(model: LoadedModel) -> list[tuple[str, str]]:
    """Return names and values; a value is empty where it does not apply."""
    manifest = model.manifest
    return [
        ("Model", model.name),
        ("Fetched from", str(model.origin) if model.origin else ""),
        ("Architecture", manifest.architecture),
        ("Performance", performance_text(model)),
        ("Weights", f"{manifest.bytes / 1e6:.1f} MB, SHA-256 {manifest.sha256}"),
        ("Exported", manifest.created),
        ("Trained on", _training_text(manifest.training_data)),
        ("Initial weights", _initial_text(manifest.initial_weights)),
    ]


def _training_text(data: TrainingData) -> str:
    train = data.counts.get("train")
    films = f"{train.films} films of " if train else ""
    return f"{films}{data.name}, licence: {data.licence}"


def _initial_text(weights: InitialWeights) -> str:
    note = f"; {weights.note}" if weights.note else ""
    return f"{weights.source}, licence: {weights.licence}{note}"


def _card_problem(model: LoadedModel) -> str:
    """Return why a model's card is not shown; empty where it is."""
    path = model.folder / CARD_FILE
    if not path.is_file():
        return NO_CARD
    return TOO_LARGE if path.stat().st_size > MAX_CARD_BYTES else ""


def _read_card(model: LoadedModel) -> str:
    text = (model.folder / CARD_FILE).read_text(encoding="utf-8", errors="replace")
    return card_html(text, folder=model.folder)
