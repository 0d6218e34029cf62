"""Augmentation, sampling, losses, optimiser and rules for the best epoch."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torchvision.ops import StochasticDepth

from bonefx.errors import RecipeError
from bonefx.models.cell_grid import CellGrid
from bonefx.models.preprocess import PreprocessSpec, normalise
from tests.fixtures.model_folders import MEAN, STD, make_network
from tests.fixtures.recipes import write_recipe
from train.data.augment import (
    Sample,
)
from train.fit.objective import Objective, cell_losses, cell_targets
from train.fit.optimiser import LearningRateSchedule, build_optimiser
from train.fit.run_folder import EpochLog, is_best_epoch, should_stop_early
from train.recipe import read_recipe


def test_the_classification_loss_is_that_of_the_labelled_films(objective):
    objective.eval().network.last_layer.weight.data *= 1e-8
    torch.manual_seed(0)
    sample = make_sample()
    alone = [
        objective(sample._replace(labelled=torch.tensor(one))) for one in ((1.0, 0.0), (0.0, 1.0))
    ]
    both, none = objective(sample), objective(sample._replace(labelled=torch.zeros(2)))
    assert both.image.item() == pytest.approx(sum(one.image.item() for one in alone) / 2, rel=1e-5)
    assert none.image.item() == 0
    assert none.evidence.item() > 0


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        pytest.param(CellGrid(stride_px=32, offset_px=0.0), (2, 1), id="cells at 0, 32, 64"),
        pytest.param(CellGrid(stride_px=32, offset_px=15.5), (1, 1), id="cells at 15.5, 47.5"),
    ],
)
def test_the_cell_nearest_to_a_fracture_is_its_target(grid, expected):
    masks = torch.zeros(1, 128, 128, dtype=torch.uint8)
    masks[0, 57:60, 39:42] = 1
    targets = cell_targets(masks, grid, (4, 4))
    assert torch.nonzero(targets[0]).tolist() == [list(expected)]


@pytest.fixture
def objective(tmp_path):
    recipe, _ = read_recipe(write_recipe(tmp_path / "r.toml", extra="frozen_layers = 3"))
    return Objective(make_network("efficientnet_b0"), recipe)


def make_sample(*, annotated=1.0, labelled=(1.0, 1.0)):
    mask = torch.zeros(2, 64, 64, dtype=torch.uint8)
    mask[:, 20:40, 20:40] = 1
    return Sample(
        square=torch.randint(0, 255, (2, 64, 64), dtype=torch.uint8),
        mask=mask,
        fractured=torch.tensor([1.0, 0.0]),
        annotated=torch.full((2,), annotated),
        labelled=torch.tensor(labelled),
    )


def test_frozen_layers_keep_their_statistics_while_training(objective):
    objective.train()
    frozen = objective.network.frozen_part(3)
    assert not any(layer.training for part in frozen for layer in part.modules())
    assert objective.network.backbone.features[4].training


def test_films_without_complete_boxes_have_no_localisation_loss(objective):
    objective.eval().network.last_layer.weight.data *= 1e-8
    assert objective(make_sample()).evidence.item() > 0
    assert objective(make_sample(annotated=0.0)).evidence.item() == 0


def test_the_localisation_loss_is_lower_for_cells_on_the_fracture(objective):
    objective.eval()
    grid = objective.network.grid()
    sample = make_sample()
    targets = cell_targets(sample.mask, grid, (2, 2))
    weight = objective.network.last_layer.weight
    direction = (weight[1] - weight[0]).detach()

    def loss(sign):
        cells = sign * (2 * targets - 1)[:, None] * direction[None, :, None, None] * 100
        return objective._localisation_loss(objective.network.evidence(cells), sample).item()

    assert loss(1.0) < loss(-1.0)


def test_the_cell_loss_uses_positive_cells_and_the_hardest_negatives():
    targets = torch.zeros(1, 8, 8)
    targets[0, 4, 4] = 1
    cells = torch.full((1, 8, 8), -20.0)
    cells[0, 4, 4] = 20.0
    assert cell_losses(cells, targets).item() < 1e-6
    cells[0, 3, 3] = 5.0  # a neighbour of the positive cell is ignored
    assert cell_losses(cells, targets).item() < 1e-6
    cells[0, 0, 0] = 5.0  # one of the two hardest negatives, 1/32 of 64
    assert cell_losses(cells, targets).item() == pytest.approx(5.0067 / 2, abs=1e-3)
    cells[0, 4, 4] = -5.0
    assert cell_losses(cells, targets).item() == pytest.approx(5.0067 * 1.5, abs=1e-3)


def test_the_image_loss_is_the_cross_entropy_of_the_two_softmax_outputs(objective):
    objective.network.last_layer.weight.data *= 1e-8  # logits of the usual size
    objective.network.last_layer.bias.data *= 0
    objective.train()  # batch statistics keep the activations of untrained layers small
    for layer in objective.modules():
        if isinstance(layer, torch.nn.Dropout | StochasticDepth):
            layer.eval()
    sample = make_sample()
    batch = normalise(sample.square, PreprocessSpec(size_px=64, mean=MEAN, std=STD))
    outputs = objective.network.backbone(batch)  # (N, 2)
    expected = torch.nn.functional.cross_entropy(outputs, sample.fractured.long())
    assert 0.01 < expected.item() < 2
    assert objective(sample).image.item() == pytest.approx(expected.item(), abs=1e-5)


def test_accuracy_counts_the_larger_of_the_two_outputs(objective):
    objective.eval()
    sample = make_sample()
    batch = normalise(sample.square, PreprocessSpec(size_px=64, mean=MEAN, std=STD))
    called = objective.network.backbone(batch).argmax(1)
    expected = (called == sample.fractured).float().mean()
    assert objective(sample).accuracy.item() == expected.item()


def make_schedule(tmp_path, optimiser):
    path = write_recipe(tmp_path / "r.toml")
    text = path.read_text().replace("learning_rate = 1e-3\nweight_decay = 0.01", optimiser)
    path.write_text(text)
    recipe, _ = read_recipe(path)
    weights = torch.nn.Linear(2, 1)
    made = build_optimiser(weights, recipe)
    return made, LearningRateSchedule(made, recipe, total_steps=10)


SGD = (
    'name = "sgd_plateau"\nlearning_rate = 0.001\nmomentum = 0.9\nweight_decay = 1e-4\n'
    "factor = 0.1\npatience = 2"
)


def test_the_learning_rate_is_reduced_at_a_plateau_of_the_validation_loss(tmp_path):
    optimiser, schedule = make_schedule(tmp_path, SGD)
    assert isinstance(optimiser, torch.optim.SGD)
    group = optimiser.param_groups[0]
    assert (group["momentum"], group["weight_decay"], group["lr"]) == (0.9, 1e-4, 0.001)
    rates = []
    for val_loss in (0.5, 0.4, 0.4, 0.4, 0.4, 0.4):
        for _ in range(3):
            optimiser.step()
            schedule.after_step()
        schedule.after_epoch(val_loss)
        rates.append(schedule.learning_rate)
    assert rates == pytest.approx([0.001] * 4 + [0.0001] * 2)


def test_one_cycle_rises_and_falls_by_steps_and_ignores_the_validation_loss(tmp_path):
    optimiser, schedule = make_schedule(tmp_path, "learning_rate = 0.01\nweight_decay = 0.0")
    rates = [schedule.learning_rate]
    for _ in range(10):
        optimiser.step()
        schedule.after_step()
        schedule.after_epoch(1.0)
        rates.append(schedule.learning_rate)
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(0.01, rel=0.1)
    assert rates == sorted(rates[: top + 1]) + sorted(rates[top + 1 :], reverse=True)
    assert 0 < top < 10


def make_line(epoch, *, val_loss=0.5, val_auroc=0.8, best=False):
    return EpochLog(
        epoch=epoch, size_px=64, learning_rate=0.1, image_loss=0.5, evidence_loss=0.0,
        accuracy=0.5, val_loss=val_loss, val_accuracy=0.5, val_auroc=val_auroc, best=best,
        elapsed_s=1.0,
    )  # fmt: skip


def recipe_with(tmp_path, extra, *, epochs=9):
    return read_recipe(write_recipe(tmp_path / "r.toml", extra=extra, epochs=epochs))[0]


def test_training_stops_when_the_validation_loss_has_not_fallen_for_long_enough(tmp_path):
    recipe = recipe_with(tmp_path, "early_stopping = 2")
    losses = [0.5, 0.4, 0.41, 0.4]
    lines = [make_line(index + 1, val_loss=loss) for index, loss in enumerate(losses)]
    assert [should_stop_early(lines[:n], recipe) for n in range(5)] == [False] * 4 + [True]
    assert not should_stop_early(lines, recipe_with(tmp_path, ""))


@pytest.mark.parametrize(("rule", "best"), [("val_loss", 2), ("val_auroc", 3)])
def test_the_best_epoch_is_selected_by_the_figure_of_the_recipe(tmp_path, rule, best):
    recipe = recipe_with(tmp_path, f'best_by = "{rule}"')
    lines: list[Any] = []
    for epoch, (loss, area) in enumerate([(0.5, 0.7), (0.3, 0.8), (0.4, 0.9), (0.4, 0.9)], 1):
        line = make_line(epoch, val_loss=loss, val_auroc=area)
        lines.append(replace(line, best=is_best_epoch(line, lines, recipe)))
    assert [line.epoch for line in lines if line.best][-1] == best


def test_only_epochs_of_the_last_stage_can_be_best(tmp_path):
    path = write_recipe(tmp_path / "r.toml")
    path.write_text(path.read_text() + "\n[[stages]]\nsize_px = 96\nepochs = 1\n")
    recipe, _ = read_recipe(path)
    assert not is_best_epoch(make_line(1, val_auroc=0.99), [], recipe)
    assert is_best_epoch(make_line(2, val_auroc=0.6), [make_line(1, val_auroc=0.99)], recipe)


@pytest.mark.parametrize(
    ("rates", "message"), [("nobody = 2", "nobody"), ("classifier = 0", "must be > 0")]
)
def test_a_rate_without_effect_is_refused(tmp_path, rates, message):
    path = write_recipe(tmp_path / "r.toml")
    path.write_text(path.read_text().replace("[optimiser]", f"[optimiser]\nrates.{rates}"))
    with pytest.raises(RecipeError, match=message):
        build_optimiser(
            torch.nn.ModuleDict({"classifier": torch.nn.Linear(2, 2)}), read_recipe(path)[0]
        )


def test_the_classifier_may_have_a_lower_learning_rate_than_the_features(tmp_path):
    path = write_recipe(tmp_path / "r.toml")
    path.write_text(path.read_text().replace("[optimiser]", "[optimiser]\nrates.classifier = 0.1"))
    recipe, _ = read_recipe(path)
    module = torch.nn.ModuleDict(
        {"features": torch.nn.Linear(2, 2), "classifier": torch.nn.Linear(2, 2)}
    )
    before = {name: value.clone() for name, value in module.state_dict().items()}
    optimiser = build_optimiser(module, recipe)
    schedule = LearningRateSchedule(optimiser, recipe, total_steps=4)
    module["classifier"](module["features"](torch.ones(1, 2))).sum().backward()
    optimiser.step()
    schedule.after_step()
    moved = {
        name: float((value - before[name]).detach().abs().max())
        for name, value in module.state_dict().items()
    }
    assert moved["classifier.bias"] == pytest.approx(0.1 * moved["features.bias"], rel=0.02)
    rates = [group["lr"] for group in optimiser.param_groups]
    assert rates[1] == pytest.approx(0.1 * rates[0])
    assert schedule.learning_rate == rates[0]
