"""Comparison -> the columns that show it: each model's verdict and map, and where they agree.

All columns are stages of one viewer: the film travels once, and one set of tools serves all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from html import escape

import numpy as np
from numpy.typing import NDArray

from bonefx.heatmaps.agreement import has_map
from bonefx.heatmaps.overlay import HOT_SHARE, difference_layer, heat_layer
from bonefx.models.registry import LoadedModel
from bonefx.reading.comparison import ModelComparison
from bonefx.records import Agreement, Radiograph, Reading, Verdict
from bonefx.report.wording import VERDICT_WORDING, agreement_words, film_facts
from bonefx.web.shared import verdict_card
from bonefx.web.shared.viewer import (
    MAX_MAP_PX,
    OPACITY,
    contour_path,
    layers_html,
    map_note,
    shrink_picture,
    stage_html,
    tools_html,
)


def sides_html(
    film: Radiograph,
    comparison: ModelComparison,
    models: Sequence[LoadedModel],
    *,
    extra: Iterable[tuple[str, str]] = (),
) -> str:
    """Show a column for each model, and one for what they have in common.

    Args:
        film: That was read.
        comparison: Of its readings.
        models: Of the readings, in their order.
        extra: Facts that are not of the film, such as an example's label.
    """
    columns = [
        _column(film, comparison, reading, model)
        for reading, model in zip(comparison.readings, models, strict=True)
    ]
    together = _together(film, comparison, facts=[*extra, *film_facts(film)])
    has_map = comparison.peak is not None
    shown = has_map and not all_intact(comparison)
    return (
        f'<div class="compared viewer{" with-map" if shown else ""}" style="--map:{OPACITY}">'
        f'<div class="sides">{"".join(columns)}{together}</div>'
        f"{tools_html(film, has_map=has_map, map_shown=shown)}</div>"
    )


def message_html(inside: str) -> str:
    """Show something else in the place of the columns."""
    return f'<div class="sides alone">{inside}</div>'


def legend_html(comparison: ModelComparison | None) -> str:
    """Explain the colours of all maps by their one scale."""
    if comparison is None:
        return ""
    if comparison.peak is None:
        return '<p class="legend">No model shows a map of this film.</p>'
    hidden = " (hidden at first)" if all_intact(comparison) else ""
    return (
        f'<p class="legend"><span>All maps{hidden}: evidence for fracture</span><span>0</span>'
        f'<i aria-hidden="true"></i><span>{comparison.peak:.2f} logits</span></p>'
    )


def all_intact(comparison: ModelComparison) -> bool:
    """Tell whether every model calls no fracture, so that maps mean little."""
    return all(reading.verdict is Verdict.NO_FRACTURE for reading in comparison.readings)


def agreement_text(pair: Agreement) -> str:
    """Say how far two hot regions are the same, or why that cannot be said."""
    if pair.overlap is None:
        return f"No overlap of {' and '.join(pair.models)}: {agreement_words(pair)}"
    words = agreement_words(pair)
    return f"{words[0].upper()}{words[1:]}."


def _column(
    film: Radiograph, comparison: ModelComparison, reading: Reading, model: LoadedModel
) -> str:
    heat = comparison.map_of(reading)
    layers = ""
    if heat is not None and reading.heat is not None:
        layer = heat_layer(shrink_picture(heat, MAX_MAP_PX))
        layers = layers_html(layer, film, path=contour_path(reading.heat))
    first = reading is comparison.readings[0]
    name = escape(reading.model)
    floor = model.manifest.heat_floor
    note = map_note(replace(reading, heat=None), heat_floor=floor)
    if has_map(reading):
        note = f"<span>Peak {reading.heat_peak:.2f} logits</span>"
    label = f"Radiograph with the map of {reading.model}"
    verdict = verdict_card.verdict_html(
        reading, model.manifest.calibration, label=f"Verdict of {reading.model}"
    )
    return (
        f'<section class="side" aria-label="{name}"><h2>{name}</h2>{verdict}'
        f"{_figure(film, layers, label=label, note=note, carries_film=first)}</section>"
    )


def _together(
    film: Radiograph, comparison: ModelComparison, *, facts: Iterable[tuple[str, str]]
) -> str:
    difference = comparison.difference()
    figure = "" if difference is None else _difference_figure(film, difference, comparison)
    key = figure and _difference_key(comparison)
    overlaps = "".join(f"<p>{escape(agreement_text(pair))}</p>" for pair in comparison.agreements)
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts
    )
    return (
        '<section class="side together" aria-label="Agreement"><h2>Agreement</h2>'
        f'<div class="agreement"><h3>{_verdicts_text(comparison)}</h3>{overlaps}{key}'
        '<p class="note">Overlap: shared over joint area of the hot regions, where a map is at '
        f"{100 * HOT_SHARE:.0f} % of its own peak or more. Agreement does not make either "
        "right.</p>"
        f'<dl class="details">{rows}</dl></div>{figure}</section>'
    )


def _verdicts_text(comparison: ModelComparison) -> str:
    if not comparison.verdicts_agree:
        return "≠ Verdicts differ"
    _, words = VERDICT_WORDING[comparison.readings[0].verdict]
    return f"= Same verdict: {words.lower()}"


def _difference_key(comparison: ModelComparison) -> str:
    first, second = (escape(reading.model) for reading in comparison.readings)
    return (
        f'<p><i aria-hidden="true"></i>orange: {first} stronger<br>'
        f'<i class="second" aria-hidden="true"></i>blue: {second} stronger</p>'
    )


def _difference_figure(
    film: Radiograph, difference: NDArray[np.float32], comparison: ModelComparison
) -> str:
    end = f"{comparison.peak:.2f} logits"
    note = (
        f'<span class="difference legend"><span>Difference</span><span>\N{MINUS SIGN}{end}</span>'
        f'<i aria-hidden="true"></i><span>+{end}</span></span>'
    )
    return _figure(
        film, layers_html(difference_layer(shrink_picture(difference, MAX_MAP_PX)), film),
        label="Radiograph with the difference of the two maps", note=note, carries_film=False,
    )  # fmt: skip


def _figure(film: Radiograph, layers: str, *, label: str, note: str, carries_film: bool) -> str:
    stage = stage_html(film, layers, label=label, carries_film=carries_film)
    return f'<figure class="film">{stage}<figcaption>{note}</figcaption></figure>'
