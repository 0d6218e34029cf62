"""Augmentation, sampling, losses."""

import numpy as np
import pytest
import torch

from bonefx.architectures import CellGrid
from tests.factories import make_network
from tests.synthetic import write_recipe
from train.augment import AugmentedFilms, Sample, balanced_sampler, fracture_mask
from train.cache import CachedFilms
from train.data import Film
from train.objective import Objective, cell_targets
from train.recipe import Augmentation, read_recipe


def make_cache(tmp_path, *, boxes=(), shape=(128, 64), fractured=True, others=0):
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
        shapes=np.array([shape] * (1 + others), np.int32),
        skipped=0,
    )
    pixels[0] = 200 * fracture_mask(cache, 0).numpy()
    return cache


def test_a_box_is_drawn_where_the_letterbox_puts_it(tmp_path):
    cache = make_cache(tmp_path, boxes=((0.0, 0.0, 64.0, 32.0),))
    mask = fracture_mask(cache, 0).numpy()  # a 128 x 64 film fills columns 16 to 48
    assert mask[:16, 16:48].all()
    assert mask.sum() == 16 * 32


def test_a_mask_moves_with_its_film(tmp_path):
    cache = make_cache(tmp_path, boxes=((10.0, 30.0, 40.0, 60.0),))
    settings = Augmentation(rotation_deg=30, translate=0.2, scale=(0.7, 1.3), flip=True)
    films = AugmentedFilms(cache, settings)
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


def test_without_augmentation_a_film_stays_as_it_is(tmp_path):
    cache = make_cache(tmp_path, boxes=((10.0, 30.0, 40.0, 60.0),))
    sample = AugmentedFilms(cache, Augmentation())[0]
    assert np.array_equal(sample.square.numpy(), cache.squares[0])


def test_both_classes_are_drawn_equally_often(tmp_path):
    cache = make_cache(tmp_path, others=99)
    drawn = list(balanced_sampler(cache, torch.Generator().manual_seed(0)))
    assert len(drawn) == 100
    assert 30 <= sum(index == 0 for index in drawn) <= 70


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


def make_sample(*, annotated=1.0):
    mask = torch.zeros(2, 64, 64, dtype=torch.uint8)
    mask[:, 20:40, 20:40] = 1
    return Sample(
        square=torch.randint(0, 255, (2, 64, 64), dtype=torch.uint8),
        mask=mask,
        fractured=torch.tensor([1.0, 0.0]),
        annotated=torch.full((2,), annotated),
    )


def test_frozen_layers_keep_their_statistics_while_training(objective):
    objective.train()
    frozen = objective.network.frozen_part(3)
    assert not any(layer.training for part in frozen for layer in part.modules())
    assert objective.network.backbone.features[4].training


def test_films_without_known_boxes_say_nothing_about_places(objective):
    objective.eval()
    _, known = objective(make_sample())
    _, unknown = objective(make_sample(annotated=0.0))
    assert known.item() > 0
    assert unknown.item() == 0


def test_the_evidence_loss_falls_as_cells_find_the_fracture(objective):
    objective.eval()
    grid = objective.network.grid()
    sample = make_sample()
    targets = cell_targets(sample.mask, grid, (2, 2))
    weight = objective.network.last_layer.weight
    direction = (weight[1] - weight[0]).detach()

    def loss(sign):
        cells = sign * (2 * targets - 1)[:, None] * direction[None, :, None, None] * 100
        return objective._evidence_loss(cells, sample).item()

    assert loss(1.0) < loss(-1.0)
