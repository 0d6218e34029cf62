"""Distillation: the loss, the trained weights and the saved weights."""

from dataclasses import replace

import pytest
import torch

from bonefx.errors import RecipeError
from bonefx.models.architectures import build_network
from bonefx.models.preprocess import normalise
from tests.fixtures.model_folders import make_model_folder, make_network
from tests.fixtures.recipes import write_recipe
from train.data import DataSet
from train.data.augment import Sample
from train.evaluate.evaluated_model import RECIPES
from train.fit.distillation import count_activation_channels, load_teacher
from train.fit.objective import Objective
from train.fit.optimiser import build_optimiser
from train.recipe import read_recipe
from train.recipe_sections import TRAINING_ONLY_PARTS, EvidenceLoss

CPU = torch.device("cpu")
SPLIT = "3a" * 32
TRAINED_ON = {
    "name": "Films", "licence": "none", "source": "", "split_sha256": SPLIT,
    "counts": {"train": {"films": 10, "fractured": 5, "with_boxes": 5}},
}  # fmt: skip


def make_set(**changes):
    """The data set of a student."""
    facts = {"name": "Films", "licence": "none", "source": "", "split_sha256": SPLIT, "films": ()}
    return DataSet(**(facts | changes))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    make_model_folder(folder, id="teacher", seed=5, training_data=TRAINED_ON)
    return folder


@pytest.fixture
def path(tmp_path, weights, monkeypatch):
    """A recipe with a teacher."""
    monkeypatch.setenv("BONEFX_WEIGHTS", str(weights))
    path = write_recipe(tmp_path / "r.toml")
    path.write_text(path.read_text() + '\n[distillation]\nteacher = "teacher"\n')
    return path


@pytest.fixture
def objective(path):
    recipe, _ = read_recipe(path)
    torch.manual_seed(0)
    return Objective(
        make_network().requires_grad_(True), recipe, load_teacher(recipe, make_set(), CPU)
    ).eval()  # fmt: skip


@pytest.fixture
def sample():
    random = torch.Generator().manual_seed(0)
    return Sample(
        square=torch.randint(0, 255, (3, 64, 64), dtype=torch.uint8, generator=random),
        mask=torch.zeros(3, 64, 64, dtype=torch.uint8),
        fractured=torch.tensor([1.0, 0.0, 1.0]),
        annotated=torch.zeros(3),
        labelled=torch.ones(3),
    )


@pytest.fixture
def taught(path, sample):
    """The teacher's logits and activations for the films."""
    teacher = load_teacher(read_recipe(path)[0], make_set(), CPU)
    with torch.no_grad():
        return teacher.network(normalise(sample.square, teacher.manifest.preprocess))


def test_the_distillation_loss_is_lowest_for_the_logits_of_the_teacher(objective, sample, taught):
    logits, activations = taught
    near, unsure, opposed = (
        objective.distiller(sample, factor * logits, activations) for factor in (1, 0, -1)
    )
    assert near < unsure < opposed


def test_the_projection_can_match_the_activations_of_the_teacher(objective, sample, taught):
    logits, activations = taught
    translation = objective.distiller.translation
    before = objective.distiller(sample, logits, activations)
    with torch.no_grad():
        translation.bias.zero_()
        translation.weight.copy_(torch.eye(len(translation.weight))[:, :, None, None])
    after = objective.distiller(sample, logits, activations)
    floor = torch.nn.functional.binary_cross_entropy_with_logits(logits, logits.sigmoid())
    assert after.item() == pytest.approx(floor.item(), rel=1e-4)  # only the entropy remains
    assert after < before


def test_the_teacher_is_neither_trained_nor_saved(objective, sample):
    losses = objective(sample)
    losses.distilled.backward()
    assert objective.network.backbone.features[0][0].weight.grad.abs().max() > 0
    (teacher,) = objective.distiller._teacher
    assert all(value.grad is None for value in teacher.network.parameters())
    names = [name for name in objective.state_dict() if name.startswith("distiller.")]
    assert names == ["distiller.translation.weight", "distiller.translation.bias"]


def test_without_a_teacher_the_distillation_loss_is_0(tmp_path, sample):
    recipe, _ = read_recipe(write_recipe(tmp_path / "r.toml"))
    assert load_teacher(recipe, make_set(), CPU) is None
    assert Objective(make_network(), recipe).eval()(sample).distilled.item() == 0


def test_the_error_for_a_missing_teacher_names_it(path):
    path.write_text(path.read_text().replace('"teacher"', '"nobody"'))
    with pytest.raises(RecipeError, match="the teacher nobody cannot be loaded"):
        load_teacher(read_recipe(path)[0], make_set(), CPU)


@pytest.mark.parametrize("changes", [{"split_sha256": "4b" * 32}, {"name": "Others"}])
def test_a_teacher_of_another_split_is_refused(path, changes):
    with pytest.raises(RecipeError, match="another split"):
        load_teacher(read_recipe(path)[0], make_set(**changes), CPU)


def test_an_included_recipe_can_be_trained_without_its_teacher_and_boxes():
    """As the documentation recommends for own films."""
    recipe, _ = read_recipe(RECIPES / "efficientnet_b0_fracatlas.toml")
    alone = replace(recipe, data="csv", distillation=None, evidence=EvidenceLoss())
    objective = Objective(make_network(recipe.architecture).requires_grad_(True), alone)
    trained = [value for group in build_optimiser(objective, alone).param_groups
               for value in group["params"]]  # fmt: skip
    assert len(trained) == len(list(objective.parameters()))


def test_recipes_accept_rates_for_exactly_the_training_only_parts(path):
    recipe, _ = read_recipe(path)
    recipe = replace(recipe, evidence=EvidenceLoss(weight=1.0, grad_cam=1.0))
    teacher = load_teacher(recipe, make_set(), CPU)
    with torch.device("meta"):  # names are enough
        whole = Objective(build_network("vgg16"), recipe, teacher)
    parts = {name.partition(".")[0] for name, _ in whole.named_parameters()}
    assert parts == {"network", *TRAINING_ONLY_PARTS}


def test_counting_channels_does_not_change_a_network():
    network = make_network().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert count_activation_channels(network) == 1280
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
