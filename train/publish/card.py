"""Manifest and evaluation -> CARD.md and README's table. Every number comes from them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bonefx.errors import RecipeError
from bonefx.models.manifest import Manifest, name_with_checksum
from bonefx.models.measured_comparison import MeasuredComparison
from bonefx.records import Estimate, estimate_text
from bonefx.records.evaluation import AS_PUBLISHED, GROUPED, OUTSIDE, Evaluation
from bonefx.report.wording import FEWEST_TO_TELL
from train.evaluate.localisation import HOTTEST, LONGER_SIDE_PX, TOLERANCE_PX
from train.evaluate.operating_points import FLOOR_QUANTILE, REVIEW_SHARE
from train.evaluate.scope.fit import MAX_REFUSED_SHARE
from train.evaluate.split_figures import MIN_FILMS_PER_CLASS

PROTOCOL_NAMES = {
    AS_PUBLISHED: "the split as published",
    GROUPED: "films of one patient or source kept together",
    OUTSIDE: "another set",
}
TEMPLATES = Path(__file__).parent / "templates"


def render_card(manifest: Manifest, evaluation: Evaluation) -> str:
    """Render a model card in Markdown.

    Args:
        manifest: Of the model.
        evaluation: With figures of val and test.
    """
    return _rendered("card.md.j2", manifest, evaluation)


def render_protocols(evaluations: Sequence[Evaluation]) -> str:
    """Render one table of models and protocols, in Markdown."""
    return (
        _environment()
        .get_template("protocols.md.j2")
        .render(evaluations=evaluations, protocol_names=PROTOCOL_NAMES)
    )


def render_comparisons(comparisons: Sequence[MeasuredComparison]) -> str:
    """Render the table of models set side by side, in Markdown."""
    return _environment().get_template("comparisons.md.j2").render(comparisons=comparisons)


def render_figures(evaluations: Sequence[Evaluation]) -> str:
    """Render the table of figures that README shows.

    Args:
        evaluations: Of models that were measured on the same test films, a column each.
    """
    tests = [evaluation.splits["test"] for evaluation in evaluations]
    return (
        _environment()
        .get_template("figures.md.j2")
        .render(evaluations=evaluations, evaluation=evaluations[0], tests=tests, test=tests[0])
    )


def render_intruders(manifest: Manifest, evaluation: Evaluation) -> str:
    """Render the table of what is refused that README shows."""
    return _rendered("intruders.md.j2", manifest, evaluation)


def render_maps(benches: Sequence[dict[str, Any]]) -> str:
    """Render the JSON lines that tests/bench/bench_heatmaps.py prints, a table each model.

    Args:
        benches: The first one's faithfulness is shown too.
    """
    return _environment().get_template("maps.md.j2").render(benches=benches, bench=benches[0])


def _of_table(table: dict[str, Any] | None, *, percent: bool = False) -> str:
    """Write a figure as a benchmark's JSON holds it."""
    return estimate_text(None if table is None else Estimate(**table), percent=percent)


def with_block(text: str, name: str, content: str) -> str:
    """Put a rendered table between README's markers of that name.

    Args:
        text: README with one line `<!-- NAME -->` and after it one line `<!-- end of NAME -->`.
        name: Such as "figures".
        content: Markdown.

    Raises:
        RecipeError: The markers are not there.
    """
    first, last = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, start, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not (start and end):
        raise RecipeError(f"README needs a line {first} and after it a line {last}")
    return f"{before}{first}\n{content.strip()}\n{last}{after}"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 (Markdown from our own JSON)
    )
    environment.filters |= {
        "figure": partial(estimate_text, with_n=True),
        "share": partial(estimate_text, percent=True, with_n=True),
        "short": estimate_text,
        "short_share": partial(estimate_text, percent=True),
        "figure_of": _of_table,
        "share_of": partial(_of_table, percent=True),
        "with_weights": name_with_checksum,
        "words": lambda name: name.replace("_", " "),
    }
    return environment


def _rendered(template: str, manifest: Manifest, evaluation: Evaluation) -> str:
    return (
        _environment()
        .get_template(template)
        .render(
            manifest=manifest,
            evaluation=evaluation,
            evaluations=[evaluation],
            val=evaluation.splits["val"],
            test=evaluation.splits["test"],
            shown=evaluation.splits[evaluation.unseen_split],
            protocol_names=PROTOCOL_NAMES,
            review_share=REVIEW_SHARE,
            floor_quantile=FLOOR_QUANTILE,
            fewest_films=MIN_FILMS_PER_CLASS,
            tolerance=TOLERANCE_PX / LONGER_SIDE_PX,
            hottest=HOTTEST,
            refused_at_most=MAX_REFUSED_SHARE,
            fewest_to_tell=FEWEST_TO_TELL,
        )
    )
