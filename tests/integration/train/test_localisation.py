"""Figures of maps on annotated films, and tests of maps that need no annotation."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.heatmaps.faithfulness import (
    deletion_and_insertion,
    measure_stability,
    measure_weight_sensitivity,
    randomise_weights,
    rank_correlation,
)
from bonefx.heatmaps.forward import logits_and_maps
from bonefx.heatmaps.projection import heat_on_input
from bonefx.heatmaps.trust import heat_share
from bonefx.models.cell_grid import CellGrid
from tests.fixtures.model_folders import make_network
from train.data import Film
from train.data.cache import CachedFilms
from train.evaluate.maps.localisation import (
    annotated_films,
    hottest_holds,
    map_heats,
    measure_localisation,
    measure_maps,
    overlap_with_boxes,
    points_at,
)

BOX = (200.0, 100.0, 300.0, 150.0)
OUTLINE = (200.0, 100.0, 300.0, 100.0, 200.0, 150.0)  # half of the box
GRID = CellGrid(stride_px=8, offset_px=0.0)


@pytest.fixture
def films(tmp_path):
    """Two annotated films of 1000 x 500 px and an intact one."""
    kinds = [(True, (BOX,), (OUTLINE,)), (True, (BOX,), ()), (False, (), ())]
    return CachedFilms(
        films=[
            Film(path=tmp_path, name=str(i), fractured=fractured, split="test", group=str(i),
                 boxes=boxes, outlines=outlines, annotated=True)
            for i, (fractured, boxes, outlines) in enumerate(kinds)
        ],
        squares=np.zeros((3, 128, 128), np.uint8), rows=np.arange(3),
        sha256=np.array(["0", "1", "2"]), shapes=np.array([[500, 1000]] * 3, np.int32),
        fields=np.array([[0, 0, 500, 1000]] * 3, np.int32), skipped=0,
    )  # fmt: skip


def test_truths_are_the_annotated_films_at_the_common_size(films):
    first, second = annotated_films(films)
    assert first.shape == (250, 500)
    assert first.boxes == ((100.0, 50.0, 150.0, 75.0),)
    assert first.inside.mean() == pytest.approx(50 * 25 / (250 * 500), rel=0.1)
    assert first.outlined.sum() / first.inside.sum() == pytest.approx(0.5, abs=0.06)
    assert second.outlined is None


@pytest.mark.parametrize(("place", "hit"), [((60, 120), True), ((60, 164), True),
                                            ((60, 167), False), ((33, 120), False)])  # fmt: skip
def test_pointing_allows_15_px_around_a_box(films, place, hit):
    heat = np.zeros((250, 500), np.float32)
    heat[place] = 1.0
    assert points_at(heat, annotated_films(films)[0]) is hit


def test_an_empty_map_points_nowhere(films):
    heat, truth = np.zeros((250, 500), np.float32), annotated_films(films)[0]
    assert not points_at(heat, truth)
    assert not hottest_holds(heat, truth)
    assert heat_share(heat, truth.inside) == 0.0
    assert overlap_with_boxes(heat, truth, from_share=0.0) == 0.0


def test_energy_overlap_and_hottest_of_a_perfect_map(films):
    truth = annotated_films(films)[0]
    heat = truth.inside.astype(np.float32)
    assert heat_share(heat, truth.inside) == 1.0
    assert overlap_with_boxes(heat, truth, from_share=0.5) == 1.0
    assert hottest_holds(heat, truth)
    figures = measure_maps(films, annotated_films(films), iter([heat, heat]))
    assert figures.pointing.value == 1.0
    assert figures.gain.value == pytest.approx(1 / truth.inside.mean())
    assert figures.mass.value == pytest.approx(0.5, abs=0.06)
    assert (figures.energy.n, figures.mass.n) == (2, 1)


def test_an_even_map_gains_nothing(films):
    heats = [np.ones((250, 500), np.float32)] * 2
    assert measure_maps(films, annotated_films(films), iter(heats)).gain.value == pytest.approx(1.0)


def test_maps_are_measured_on_all_annotated_films_and_on_those_called_so(films):
    cells = np.zeros((3, 16, 16), np.float32)
    cells[:, 6, 4] = 1.0  # input px 48 and 32: row 62, column 125 of the film
    figures = measure_localisation(films, cells, np.array([True, False, True]), GRID)
    assert figures["annotated"].map.pointing.n == 2
    assert figures["called_fracture"].map.pointing.n == 1
    assert figures["called_fracture"].map.pointing.value == 1.0
    assert figures["called_fracture"].centre.pointing.value == 0.0


def test_pointing_is_told_by_the_size_of_the_fracture_and_by_subgroup(films):
    small = replace(films.films[1], boxes=((10.0, 10.0, 30.0, 20.0),), region="hand+leg")
    films.films[1] = small
    cells = np.zeros((3, 16, 16), np.float32)
    cells[:, 6, 4] = 1.0  # in the larger box
    by = measure_localisation(films, cells, np.ones(3, bool), GRID)["annotated"].pointing_by
    assert (by["fracture"]["larger half"].value, by["fracture"]["larger half"].n) == (1.0, 1)
    assert (by["fracture"]["smaller half"].value, by["fracture"]["smaller half"].n) == (0.0, 1)
    assert set(by["region"]) == {"hand", "leg"}


def test_a_cell_is_laid_where_it_looks_at_the_common_size(films):
    cells = np.zeros((3, 16, 16), np.float32)
    cells[:, 8, 4] = 1.0
    heat = next(iter(map_heats(annotated_films(films), cells, GRID)))
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert (row, column) == pytest.approx(((64 - 32) / 128 * 500, 32 / 128 * 500), abs=3)


class SpotNetwork(torch.nn.Module):
    """Sees nothing but the brightness of one place."""

    def forward(self, batch):
        return 20 * batch[:, 0, 20:28, 40:48].mean((1, 2)) - 10, None


def test_taking_the_right_place_first_brings_the_probability_down_first():
    film = torch.zeros(1, 3, 64, 64)
    film[:, :, 20:28, 40:48] = 1.0
    right, wrong = np.zeros((2, 64, 64), np.float32)
    right[20:28, 40:48] = 1.0
    wrong[50:60, 2:12] = 1.0
    network: Any = SpotNetwork()
    good, bad = (deletion_and_insertion(network, film, heat) for heat in (right, wrong))
    assert good.deletion < bad.deletion - 0.2
    assert good.insertion > bad.insertion + 0.2


def test_rank_correlation_knows_same_opposite_and_flat_maps():
    first = np.arange(9, dtype=np.float32).reshape(3, 3)
    assert rank_correlation(first, 2 * first) == pytest.approx(1.0)
    assert rank_correlation(first, -first) == pytest.approx(-1.0)
    assert rank_correlation(first, np.zeros((3, 3), np.float32)) == 0.0


def test_randomised_layers_are_drawn_anew_and_the_earlier_ones_kept():
    network = make_network("efficientnet_b0_fpn")
    other = randomise_weights(network, "neck")
    ours, theirs = network.backbone.state_dict(), other.backbone.state_dict()
    assert torch.equal(ours["features.8.0.weight"], theirs["features.8.0.weight"])
    assert not torch.equal(ours["neck.lateral.0.0.weight"], theirs["neck.lateral.0.0.weight"])
    assert not torch.equal(ours["classifier.1.weight"], theirs["classifier.1.weight"])


def test_a_map_changes_with_the_weights_and_hardly_with_the_contrast():
    network = make_network("efficientnet_b0_fpn")
    batch = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(3))

    def explain(network, batch):
        return logits_and_maps(network, batch)[1].numpy()

    assert measure_stability(network, batch, explain)["contrast"] > 0.8
    found = measure_weight_sensitivity(network, batch, explain, layers=("neck", ""))
    assert set(found) == {"neck", "all"}
    assert max(found.values()) < 0.8


def test_a_map_covers_the_whole_input():
    heat = heat_on_input(np.ones((8, 8), np.float32), GRID, size_px=64)
    assert heat.shape == (64, 64)
    assert heat.min() == pytest.approx(1.0)
