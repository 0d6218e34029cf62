"""Render model cards and tables of the documentation from manifest, evaluation and benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bonefx.models.manifest import Manifest, name_with_checksum
from bonefx.models.measured_comparison import MeasuredComparison
from bonefx.records import Estimate, estimate_text
from bonefx.records.evaluation import AS_PUBLISHED, GROUPED, OUTSIDE, Evaluation
from bonefx.records.set_figures import SetFigures
from bonefx.report.wording.readings import FEWEST_OF_A_REGION
from bonefx.report.wording.reasons import alternatives_text
from train.evaluate.maps.localisation import CALLED, HOTTEST, LONGER_SIDE_PX, TOLERANCE_PX
from train.evaluate.maps.trust_limits import STRONG_POINTING
from train.evaluate.operating_points import (
    BALANCED,
    FLOOR_QUANTILE,
    REVIEW_SHARE,
    WRONGLY_CALLED_AT_MOST,
)
from train.evaluate.scope.fit import MAX_REFUSED_SHARE
from train.evaluate.scope.regions import MAX_NAMED_WRONGLY
from train.evaluate.split_figures import MIN_FILMS_PER_CLASS

PROTOCOL_NAMES = {
    AS_PUBLISHED: "published split",
    GROUPED: "grouped split (films of one patient or source on one side)",
    OUTSIDE: "another data set",
}
SPEED_ROWS = {
    "plain_torch": "plain pass in PyTorch",
    "plain": "plain pass, as readings run it",
    "verdict": "reading without map: gate and verdict",
    "reading": "whole reading: gate, verdict, map and its checks",
    "in_16": "the same in a batch of 16, a film",
    "stock": "PyTorch for the verdict, then GradCAM of pytorch-grad-cam",
    "part: network input": "of a reading: network input",
    "part: network": "of a reading: network and gradients",
    "part: gate": "of a reading: gate",
    "part: map and its checks": "of a reading: map and its checks, if the map is shown",
}
TEMPLATES = Path(__file__).parent / "templates"


def render_card(manifest: Manifest, evaluation: Evaluation) -> str:
    """Render a model card in Markdown.

    Args:
        manifest: Manifest of the model.
        evaluation: Evaluation of the model, with figures of val and test.
    """
    return _rendered("card.md.j2", manifest, evaluation)


def render_protocols(evaluations: Sequence[Evaluation]) -> str:
    """Render the table of models by evaluation protocol, in Markdown."""
    return (
        _environment()
        .get_template("protocols.md.j2")
        .render(evaluations=evaluations, protocol_names=PROTOCOL_NAMES)
    )


def render_sets(evaluations: Sequence[Evaluation]) -> str:
    """Render the table of models by hospital or collection, in Markdown.

    Args:
        evaluations: Evaluations that were measured on other sets; see train.evaluate.outside.
    """
    template = _environment().get_template("sets.md.j2")
    return template.render(rows=_rows_of_sets(evaluations), balanced=BALANCED)


def _common_sets(evaluations: Sequence[Evaluation]) -> list[list[SetFigures]]:
    """Return the sets that all evaluations were measured on: of each its figures by evaluation."""
    first, *others = ({(one.name, one.split): one for one in own.sets} for own in evaluations)
    return [
        [one, *(other[key] for other in others)]
        for key, one in first.items()
        if all(key in other for other in others)
    ]


def _rows_of_sets(evaluations: Sequence[Evaluation]) -> list[tuple[str, SetFigures]]:
    """Return the models and their figures, with all models of one set beside each other."""
    rows: dict[tuple[str, str], list[tuple[str, SetFigures]]] = {}
    for evaluation in evaluations:
        for one in evaluation.sets:
            rows.setdefault((one.name, one.split), []).append((evaluation.model, one))
    return [row for own in rows.values() for row in own]


def render_comparisons(comparisons: Sequence[MeasuredComparison]) -> str:
    """Render the table of pairs of models on the same films, in Markdown."""
    return _environment().get_template("comparisons.md.j2").render(comparisons=comparisons)


def render_findings(evaluations: Sequence[Evaluation]) -> str:
    """Render the table of findings by model and split, in Markdown.

    Args:
        evaluations: Those without measured findings have no row.
    """
    rows = [
        (f"{own.model}, {own.outside if name == OUTSIDE else name}", figures.findings)
        for own in evaluations
        for name, figures in own.splits.items()
        if figures.findings is not None
    ]
    return _environment().get_template("findings.md.j2").render(rows=rows)


def render_figures(evaluations: Sequence[Evaluation]) -> str:
    """Render the table of figures on test films, in Markdown.

    Args:
        evaluations: Evaluations on the same test films, a column each.
    """
    tests = [evaluation.test for evaluation in evaluations]
    return (
        _environment()
        .get_template("figures.md.j2")
        .render(evaluations=evaluations, evaluation=evaluations[0], tests=tests, test=tests[0])
    )


def render_performance(evaluations: Sequence[Evaluation]) -> str:
    """Render README's small table: test films and films of other hospitals, in Markdown.

    Args:
        evaluations: Evaluations on the same test films, a column each. A row that not every
            evaluation has is left out. The rows of other hospitals are those of `sets`, or else
            that of the outside set.
    """
    first, tests = evaluations[0], [evaluation.test for evaluation in evaluations]
    others = [
        own.splits[OUTSIDE] for own in evaluations
        if own.outside_figures is not None and own.outside == first.outside
    ]  # fmt: skip
    sets = _common_sets(evaluations)
    scopes = [evaluation.scope for evaluation in evaluations if evaluation.scope is not None]
    maps = [test.localisation[CALLED] for test in tests if CALLED in test.localisation]
    complete: dict[str, Sequence[object]] = {"others": others, "scopes": scopes, "maps": maps}
    rows = {name: own for name, own in complete.items() if len(own) == len(evaluations)}
    return (
        _environment()
        .get_template("performance.md.j2")
        .render(
            evaluations=evaluations, evaluation=first, tests=tests, point=BALANCED,
            points=[test.point(BALANCED) for test in tests], sets=sets,
            **(dict.fromkeys(complete, ()) | rows),
        )
    )  # fmt: skip


def render_intruders(manifest: Manifest, evaluation: Evaluation) -> str:
    """Render the tables of refused pictures and refused films, in Markdown."""
    return _rendered("intruders.md.j2", manifest, evaluation)


def render_maps(benches: Sequence[dict[str, Any]]) -> str:
    """Render a table of heat-map methods for each model, and their faithfulness, in Markdown.

    Args:
        benches: Parsed JSON lines of `python -m benchmarks.heatmaps`; the faithfulness is that
            of the first.
    """
    return _environment().get_template("maps.md.j2").render(benches=benches, bench=benches[0])


def render_types(benches: Sequence[dict[str, Any]]) -> str:
    """Render how well types of fractures are told, from `python -m benchmarks.fracture_types`."""
    return _environment().get_template("types.md.j2").render(benches=benches)


def render_speed(bench: dict[str, Any]) -> str:
    """Render a table of what takes how long, from the JSON line of `python -m benchmarks.speed`."""
    return _environment().get_template("speed.md.j2").render(bench=bench, works=SPEED_ROWS)


def render_serve(bench: dict[str, Any]) -> str:
    """Render how the app answers many users, from the JSON of `python -m benchmarks.serve`."""
    return _environment().get_template("serve.md.j2").render(bench=bench)


def render_screen(bench: dict[str, Any]) -> str:
    """Render how long a user waits, from the JSON line of `python -m benchmarks.screen`."""
    return _environment().get_template("screen.md.j2").render(bench=bench)


def render_soak(bench: dict[str, Any]) -> str:
    """Render how the app lasts, from the JSON line of `python -m benchmarks.soak`."""
    return _environment().get_template("soak.md.j2").render(bench=bench)


def render_decoding(bench: dict[str, Any]) -> str:
    """Render what decoding processes cost, from the JSON of `python -m benchmarks.decoding`."""
    return _environment().get_template("decoding.md.j2").render(bench=bench)


def seconds_text(value: float | None) -> str:
    """Write a time, or a dash where no film was read in time."""
    return "-" if value is None else f"{value:.2f}"


def wait_text(wait_ms: dict[str, float]) -> str:
    """Write a wait with its interval, given in ms, in seconds."""
    value, low, high = (f"{wait_ms[name] / 1000:.2f}" for name in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def errors_text(errors: dict[str, int]) -> str:
    """Write the number of errors of each kind."""
    return ", ".join(f"{count} {kind}" for kind, count in errors.items()) or "none"


def _of_table(table: dict[str, Any] | None, *, percent: bool = False) -> str:
    """Write a figure of a benchmark's JSON as text."""
    return estimate_text(None if table is None else Estimate(**table), percent=percent)


def p_value_text(p: float) -> str:
    """Write a p value with two significant digits, never rounded to zero."""
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


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
        "alternatives": alternatives_text,
        "with_weights": name_with_checksum,
        "p_value": p_value_text,
        "seconds": seconds_text,
        "errors": errors_text,
        "waited": wait_text,
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
            rows=_rows_of_sets([evaluation]),
            val=evaluation.splits["val"],
            test=evaluation.test,
            shown=evaluation.splits[evaluation.unseen_split],
            protocol_names=PROTOCOL_NAMES,
            balanced=BALANCED,
            review_share=REVIEW_SHARE,
            wrongly_called=WRONGLY_CALLED_AT_MOST,
            floor_quantile=FLOOR_QUANTILE,
            fewest_films=MIN_FILMS_PER_CLASS,
            tolerance=TOLERANCE_PX / LONGER_SIDE_PX,
            hottest=HOTTEST,
            refused_at_most=MAX_REFUSED_SHARE,
            named_wrongly_at_most=MAX_NAMED_WRONGLY,
            regions=[own.region for own in evaluation.scope.regions] if evaluation.scope else [],
            fewest_to_tell=FEWEST_OF_A_REGION,
            strong_pointing=STRONG_POINTING,
        )
    )
