"""The architectures: their size, their two steps, and the grid of their cells."""

from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models import densenet121, efficientnet_b0, resnet18, vgg16

from bonefx.errors import WeightsError
from bonefx.heatmaps.forward import logits_and_maps
from bonefx.models.architectures import ARCHITECTURES, BatchNormSpec, build_network
from bonefx.models.cell_grid import CellGrid, cell_grid
from bonefx.models.pyramid import refine_stage
from tests.fixtures.model_folders import make_network


def without_values(build):
    """Build a network on the meta device, which has shapes but no values."""
    with torch.device("meta"):
        return build()


@pytest.mark.parametrize(
    ("name", "parameters"), [("efficientnet_b0", 4_010_110), ("vgg16", 134_268_738)]
)
def test_parameter_counts_are_those_of_the_report(name, parameters):
    network = without_values(lambda: ARCHITECTURES[name].build(BatchNormSpec())).backbone
    assert sum(value.numel() for value in network.parameters()) == parameters


def with_cheap_values(name):
    """Build a network in evaluation mode without its own, slower initialisation."""
    network = without_values(lambda: build_network(name)).to_empty(device="cpu").eval()
    generator = torch.Generator().manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            layer.weight.data.uniform_(-0.01, 0.01, generator=generator)
            layer.bias.data.zero_()
        elif hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    return network


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_the_two_steps_give_the_backbones_own_log_odds(name):
    network = with_cheap_values(name)
    batch = torch.randn(2, 3, 64, 64)
    outputs = network.backbone(batch)
    logits, _ = network(batch)
    assert torch.allclose(logits, outputs[:, 1] - outputs[:, 0], atol=1e-6)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_cells_look_where_the_grid_says(name):
    """With even kernels and mean pooling, what moves a cell most lies around the cell's place."""
    network = with_cheap_values(name)
    grid = network.grid()
    features: Any = network.backbone.features
    for index, layer in enumerate(features):
        if isinstance(layer, torch.nn.MaxPool2d):
            features[index] = torch.nn.AvgPool2d(layer.kernel_size)
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.constant_(layer.weight, 1.0 / layer.weight[0].numel())
    size_px = 12 * grid.stride_px
    batch = torch.rand(1, 3, size_px, size_px).requires_grad_(True)
    cell = 6
    activations = network.activations(batch)
    (gradient,) = torch.autograd.grad(activations[0, :, cell, cell].sum(), batch)
    strength = gradient.abs().sum((0, 1))
    expected = grid.offset_px + cell * grid.stride_px
    for axis in (0, 1):
        profile = strength.sum(axis)
        inside = torch.nonzero(profile > profile.max() / 2).float()
        assert float(inside.mean()) == pytest.approx(expected, abs=2)


def test_strides_and_offsets_are_those_of_symmetric_padding_and_of_pooling():
    efficientnet, vgg = (
        without_values(lambda name=name: build_network(name)).grid()
        for name in ("efficientnet_b0", "vgg16")
    )
    assert (efficientnet.stride_px, efficientnet.offset_px) == (32, 0.0)
    assert (vgg.stride_px, vgg.offset_px) == (16, 7.5)


@pytest.mark.parametrize(
    ("layers", "grid"),
    [
        pytest.param(without_values(efficientnet_b0).features,
                     CellGrid(stride_px=32, offset_px=0.0), id="b0"),
        pytest.param(without_values(vgg16).features[:30],
                     CellGrid(stride_px=16, offset_px=7.5), id="vgg16"),
        pytest.param(without_values(densenet121).features,
                     CellGrid(stride_px=32, offset_px=14.0), id="densenet"),
        pytest.param(nn.Conv2d(3, 4, 3, stride=2, dilation=2), CellGrid(stride_px=2, offset_px=2.0),
                     id="dilated, not padded"),
    ],
)  # fmt: skip
def test_the_grid_of_a_family_is_derived_from_its_layers(layers, grid):
    assert cell_grid(layers) == grid


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        pytest.param(nn.Sequential(*list(without_values(resnet18).children())[:-2]),
                     "gives 16 x 16 cells.*extend cell_grid", id="resnet18, whose branches stride"),
        pytest.param(nn.LPPool2d(2, 2, 2), "stride of a LPPool2d.*extend", id="unknown pooling"),
        pytest.param(nn.AdaptiveAvgPool2d(7), "gives 7 x 7 cells", id="a layer that resizes"),
        pytest.param(nn.Conv2d(3, 4, (3, 5)), "kernel_size .*rows and columns", id="not square"),
        pytest.param(nn.Conv2d(3, 4, 3, padding="same"), "padding 'same'", id="padding by name"),
    ],
)  # fmt: skip
def test_layers_whose_grid_cannot_be_derived_are_refused(layers, message):
    with pytest.raises(WeightsError, match=message):
        cell_grid(layers)


def test_the_check_of_the_grid_changes_neither_the_network_nor_the_random_numbers():
    network = build_network("efficientnet_b0").train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    cell_grid(network._layers_before_cells())
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_the_mean_of_the_evidence_plus_the_bias_is_the_logit():
    network = make_network("efficientnet_b0")
    logits, activations = network(torch.rand(2, 3, 96, 96))
    bias = network.last_layer.bias
    mean = network.evidence(activations).mean((1, 2)) + bias[1] - bias[0]
    assert torch.allclose(mean, logits, atol=1e-6)


def test_the_pyramid_pools_its_rated_cells_near_their_maximum():
    network = make_network("efficientnet_b0_fpn")
    activations = torch.rand(2, 128, 12, 12)
    logits = network.logit(activations)
    bias = network.last_layer.bias
    cells = network.evidence(activations) + bias[1] - bias[0]
    assert torch.allclose(cells.exp().mean((1, 2)).log(), logits, atol=1e-5)


def test_grad_cam_of_the_pyramid_is_the_rating_of_its_cells():
    network = make_network("efficientnet_b0_fpn")
    batch = torch.rand(2, 3, 96, 96)
    _, maps = logits_and_maps(network, batch)
    rated = network.evidence(network.activations(batch))
    assert torch.allclose(maps, rated.relu(), rtol=1e-4)


@pytest.mark.parametrize("factor", [2, 4])
def test_a_refined_stage_keeps_its_cells_where_they_look(factor):
    coarse = torch.arange(5.0).expand(1, 1, 5, 5)
    fine = refine_stage(coarse, factor)
    places = torch.arange(5.0 * factor) / factor
    assert torch.allclose(fine[0, 0, 0], places.clamp(max=4), atol=1e-6)
    assert fine.shape == (1, 1, 5 * factor, 5 * factor)


def test_evidence_of_a_head_that_is_not_linear_is_refused():
    with pytest.raises(WeightsError, match="linear head"):
        without_values(lambda: build_network("vgg16")).evidence(torch.zeros(1, 512, 4, 4))


def test_an_unknown_architecture_is_refused_with_those_there_are():
    with pytest.raises(
        WeightsError, match=r"resnet50.*efficientnet_b0, efficientnet_b0_fpn, vgg16"
    ):
        build_network("resnet50")
