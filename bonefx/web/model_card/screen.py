"""The Model card screen: a model's facts, its performance on test films, and its card."""

from __future__ import annotations

import gradio as gr

from bonefx.reading.reader import Reader
from bonefx.web.model_card.card import model_card_html
from bonefx.web.shared.components import LATEST_ONLY_EVENT, html_block


def build_model_card(reader: Reader) -> None:
    """Build the screen; a card is loaded with the page, and when another model is chosen.

    Call it inside gr.Blocks.
    """

    def on_model(name: str) -> str:
        return model_card_html(reader.model(name))

    names = [model.name for model in reader.models]
    with gr.Column(elem_id="card"):
        model = gr.Radio(
            names, value=names[0], label="Model", elem_id="card-model", visible=len(names) > 1
        )
        card = html_block("", "card-page")
    gr.on(None, on_model, model, card, **LATEST_ONLY_EVENT)
