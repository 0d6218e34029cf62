"""A network whose head rates no cells learns where to look by a probe that is left behind."""

import pytest
import torch

from tests.factories import make_network
from tests.synthetic import write_recipe
from train.augment import Sample
from train.objective import Objective
from train.recipe import read_recipe


def make_objective(tmp_path, architecture):
    path = write_recipe(tmp_path / "r.toml")
    path.write_text(path.read_text().replace('"efficientnet_b0"', f'"{architecture}"'))
    recipe, _ = read_recipe(path)
    assert recipe.evidence.weight > 0
    return Objective(make_network(architecture).requires_grad_(True), recipe)


def make_sample():
    mask = torch.zeros(2, 64, 64, dtype=torch.uint8)
    mask[0, 16:32, 16:32] = 1
    return Sample(
        square=torch.randint(0, 255, (2, 64, 64), dtype=torch.uint8),
        mask=mask,
        fractured=torch.tensor([1.0, 0.0]),
        annotated=torch.ones(2),
    )


@pytest.mark.parametrize(
    ("architecture", "probed"),
    [("vgg16", True), ("efficientnet_b0", False), ("efficientnet_b0_fpn", False)],
)
def test_only_a_head_that_rates_no_cells_gets_a_probe(tmp_path, architecture, probed):
    objective = make_objective(tmp_path, architecture)
    assert (objective.probe is not None) == probed
    assert not any("probe" in name for name in objective.network.backbone.state_dict())


def test_boxes_teach_the_probe_and_the_layers_before_it(tmp_path):
    objective = make_objective(tmp_path, "vgg16").train()
    losses = objective(make_sample())
    losses.evidence.backward()
    first = objective.network.backbone.features[0].weight
    assert first.grad.abs().max() > 0
    assert objective.probe.weight.grad.abs().max() > 0
    assert objective.network.last_layer.weight.grad is None  # the head is the label's alone
