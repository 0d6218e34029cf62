"""The screen for what a model is: its facts, what it is worth, and its card."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import gradio as gr

from bonefx.models.manifest import InitialWeights
from bonefx.models.registry import LoadedModel
from bonefx.reading.reader import Reader
from bonefx.records.model import TrainingData
from bonefx.web.model_card.markdown import card_html
from bonefx.web.shared.components import PRIVATE_EVENT
from bonefx.web.shared.performance import performance_text

CARD_FILE = "CARD.md"
MAX_CARD_BYTES = 1 << 20  # a real one has about 8,000
NO_CARD = (
    f"This model comes without a {CARD_FILE}. Read it with care: nobody has written down what it "
    "is for."
)
TOO_LARGE = f"This model's {CARD_FILE} is larger than any card and is not shown."


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCardScreen:
    """Handlers of the screen."""

    reader: Reader

    def on_model(self, name: str) -> str:
        """Show a model's facts and card."""
        model = self.reader.model(name)
        return f'<article class="model_card">{facts_html(model)}{_card(model)}</article>'


def build_model_card(reader: Reader) -> None:
    """Lay the screen out; the card is asked for once the page stands, and when a model is chosen.

    Call it inside gr.Blocks.
    """
    screen = ModelCardScreen(reader=reader)
    names = [model.name for model in reader.models]
    with gr.Column(elem_id="card"):
        model = gr.Radio(
            names, value=names[0], label="Model", elem_id="card-model", visible=len(names) > 1
        )
        card = gr.HTML("", elem_id="card-page", apply_default_css=False)
    gr.on(
        None, screen.on_model, model, card, queue=False, trigger_mode="always_last", **PRIVATE_EVENT
    )


def facts_html(model: LoadedModel) -> str:
    """List what a manifest states about its model."""
    manifest = model.manifest
    facts = [
        ("Model", model.name),
        ("Fetched from", str(model.origin) if model.origin else ""),
        ("Architecture", manifest.architecture),
        ("Worth", performance_text(model)),
        ("Weights", f"{manifest.bytes / 1e6:.1f} MB, SHA-256 {manifest.sha256}"),
        ("Exported", manifest.created),
        ("Trained on", _training_text(manifest.training_data)),
        ("Started from", _initial_text(manifest.initial_weights)),
    ]
    rows = "".join(
        f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts if value
    )
    return f'<dl class="facts" aria-label="Facts about the model">{rows}</dl>'


def _training_text(data: TrainingData) -> str:
    train = data.counts.get("train")
    films = f"{train.films} films of " if train else ""
    return f"{films}{data.name}, licence: {data.licence}"


def _initial_text(weights: InitialWeights) -> str:
    note = f"; {weights.note}" if weights.note else ""
    return f"{weights.source}, licence: {weights.licence}{note}"


def _card(model: LoadedModel) -> str:
    path = model.folder / CARD_FILE
    if not path.is_file():
        return f'<p class="no_card">{NO_CARD}</p>'
    if path.stat().st_size > MAX_CARD_BYTES:
        return f'<p class="no_card">{TOO_LARGE}</p>'
    return card_html(path.read_text(encoding="utf-8", errors="replace"), folder=model.folder)
