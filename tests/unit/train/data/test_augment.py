"""Augmented samples of training films, and how films are drawn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bonefx.errors import RecipeError
from tests.fixtures.recipes import write_recipe
from train.data import Film
from train.data.augment import (
    AugmentedFilms,
    draw_fracture_mask,
    film_sampler,
    sampling_weights,
)
from train.data.cache import CachedFilms
from train.fit.run_folder import labelled, mean_auroc
from train.recipe import read_recipe
from train.recipe_sections import Augmentation


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
    with pytest.raises(RecipeError, match=r"'both' has films of one class.*labels = false"):
        sampling_weights(films, two_sources)


def test_labels_of_a_source_that_are_not_trained_on_have_no_effect(tmp_path, two_sources):
    films = films_of(("both", True), ("fractures", True))
    cache = replace(make_cache(tmp_path, others=1), films=films)
    drawn = AugmentedFilms(cache, replace(two_sources, augmentation=Augmentation()))
    assert [float(drawn[index].labelled) for index in range(2)] == [1.0, 0.0]


def test_a_box_that_reaches_beyond_the_exposed_field_is_cut_there(tmp_path):
    cache = make_cache(tmp_path, boxes=((0.0, 0.0, 64.0, 128.0),), field=(0, 16, 128, 48))
    mask = draw_fracture_mask(cache, 0).numpy()  # the field of 128 x 32 fills columns 24 to 40
    assert mask[:, 24:40].all()
    assert mask.sum() == 64 * 16


def test_the_validation_figure_is_the_mean_over_the_sources_with_labels(tmp_path, two_sources):
    films = films_of(("both", True), ("both", False), ("fractures", True), ("fractures", True))
    cache = replace(make_cache(tmp_path, others=3), films=films)
    logits = np.array([1.0, 0.0, -5.0, 5.0])
    assert mean_auroc(cache, logits, two_sources) == 1.0
    assert mean_auroc(cache, -logits, two_sources) == 0.0


def test_validation_without_both_classes_in_a_labelled_source_is_refused(tmp_path, two_sources):
    films = films_of(("both", True), ("fractures", True), ("fractures", False))
    cache = replace(make_cache(tmp_path, others=2), films=films)
    assert labelled(cache, two_sources).tolist() == [True, False, False]
    with pytest.raises(RecipeError, match=r"both classes in val"):
        mean_auroc(cache, np.zeros(3), two_sources)


def test_another_look_stays_inside_the_film(tmp_path):
    cache = make_cache(tmp_path, boxes=((0.0, 0.0, 64.0, 128.0),))  # fills columns 16 to 48
    films = AugmentedFilms(cache, augmented_by(tmp_path, looks=1.0))
    torch.manual_seed(0)
    first, second = films[0].square, films[0].square
    assert not torch.equal(first, second)
    assert first[:, 16:48].any()
    assert not first[:, :16].any()
    assert not first[:, 48:].any()
