"""Localisation losses of a head that is not linear: a probe and Grad-CAM."""

from dataclasses import replace

import pytest
import torch

from bonefx.errors import RecipeError
from bonefx.heatmaps.forward import logits_and_maps
from bonefx.models.preprocess import normalise
from tests.fixtures.model_folders import make_network
from tests.fixtures.recipes import write_recipe
from train.data.augment import Sample
from train.fit.objective import Objective, grad_cam_cells
from train.recipe import read_recipe
from train.recipe_sections import EvidenceLoss


def make_objective(tmp_path, architecture, evidence=None):
    path = write_recipe(tmp_path / "r.toml")
    path.write_text(path.read_text().replace('"efficientnet_b0"', f'"{architecture}"'))
    recipe, _ = read_recipe(path)
    assert recipe.evidence.weight > 0
    recipe = replace(recipe, evidence=evidence or recipe.evidence)
    return Objective(make_network(architecture).requires_grad_(True), recipe)


def make_sample():
    mask = torch.zeros(2, 64, 64, dtype=torch.uint8)
    mask[0, 16:32, 16:32] = 1
    return Sample(
        square=torch.randint(0, 255, (2, 64, 64), dtype=torch.uint8),
        mask=mask,
        fractured=torch.tensor([1.0, 0.0]),
        annotated=torch.ones(2),
        labelled=torch.ones(2),
    )


@pytest.mark.parametrize(
    ("architecture", "probed"),
    [("vgg16", True), ("efficientnet_b0", False), ("efficientnet_b0_fpn", False)],
)
def test_only_a_head_that_is_not_linear_gets_a_probe(tmp_path, architecture, probed):
    objective = make_objective(tmp_path, architecture)
    assert (objective.probe is not None) == probed
    assert not any("probe" in name for name in objective.network.backbone.state_dict())


def test_boxes_train_the_probe_and_the_layers_before_it(tmp_path):
    objective = make_objective(tmp_path, "vgg16").train()
    losses = objective(make_sample())
    losses.evidence.backward()
    first = objective.network.backbone.features[0].weight
    assert first.grad.abs().max() > 0
    assert objective.probe.weight.grad.abs().max() > 0
    assert objective.network.last_layer.weight.grad is None  # the head is trained by the label only


@pytest.mark.parametrize("architecture", ["vgg16", "efficientnet_b0"])
def test_the_supervised_map_is_the_displayed_map(architecture):
    network = make_network(architecture)
    batch = torch.rand(2, 3, 64, 64)
    activations = network.activations(batch).detach().requires_grad_(True)
    cells = grad_cam_cells(network.logit(activations), activations)
    _, shown = logits_and_maps(network, batch)
    torch.testing.assert_close(torch.relu(cells), shown, rtol=1e-4, atol=1e-6)


def test_supervised_grad_cam_trains_the_head_too(tmp_path):
    objective = make_objective(tmp_path, "vgg16", EvidenceLoss(weight=0.0, grad_cam=1.0)).train()
    assert objective.probe is None
    objective(make_sample()).evidence.backward()
    assert objective.network.last_layer.weight.grad.abs().max() > 0
    assert objective.network.backbone.features[0].weight.grad.abs().max() > 0
    assert objective.sharpness.grad.abs() > 0
    assert "sharpness" not in " ".join(objective.network.state_dict())


def test_the_grad_cam_loss_falls_in_training(tmp_path):
    objective = make_objective(tmp_path, "vgg16", EvidenceLoss(weight=0.0, grad_cam=1.0)).eval()
    optimiser = torch.optim.AdamW(objective.parameters(), lr=1e-4)
    sample = make_sample()
    first = objective(sample).evidence.item()
    for _ in range(5):
        optimiser.zero_grad()
        objective(sample).evidence.backward()
        optimiser.step()
    assert objective(sample).evidence.item() < first


def test_probe_and_grad_cam_losses_are_weighted_as_in_the_recipe(tmp_path):
    evidence = EvidenceLoss(weight=2.0, grad_cam=3.0)
    objective, sample = make_objective(tmp_path, "vgg16", evidence).eval(), make_sample()
    logits, activations = objective.network(normalise(sample.square, objective._spec))
    probed = objective._localisation_loss(objective.probe(activations)[:, 0], sample)
    cells = grad_cam_cells(logits, activations) * objective.sharpness.exp()
    expected = 2.0 * probed + 3.0 * objective._localisation_loss(cells, sample)
    torch.testing.assert_close(objective(sample).evidence, expected)


def test_the_head_is_trained_by_boxes_even_if_all_earlier_layers_are_frozen(tmp_path):
    objective = make_objective(tmp_path, "vgg16", EvidenceLoss(grad_cam=1.0))
    objective.network.frozen_part(30).requires_grad_(False)
    objective(make_sample()).evidence.backward()
    assert objective.network.last_layer.weight.grad.abs().max() > 0


def test_a_supervised_map_keeps_its_precision_in_bfloat16(tmp_path):
    objective = make_objective(tmp_path, "vgg16", EvidenceLoss(grad_cam=1.0))
    with torch.autocast("cpu", torch.bfloat16):
        logits, activations = objective.network(torch.rand(1, 3, 64, 64))
        assert activations.dtype == torch.bfloat16
        assert grad_cam_cells(logits, activations).dtype == torch.float32
        objective(make_sample()).evidence.backward()
    assert objective.sharpness.grad.isfinite()


@pytest.mark.parametrize("architecture", ["efficientnet_b0", "efficientnet_b0_fpn"])
def test_grad_cam_supervision_of_a_linear_head_is_refused(tmp_path, architecture):
    with pytest.raises(RecipeError, match="use weight"):
        make_objective(tmp_path, architecture, EvidenceLoss(weight=1.0, grad_cam=1.0))


def test_boxes_are_used_if_a_multiplier_is_positive():
    assert EvidenceLoss(weight=1.0).uses_boxes
    assert EvidenceLoss(grad_cam=1.0).uses_boxes
    assert not EvidenceLoss().uses_boxes
    with pytest.raises(RecipeError, match=">= 0"):
        EvidenceLoss(weight=-1.0)
