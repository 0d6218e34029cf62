"""Strict reading of recipes."""

from pathlib import Path

import pytest
import torch

import train
from bonefx.errors import RecipeError
from bonefx.models.architectures import build_network
from tests.fixtures.recipes import write_recipe
from train.recipe import read_recipe
from train.recipe_sections import Augmentation, PlateauSgd, Stage

INCLUDED = sorted((Path(train.__file__).parent / "recipes").glob("*.toml"))


@pytest.mark.parametrize("path", INCLUDED, ids=lambda path: path.stem)
def test_included_recipes_are_valid_and_named_after_their_model(path):
    recipe, sha256 = read_recipe(path)
    assert path.stem == recipe.id or path.stem.startswith(f"{recipe.id}_")  # goes on from it
    assert len(sha256) == 64


def test_the_leak_free_model_is_trained_at_320_px_or_more():
    recipe, _ = read_recipe(INCLUDED[0])
    assert recipe.id == "efficientnet_b0"
    assert recipe.size_px >= 320


@pytest.mark.parametrize(
    ("architecture", "parameters"), [("efficientnet_b0", 4_010_110), ("vgg16", 134_268_738)]
)
def test_the_course_reports_recipes_have_its_settings(architecture, parameters):
    """All settings that the report states or leaves open are as documented in the recipe."""
    recipe, _ = read_recipe(INCLUDED[0].with_name(f"report_{architecture}.toml"))
    assert recipe.architecture == architecture
    assert recipe.optimiser == PlateauSgd(
        learning_rate=0.001, momentum=0.9, weight_decay=1e-4, factor=0.1, patience=5
    )
    assert recipe.stages == (Stage(size_px=224, epochs=50),)
    assert (recipe.best_by, recipe.early_stopping) == ("val_loss", 10)
    assert recipe.data == "image_folder"
    assert recipe.frozen_layers == 0  # all parameters are trained
    assert recipe.evidence.weight == recipe.label_smoothing == recipe.average_decay == 0  # plain
    assert recipe.augmentation == Augmentation()  # the set is made of rotated copies already
    assert recipe.clip_norm == 0
    assert not recipe.class_balanced
    assert recipe.salvage
    with torch.device("meta"):
        network = build_network(recipe.architecture)
    assert sum(value.numel() for value in network.parameters()) == parameters
    assert all(value.requires_grad for value in network.parameters())
    dropouts = [layer.p for layer in network.modules() if isinstance(layer, torch.nn.Dropout)]
    assert dropouts == ([0.5, 0.5] if architecture == "vgg16" else [0.2])


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
        pytest.param("size_px = 64", "size_px = 65", "multiples of 32", id="odd size"),
        pytest.param('id = "synthetic"', "id = ", "not TOML", id="no TOML"),
        pytest.param("weight_decay = 0.01", "momentum = 0.9", "momentum", id="another's setting"),
        pytest.param("weight_decay = 0.01", 'name = "adagrad"', "adagrad", id="unknown optimiser"),
        pytest.param("batch_size = 4", "batch_size = 4\naccumulate = 3", "3 parts", id="parts"),
    ],
)
def test_an_invalid_recipe_is_refused_with_the_name_of_the_fault(tmp_path, old, new, message):
    path = write_recipe(tmp_path / "r.toml")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(RecipeError, match=message):
        read_recipe(path)


def test_the_error_for_a_missing_recipe_names_the_folder_of_recipes(tmp_path):
    with pytest.raises(RecipeError, match="train/recipes"):
        read_recipe(tmp_path / "none.toml")
