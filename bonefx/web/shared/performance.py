"""Performance of models on test films, and the difference between two models, as text and HTML.

Only figures that were measured with the loaded weights are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from markupsafe import Markup

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
from bonefx.web.shared.templates import render

CORRECT_NOTE = "Correct: on the right side of the model's own balanced threshold."
UNMEASURED = "Not measured: its folder holds no evaluation."


def performance_html(models: Sequence[LoadedModel]) -> Markup:
    """Render each model's performance on test films, and how every two models differ."""
    return render(
        "shared/performance.html.j2",
        models=[(model.name, performance_text(model)) for model in models],
        pairs=[measured_pair_html(*pair) for pair in combinations(models, 2)],
    )


def performance_text(model: LoadedModel) -> str:
    """Return a model's AUROC on its test films and on outside films, or why it is not known."""
    try:
        evaluation = read_model_evaluation(model)
    except WeightsError as error:
        return as_sentence(error)
    return UNMEASURED if evaluation is None else _evaluation_text(evaluation)


def measured_pair_html(first: LoadedModel, second: LoadedModel) -> Markup:
    """Render the comparison of two models on films that neither was trained on, if measured.

    Otherwise render why there is none. Agreement on a single film does not show which model is
    right; this comparison does.
    """
    try:
        comparison = find_measured_comparison(first, second)
    except WeightsError as error:
        return _not_compared(first, second, why=as_sentence(error))
    if comparison is None:
        how = compare_command(first.manifest.id, second.manifest.id)
        return _not_compared(first, second, why=f"Not compared on a common test set; {how}.")
    return _pair_table(comparison)


def _evaluation_text(evaluation: Evaluation) -> str:
    name, test, other = evaluation.data.name, evaluation.test, evaluation.outside_figures
    elsewhere = "" if other is None else f" {_figures_text(other[1], other[0])}."
    if evaluation.trained_on_test:
        return (
            f"Memorised: {test.in_training} of its {test.n} published test films ({name}) are "
            f"byte-identical to training films, so AUROC {estimate_text(test.auroc)} there "
            f"measures memory.{elsewhere}"
        )
    return f"{_figures_text(test, name)}.{elsewhere}"


def _figures_text(figures: SplitFigures, data_set: str) -> str:
    seen = f", of which {figures.in_training} were trained on" if figures.in_training else ""
    kind = "" if seen else "unseen "
    return f"AUROC {estimate_text(figures.auroc)} on {figures.n} {kind}films of {data_set}{seen}"


def _pair_table(comparison: MeasuredComparison) -> Markup:
    first, second = comparison.models
    left_out = f" {comparison.left_out} more were left out." if comparison.left_out else ""
    return render(
        "shared/measured_pair.html.j2",
        first=first,
        second=second,
        comparison=comparison,
        sets=", ".join(f"{name} {n}" for name, n in comparison.films.items()),
        rows=_pair_rows(comparison),
        note=f"{CORRECT_NOTE}{left_out}",
    )


def _pair_rows(comparison: MeasuredComparison) -> list[tuple[str, str]]:
    first, second = comparison.models
    aurocs = zip(comparison.models, comparison.aurocs, strict=True)
    return [
        *((name, estimate_text(auroc)) for name, auroc in aurocs),
        (
            f"Difference, {first} minus {second}",
            estimate_text(comparison.difference, signed=True),
        ),
        (f"Only {first} correct", f"{comparison.only_first} films"),
        (f"Only {second} correct", f"{comparison.only_second} films"),
        ("Exact McNemar test", p_value(comparison.mcnemar_p)),
    ]


def _not_compared(first: LoadedModel, second: LoadedModel, *, why: str) -> Markup:
    return render("shared/not_compared.html.j2", first=first.name, second=second.name, why=why)


def p_value(p: float) -> str:
    """Return a p value as text; never rounded to 0."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
