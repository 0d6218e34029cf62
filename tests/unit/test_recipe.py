"""Recipes are read strictly."""

from pathlib import Path

import pytest

import train
from bonefx.errors import RecipeError
from tests.synthetic import write_recipe
from train.recipe import read_recipe

SHIPPED = sorted((Path(train.__file__).parent / "recipes").glob("*.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_recipes_are_sound_and_named_after_their_model(path):
    recipe, sha256 = read_recipe(path)
    assert recipe.id == path.stem
    assert len(sha256) == 64


def test_the_leak_free_reader_learns_at_320_px_or_more():
    recipe, _ = read_recipe(SHIPPED[0])
    assert recipe.id == "efficientnet_b0"
    assert recipe.size_px >= 320


def test_a_stage_is_found_by_its_epoch(tmp_path):
    path = write_recipe(tmp_path / "r.toml", epochs=2)
    path.write_text(path.read_text() + "\n[[stages]]\nsize_px = 96\nepochs = 1\n")
    recipe, _ = read_recipe(path)
    assert [recipe.stage_at(epoch).size_px for epoch in range(recipe.epochs)] == [64, 64, 96]
    with pytest.raises(RecipeError):
        recipe.stage_at(3)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("batch_size = 4", "batchsize = 4", "batchsize", id="unknown key"),
        pytest.param("flip = true", "mirror = true", "mirror", id="unknown nested key"),
        pytest.param("batch_size = 4", 'batch_size = "few"', "batch_size", id="wrong type"),
        pytest.param('id = "synthetic"', "", "id", id="missing key"),
        pytest.param("efficientnet_b0", "resnet50", "resnet50", id="unknown architecture"),
        pytest.param("efficientnet_b0", "vgg16", "linear head", id="evidence without linear head"),
        pytest.param("size_px = 64", "size_px = 65", "multiples of 32", id="odd size"),
        pytest.param('id = "synthetic"', "id = ", "not TOML", id="no TOML"),
    ],
)
def test_a_faulty_recipe_is_refused_by_the_name_of_its_fault(tmp_path, old, new, message):
    path = write_recipe(tmp_path / "r.toml")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(RecipeError, match=message):
        read_recipe(path)


def test_a_missing_recipe_points_to_those_that_are_there(tmp_path):
    with pytest.raises(RecipeError, match="train/recipes"):
        read_recipe(tmp_path / "none.toml")
