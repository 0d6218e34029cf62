"""How often maps lie off the anatomy, and how far the maps of two models overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.heatmaps.model_maps import ModelMaps
from bonefx.heatmaps.agreement import hot_region_overlap
from bonefx.heatmaps.methods import GRAD_CAM
from bonefx.schema import dump_record
from train.evaluate.maps.localisation import AnnotatedFilm, Heat, map_heats
from train.evaluate.maps.map_checks import shares_off_anatomy
from train.metrics import estimate_ratio_of_means


def measure_off_anatomy(maps: ModelMaps) -> dict[str, dict[str, object]]:
    """Measure each method's mean share of heat on the border and on markers."""
    indices = [truth.index for truth in maps.truths]
    groups, grid = maps.films.groups[indices], maps.model.network.grid()
    return {
        name: {
            place: _mean(values, groups)
            for place, values in zip(
                ("border", "markers"),
                zip(
                    *(shares_off_anatomy(maps.films, i, cells[i], grid) for i in indices),
                    strict=True,
                ),
                strict=True,
            )
        }
        for name, cells in maps.cells.items()
    }


def measure_agreement(first: ModelMaps, second: ModelMaps) -> dict[str, object] | None:
    """Measure how far two models' hot regions overlap on films that both call fractured.

    Returns:
        Mean intersection over union with its interval, and the share of films whose regions are
        disjoint; None if both models call no film fractured.
    """
    both = {truth.index for truth in first.truths} & {truth.index for truth in second.truths}
    truths = [truth for truth in first.truths if truth.index in both]
    if not truths:
        return None
    pairs = zip(_heats(first, truths), _heats(second, truths), strict=True)
    overlaps = np.array([hot_region_overlap(*pair) for pair in pairs])
    groups = first.films.groups[[truth.index for truth in truths]]
    return {
        "with": second.model.name,
        "overlap": _mean(overlaps, groups),
        "apart": _mean(overlaps == 0, groups),
    }


def _heats(maps: ModelMaps, truths: list[AnnotatedFilm]) -> list[Heat]:
    grid = maps.model.network.grid()
    return list(map_heats(truths, maps.cells[GRAD_CAM], grid))


def _mean(values: object, groups: NDArray[np.str_]) -> dict[str, object]:
    array = np.asarray(values, np.float64)
    table: dict[str, object] = dump_record(
        estimate_ratio_of_means(array, np.ones(len(array)), groups)
    )
    return table
