"""Manifest and evaluation -> CARD.md and README's table. Every number comes from them."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bonefx.errors import RecipeError
from bonefx.records import Estimate
from bonefx.registry import Manifest
from train.choose import FLOOR_QUANTILE, REVIEW_SHARE
from train.evaluate import FEWEST_FILMS, Evaluation
from train.localisation import TOLERANCE

START, END = "<!-- figures -->", "<!-- end of figures -->"
TEMPLATES = Path(__file__).parent / "templates"


def render_card(manifest: Manifest, evaluation: Evaluation) -> str:
    """Render a model card in Markdown.

    Args:
        manifest: Of the model.
        evaluation: With figures of val and test.
    """
    return _rendered("card.md.j2", manifest, evaluation)


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


def render_figures(manifest: Manifest, evaluation: Evaluation) -> str:
    """Render the table of figures that README shows."""
    return _rendered("figures.md.j2", manifest, evaluation)


def with_figures(text: str, figures: str) -> str:
    """Put a table between README's markers.

    Args:
        text: README with one line START and one line END.
        figures: From render_figures.

    Raises:
        RecipeError: The markers are not there.
    """
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise RecipeError(f"README needs a line {START} and after it a line {END}")
    return f"{before}{START}\n{figures.strip()}\n{END}{after}"


def _rendered(template: str, manifest: Manifest, evaluation: Evaluation) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 (Markdown from our own JSON)
    )
    environment.filters |= {"figure": figure, "share": share}
    return environment.get_template(template).render(
        manifest=manifest,
        evaluation=evaluation,
        val=evaluation.splits["val"],
        test=evaluation.splits["test"],
        review_share=REVIEW_SHARE,
        floor_quantile=FLOOR_QUANTILE,
        fewest_films=FEWEST_FILMS,
        tolerance=TOLERANCE,
    )
