"""Heat-map methods without hooks, projection on the film, and the overlay.

integration/test_maps_against_library.py compares the maps with those of pytorch-grad-cam.
"""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from bonefx.errors import SettingsError
from bonefx.heatmaps.forward import logits_and_maps
from bonefx.heatmaps.methods import GRAD_CAM, HEATMAP_METHODS
from bonefx.heatmaps.overlay import overlay
from bonefx.heatmaps.projection import heat_on_film
from bonefx.models.cell_grid import CellGrid
from bonefx.models.preprocess import letterbox_of
from bonefx.records import PixelBox
from tests.fixtures.image_files import make_pixels
from tests.fixtures.model_folders import make_network


@pytest.fixture(scope="module")
def network():
    return make_network("efficientnet_b0")


def test_an_unknown_method_is_refused_with_the_list_of_methods(network):
    with pytest.raises(SettingsError, match=r"fog_cam.*grad_cam, grad_cam_plus_plus"):
        logits_and_maps(network, torch.rand(1, 3, 64, 64), method="fog_cam")


def test_no_gradient_and_no_hook_remains_on_the_network(network):
    logits, maps = logits_and_maps(network, torch.rand(1, 3, 64, 64))
    assert not logits.requires_grad
    assert not maps.requires_grad
    assert all(value.grad is None for value in network.parameters())
    assert not any(layer._forward_hooks for layer in network.modules())


def test_threads_on_shared_networks_get_their_own_maps():
    """8 threads with distinct requests of film, network and method; the benchmark sends 400."""
    networks = [make_network("efficientnet_b0"), make_network("efficientnet_b0_fpn")]
    asked = list(itertools.product(range(2), range(2), HEATMAP_METHODS))
    films = torch.rand(2, 1, 3, 64, 64, generator=torch.Generator().manual_seed(2))

    def answer(request):
        film, network, method = request
        return logits_and_maps(networks[network], films[film], method=method)[1]

    alone = [answer(request) for request in asked]
    grad_cams = [
        maps for maps, (*_, method) in zip(alone, asked, strict=True) if method == GRAD_CAM
    ]
    assert len({tuple(maps.flatten().tolist()) for maps in grad_cams}) == 4
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(answer, asked))
    for expected, found in zip(alone, together, strict=True):
        assert torch.allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("grid", [CellGrid(stride_px=32, offset_px=0.0),
                                  CellGrid(stride_px=16, offset_px=7.5)])  # fmt: skip
@pytest.mark.parametrize("shape", [(300, 200), (150, 400)])
def test_a_hot_cell_is_projected_to_its_position_on_the_film(grid, shape):
    size_px = 256
    cells = np.zeros((size_px // grid.stride_px,) * 2, np.float32)
    middle = cells.shape[0] // 2
    cells[middle, middle + 1] = 3.0
    place = letterbox_of(*shape, size_px=size_px)
    heat = heat_on_film(cells, grid, shape=shape, place=place)
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    in_input = (
        (row + 0.5) * place.scale_y - 0.5 + place.top,
        (column + 0.5) * place.scale_x - 0.5 + place.left,
    )
    expected = (
        grid.offset_px + middle * grid.stride_px,
        grid.offset_px + (middle + 1) * grid.stride_px,
    )
    assert in_input == pytest.approx(expected, abs=1.5)
    assert heat.shape == shape
    assert heat.max() == pytest.approx(1.0, abs=0.05)


def test_the_map_of_a_field_is_put_back_on_the_whole_film():
    cells = np.random.default_rng(0).random((8, 8), dtype=np.float32)
    grid, field = (
        CellGrid(stride_px=16, offset_px=0.0),
        PixelBox(top=20, left=50, bottom=90, right=90),
    )
    alone = heat_on_film(cells, grid, shape=(70, 40), place=letterbox_of(70, 40, size_px=128))
    place = letterbox_of(100, 120, size_px=128, field=field)
    heat = heat_on_film(cells, grid, shape=(100, 120), place=place)
    np.testing.assert_allclose(heat[field.slices], alone, atol=1e-6)
    heat[field.slices] = 0
    assert not heat.any()


def test_a_place_follows_the_film_when_it_is_resized():
    field = PixelBox(top=20, left=50, bottom=90, right=90)
    place = letterbox_of(100, 120, size_px=128, field=field)
    assert place.x(50.0) == place.left
    assert place.y(90.0) == place.top + place.height
    assert place.resized(0.5).x(25.0) == pytest.approx(place.left)
    assert place.resized(0.5).y(45.0) == pytest.approx(place.top + place.height)


def test_a_map_of_zeros_stays_zero():
    heat = heat_on_film(
        np.zeros((4, 4), np.float32), CellGrid(stride_px=32, offset_px=0.0), shape=(90, 90),
        place=letterbox_of(90, 90, size_px=128),
    )  # fmt: skip
    assert heat.max() == 0


def test_the_film_keeps_its_grey_levels_where_there_is_no_heat():
    pixels = make_pixels()
    heat = np.zeros_like(pixels)
    heat[40:60, 40:60] = 0.8
    coloured = overlay(pixels, heat, opacity=0.6)
    grey = np.rint(pixels * 255).astype(np.uint8)
    outside = heat == 0
    assert (coloured[outside] == grey[outside][:, None]).all()
    assert (coloured[~outside] != grey[~outside][:, None]).any()


def test_opacity_0_shows_the_film_alone():
    pixels = make_pixels()
    coloured = overlay(pixels, np.ones_like(pixels), opacity=0.0)
    assert (coloured == np.rint(pixels * 255).astype(np.uint8)[..., None]).all()
