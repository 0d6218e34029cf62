"""What models are worth on films that they never saw, and how two differ there -> words and HTML.

Nothing is said of weights other than those that are loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import combinations

from bonefx.errors import WeightsError
from bonefx.models.evaluation import read_model_evaluation
from bonefx.models.measured_comparison import (
    MeasuredComparison,
    compare_command,
    find_measured_comparison,
)
from bonefx.models.registry import LoadedModel
from bonefx.records import estimate_text
from bonefx.records.evaluation import Evaluation
from bonefx.records.split_figures import SplitFigures
from bonefx.web.shared.error_messages import as_sentence

RIGHT = "Right means on the right side of the model's own balanced threshold."
UNMEASURED = "Not measured: its folder holds no evaluation."


def performance_html(models: Sequence[LoadedModel]) -> str:
    """Say of each model, in a line, what it does on films, and of every two how they differ."""
    lines = "".join(
        f"<li><b>{escape(model.name)}</b> {escape(performance_text(model))}</li>"
        for model in models
    )
    pairs = "".join(measured_pair_html(*pair) for pair in combinations(models, 2))
    return (
        '<section class="worth" aria-label="What the models are worth">'
        f"<h2>What each is worth</h2><ul>{lines}</ul>{pairs}</section>"
    )


def performance_text(model: LoadedModel) -> str:
    """Say what a model does on films, or why that is not known."""
    try:
        evaluation = read_model_evaluation(model)
    except WeightsError as error:
        return as_sentence(error)
    return UNMEASURED if evaluation is None else _told(evaluation)


def measured_pair_html(first: LoadedModel, second: LoadedModel) -> str:
    """Tell how two models differ on the films that both were tested on, or why that is not known.

    How far they agree on one film says nothing of which is right; this does.
    """
    try:
        found = find_measured_comparison(first, second)
    except WeightsError as error:
        return _not_compared(first, second, why=as_sentence(error))
    if found is None:
        how = compare_command(first.manifest.id, second.manifest.id)
        return _not_compared(first, second, why=f"Not compared on a common test set; {how}.")
    return _pair_table(found)


def _told(evaluation: Evaluation) -> str:
    name, test, other = evaluation.data.name, evaluation.test, evaluation.outside_figures
    elsewhere = "" if other is None else f" {_on(other[1], other[0])}."
    if evaluation.trained_on_test:
        return (
            f"Memorised: {test.in_training} of its {test.n} published test films ({name}) are, "
            f"byte for byte, films that it was trained on; AUROC {estimate_text(test.auroc)} there "
            f"measures memory.{elsewhere}"
        )
    return f"{_on(test, name)}.{elsewhere}"


def _on(figures: SplitFigures, data_set: str) -> str:
    seen = f", of which {figures.in_training} were trained on" if figures.in_training else ""
    kind = "" if seen else "unseen "
    return f"AUROC {estimate_text(figures.auroc)} on {figures.n} {kind}films of {data_set}{seen}"


def _pair_table(found: MeasuredComparison) -> str:
    sets = ", ".join(f"{name} {n}" for name, n in found.films.items())
    first, second = found.models
    rows = [
        *(
            (name, estimate_text(auroc))
            for name, auroc in zip(found.models, found.aurocs, strict=True)
        ),
        (f"Difference, {first} minus {second}", estimate_text(found.difference, signed=True)),
        (f"Right only by {first}", f"{found.only_first} films"),
        (f"Right only by {second}", f"{found.only_second} films"),
        ("Exact McNemar test of these two", p_value(found.mcnemar_p)),
    ]
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in rows
    )
    left_out = f" {found.left_out} more were left out." if found.left_out else ""
    return (
        f'<table class="measured"><caption>{escape(first)} and {escape(second)} on '
        f"{found.n} test films that neither was trained on ({escape(sets)}), {found.fractured} "
        "fractured: AUROC with 95 % interval</caption>"
        f'<tbody>{body}</tbody></table><p class="note">{RIGHT}{left_out}</p>'
    )


def _not_compared(first: LoadedModel, second: LoadedModel, *, why: str) -> str:
    names = f"{first.name} and {second.name}"
    return f'<p class="not_compared"><b>{escape(names)}</b> {escape(why)}</p>'


def p_value(p: float) -> str:
    """Write a p value, never rounded to nothing."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
