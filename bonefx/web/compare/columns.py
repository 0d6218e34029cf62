"""HTML of a comparison: a column for each model with its verdict and map, and their agreement.

All columns are stages of one viewer: the film is sent once, and one set of tools serves all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from bonefx.films.raster import shrink_to
from bonefx.heatmaps.agreement import has_map
from bonefx.heatmaps.overlay import HOT_SHARE, difference_layer, heat_layer
from bonefx.models.registry import LoadedModel
from bonefx.reading.comparison import ModelComparison
from bonefx.records import Agreement, Radiograph, Reading, Verdict
from bonefx.report.compose import OPACITY
from bonefx.report.wording.films import film_facts
from bonefx.report.wording.maps import agreement_words
from bonefx.report.wording.readings import VERDICT_WORDING
from bonefx.web.shared import verdict_card
from bonefx.web.shared.templates import render
from bonefx.web.shared.viewer import (
    MAX_MAP_PX,
    contour_path,
    layers_html,
    map_note,
    reduced_words,
    stage_html,
    tools_html,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelColumn:
    """One model's column: its verdict above the film with its map.

    Attributes:
        model: Name of the model.
        verdict_html: Its verdict.
        stage_html: The film with its map.
        peak_text: The map's own peak; empty without a map.
        no_map_html: Why there is no map; empty with one.
    """

    model: str
    verdict_html: Markup
    stage_html: Markup
    peak_text: str
    no_map_html: Markup | str


def comparison_html(
    film: Radiograph,
    comparison: ModelComparison,
    models: Sequence[LoadedModel],
    *,
    test_sets: Sequence[str],
    extra: Iterable[tuple[str, str]] = (),
    opening: str = "",
) -> Markup:
    """Render a column for each model, and one for their agreement.

    Args:
        film: The film that was read.
        comparison: Comparison of its readings.
        models: Models of the readings, in the same order.
        test_sets: Names of their test sets, in the same order; empty where not known.
        extra: Facts that are not of the film, such as an example's label, as name and value.
        opening: See viewer.stage_html.
    """
    map_exists = comparison.peak is not None
    map_shown = map_exists and not all_without_fracture(comparison)
    return render(
        "compare/comparison.html.j2",
        columns=[
            _model_column(film, comparison, reading, model, test_set=test_set, opening=opening)
            for reading, model, test_set in zip(comparison.readings, models, test_sets, strict=True)
        ],
        verdicts_text=_verdicts_text(comparison),
        agreement_texts=[agreement_text(pair) for pair in comparison.agreements],
        facts=[*extra, *film_facts(film)],
        difference_stage_html=_difference_stage_html(film, comparison),
        peak_text=_peak_text(comparison.peak),
        hot_percent=f"{100 * HOT_SHARE:.0f}",
        opacity=OPACITY,
        map_shown=map_shown,
        reduced=reduced_words(film),
        tools_html=tools_html(film, has_map=map_exists, map_shown=map_shown),
    )


def message_html(content_html: Markup) -> Markup:
    """Render a message in the place of the columns."""
    return render("compare/message.html.j2", content_html=content_html)


def legend_html(comparison: ModelComparison | None) -> Markup:
    """Render the common colour scale of all maps; empty without a comparison."""
    if comparison is None:
        return Markup()
    hidden = all_without_fracture(comparison)
    return render("compare/legend.html.j2", peak=comparison.peak, hidden=hidden)


def all_without_fracture(comparison: ModelComparison) -> bool:
    """Return whether every verdict is no fracture; maps are then hidden at first."""
    return all(reading.verdict is Verdict.NO_FRACTURE for reading in comparison.readings)


def agreement_text(pair: Agreement) -> str:
    """Return the overlap of two models' hot regions as a sentence, or why there is none."""
    if pair.overlap is None:
        return f"No overlap computed for {' and '.join(pair.models)}: {agreement_words(pair)}"
    words = agreement_words(pair)
    return f"{words[0].upper()}{words[1:]}."


def _model_column(
    film: Radiograph,
    comparison: ModelComparison,
    reading: Reading,
    model: LoadedModel,
    *,
    test_set: str,
    opening: str,
) -> ModelColumn:
    heat = comparison.map_of(reading)
    layers = ""
    if heat is not None and reading.heat is not None:
        layer = heat_layer(shrink_to(heat, MAX_MAP_PX))
        path = contour_path(reading.heat)
        layers = layers_html(layer, film, path=path, findings=reading.findings)
    return ModelColumn(
        model=reading.model,
        verdict_html=verdict_card.verdict_html(
            reading,
            model.manifest.calibration,
            test_set=test_set,
            label=f"Verdict of {reading.model}",
            folded=True,
        ),
        stage_html=stage_html(
            film,
            layers,
            label=f"Radiograph with the map of {reading.model}",
            carries_film=reading is comparison.readings[0],
            opening=opening,
        ),
        peak_text=_peak_text(reading.heat_peak) if has_map(reading) else "",
        no_map_html="" if has_map(reading) else _no_map_html(reading, model),
    )


def _no_map_html(reading: Reading, model: LoadedModel) -> str:
    return map_note(replace(reading, heat=None), heat_floor=model.manifest.heat_floor)


def _peak_text(peak: float | None) -> str:
    return "" if peak is None else f"{peak:.2f} logits"


def _verdicts_text(comparison: ModelComparison) -> str:
    if not comparison.verdicts_agree:
        return "≠ Verdicts differ"
    _, words = VERDICT_WORDING[comparison.readings[0].verdict]
    return f"= Same verdict: {words.lower()}"


def _difference_stage_html(film: Radiograph, comparison: ModelComparison) -> Markup:
    """Render the film with the difference of two maps; empty where there is none."""
    difference = comparison.difference()
    if difference is None:
        return Markup()
    layers = layers_html(difference_layer(shrink_to(difference, MAX_MAP_PX)), film)
    label = "Radiograph with the difference of the two maps"
    return stage_html(film, layers, label=label, carries_film=False)
