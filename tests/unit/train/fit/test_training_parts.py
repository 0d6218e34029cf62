"""Augmentation, sampling, losses, optimiser and rules for the best epoch."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.ops import StochasticDepth

from bonefx.errors import RecipeError
from bonefx.models.cell_grid import CellGrid
from bonefx.models.preprocess import PreprocessSpec, normalise
from tests.fixtures.model_folders import MEAN, STD, make_network
from tests.fixtures.recipes import write_recipe
from train.data import Film
from train.data.augment import (
    AugmentedFilms,
    Sample,
    draw_fracture_mask,
    film_sampler,
    sampling_weights,
)
from train.data.cache import CachedFilms
from train.fit.objective import Objective, cell_losses, cell_targets
from train.fit.optimiser import LearningRateSchedule, build_optimiser
from train.fit.run_folder import EpochLog, is_best_epoch, mean_auroc, should_stop_early
from train.recipe import Augmentation, read_recipe


def make_cache(tmp_path, *, boxes=(), shape=(128, 64), field=None, fractured=True, others=0):
    """One film with a bright square in each box, and other films without fracture."""
    pixels = np.zeros((1 + others, 64, 64), np.uint8)
    film = Film(
        path=tmp_path, name="a", fractured=fractured, split="train", group="0", boxes=boxes,
        annotated=True,
    )  # fmt: skip
    other = Film(path=tmp_path, name="b", fractured=False, split="train", group="1", annotated=True)
    cache = CachedFilms(
        films=[film, *[other] * others],
        squares=pixels,
        rows=np.arange(1 + others),
        sha256=np.array([str(index) for index in range(1 + others)]),
        shapes=np.array([shape] * (1 + others), np.int32),
        fields=np.array([field or (0, 0, *shape)] * (1 + others), np.int32),
        skipped=0,
    )
    pixels[0] = 200 * draw_fracture_mask(cache, 0).numpy()
    return cache


def augmented_by(tmp_path, **settings):
    """A recipe with the given augmentation alone."""
    recipe, _ = read_recipe(write_recipe(tmp_path / "augmented.toml"))
    return replace(recipe, augmentation=Augmentation(**settings))


def test_a_box_is_drawn_at_its_letterboxed_position(tmp_path):
    cache = make_cache(tmp_path, boxes=((0.0, 0.0, 64.0, 32.0),))
    mask = draw_fracture_mask(cache, 0).numpy()  # a 128 x 64 film fills columns 16 to 48
    assert mask[:16, 16:48].all()
    assert mask.sum() == 16 * 32


def test_a_box_moves_with_the_crop_to_the_exposed_field(tmp_path):
    cache = make_cache(tmp_path, boxes=((40.0, 10.0, 60.0, 30.0),), field=(0, 32, 32, 64))
    mask = draw_fracture_mask(cache, 0).numpy()  # of 32 x 32 px, at twice their size
    assert mask[20:60, 16:56].all()
    assert mask.sum() == 40 * 40


def test_a_mask_moves_with_its_film(tmp_path):
    cache = make_cache(tmp_path, boxes=((10.0, 30.0, 40.0, 60.0),))
    films = AugmentedFilms(cache, augmented_by(
        tmp_path, rotation_deg=30, translate=0.2, scale=(0.7, 1.3), flip=True, quarter_turns=0.5
    ))  # fmt: skip
    torch.manual_seed(0)
    squares = []
    for _ in range(20):
        sample = films[0]
        bright = sample.square > 100
        inside = sample.mask > 0
        overlap = (bright & inside).sum() / (bright | inside).sum().clamp(min=1)
        assert overlap > 0.7
        squares.append(sample.square)
    assert not torch.equal(squares[0], squares[1])


def test_without_augmentation_a_film_does_not_change(tmp_path):
    cache = make_cache(tmp_path, boxes=((10.0, 30.0, 40.0, 60.0),))
    sample = AugmentedFilms(cache, augmented_by(tmp_path))[0]
    assert np.array_equal(sample.square.numpy(), cache.squares[0])


def test_both_classes_are_drawn_equally_often(tmp_path):
    cache = make_cache(tmp_path, others=99)
    recipe, _ = read_recipe(write_recipe(tmp_path / "r.toml"))
    drawn = list(film_sampler(cache, recipe, torch.Generator().manual_seed(0)))
    assert len(drawn) == 100
    assert 30 <= sum(index == 0 for index in drawn) <= 70


SOURCES = """
[sources.both]
share = 3

[sources.fractures]
share = 1
labels = false
"""


@pytest.fixture
def two_sources(tmp_path):
    """A recipe of one source with both classes, and one of fractures whose labels do not count."""
    path = write_recipe(tmp_path / "two.toml")
    path.write_text(path.read_text().replace("image_folder", "combined") + SOURCES)
    return read_recipe(path)[0]


def films_of(*sources):
    """Films given as pairs of source and label."""
    return [
        Film(path=Path(str(i)), name=str(i), fractured=label, split="train", group="", source=name)
        for i, (name, label) in enumerate(sources)
    ]


def test_sources_are_drawn_by_their_share_and_classes_within_a_source_alike(two_sources):
    films = films_of(
        ("both", True), ("both", False), ("both", False), ("fractures", True), ("fractures", True)
    )
    expected = [0.375, 0.1875, 0.1875, 0.125, 0.125]
    assert sampling_weights(films, two_sources).tolist() == pytest.approx(expected)


def test_a_source_of_one_class_whose_labels_count_is_refused(two_sources):
    films = films_of(("both", True), ("fractures", True))
    with pytest.raises(RecipeError, match=r"'both' lacks films of a class.*labels = false"):
        sampling_weights(films, two_sources)


def test_labels_of_a_source_that_are_not_trained_on_have_no_effect(tmp_path, two_sources):
    films = films_of(("both", True), ("fractures", True))
    cache = replace(make_cache(tmp_path, others=1), films=films)
    drawn = AugmentedFilms(cache, replace(two_sources, augmentation=Augmentation()))
    assert [float(drawn[index].labelled) for index in range(2)] == [1.0, 0.0]


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


def test_the_validation_figure_is_the_mean_over_the_sources_with_labels(tmp_path, two_sources):
    films = films_of(("both", True), ("both", False), ("fractures", True), ("fractures", True))
    cache = replace(make_cache(tmp_path, others=3), films=films)
    logits = np.array([1.0, 0.0, -5.0, 5.0])
    assert mean_auroc(cache, logits, two_sources) == 1.0
    assert mean_auroc(cache, -logits, two_sources) == 0.0


def test_another_look_stays_inside_the_film(tmp_path):
    cache = make_cache(tmp_path, boxes=((0.0, 0.0, 64.0, 128.0),))  # fills columns 16 to 48
    films = AugmentedFilms(cache, augmented_by(tmp_path, looks=1.0))
    torch.manual_seed(0)
    first, second = films[0].square, films[0].square
    assert not torch.equal(first, second)
    assert first[:, 16:48].any()
    assert not first[:, :16].any()
    assert not first[:, 48:].any()


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
