"""Manifest and evaluation -> CARD.md. Every number of a card comes from them."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bonefx.records import Estimate
from bonefx.registry import Manifest
from train.evaluate import Evaluation

TEMPLATES = Path(__file__).parent / "templates"


def render_card(manifest: Manifest, evaluation: Evaluation) -> str:
    """Render a model card in Markdown.

    Args:
        manifest: Of the model.
        evaluation: With figures of val and test.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 (Markdown from our own JSON)
    )
    environment.filters |= {"figure": figure, "share": share}
    template = environment.get_template("card.md.j2")
    return template.render(
        manifest=manifest,
        evaluation=evaluation,
        val=evaluation.splits["val"],
        test=evaluation.splits["test"],
    )


def figure(estimate: Estimate | None) -> str:
    """Write a figure with its interval and n, three decimals."""
    if estimate is None:
        return "not measured"
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f}), n = {estimate.n}"


def share(estimate: Estimate | None) -> str:
    """Write a share in per cent with its interval and n."""
    if estimate is None:
        return "not measured"
    value, low, high = (100 * part for part in (estimate.value, estimate.low, estimate.high))
    return f"{value:.1f} % ({low:.1f} to {high:.1f}), n = {estimate.n}"
