"""A VGG16 is trained with its whole head, and exported with a low-rank head unless --full."""

import json
import shutil

import pytest
import torch
from safetensors.numpy import load_file, save_file

from bonefx.cli.parser import main as bonefx
from bonefx.models.evaluation import read_evaluation
from bonefx.models.manifest import MANIFEST, read_manifest
from bonefx.models.registry import load_model
from tests.fixtures.datasets import make_image_folder
from tests.fixtures.recipes import write_recipe
from tests.fixtures.runs import copy_run
from train.cli import main as train
from train.fit.initial_weights import LocalWeights, build_initial_network

FC6 = 25088 * 4096


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Train a VGG16 for one epoch on twelve films."""
    place = tmp_path_factory.mktemp("vgg")
    make_image_folder(place / "data", films=6)
    path = write_recipe(place / "recipe.toml", extra="head_ranks = [6, 5]")
    text = path.read_text().replace('"efficientnet_b0"', '"vgg16"')
    path.write_text(text.replace("learning_rate = 1e-3", "learning_rate = 1e-5"))
    write_features(place / "init.safetensors")
    assert train([
        "fit", str(path), "--data", str(place / "data"), "--out", str(place / "run"),
        "--init", str(place / "init.safetensors"), "--device", "cpu", "--workers", "0",
    ]) == 0  # fmt: skip
    spread_logits(place / "run" / "best.safetensors")
    return place


def spread_logits(path):
    """Make the logits of a barely trained network differ, and rise with fractures."""
    state = load_file(path)
    state["classifier.6.weight"] *= 3000
    state["classifier.6.bias"] *= 0
    save_file(state, path)


def write_features(path):
    from safetensors.torch import save_file as save_torch
    from torchvision.models import vgg16

    torch.manual_seed(0)
    state = vgg16().features.state_dict()
    features = {f"features.{name}": value for name, value in state.items()}
    save_torch(features, path, metadata={"note": "seed 0", "licence": "none"})


def evaluate_and_export(place, run, *options):
    """Evaluate a copy of the shared run and export it; returns the copy and the model folder."""
    copied, weights = copy_run(place / "run", place / run), place / f"weights_{run}"
    data = ("--data", str(place / "data"), "--device", "cpu")
    assert train(["evaluate", str(copied), *data, "--test", *options]) == 0
    assert train(["export", str(copied), "--weights", str(weights), *options]) == 0
    return copied, weights / "synthetic"


@pytest.fixture(scope="module")
def compressed(place):
    """Evaluate and export with the compression that the recipe asks for."""
    return evaluate_and_export(place, "compressed")


@pytest.fixture
def shipped(compressed):
    """Return the exported model folder."""
    return compressed[1]


def test_the_head_is_exported_in_few_directions_with_the_effect_stated(place, shipped, capsys):
    folder = shipped
    manifest, evaluation = read_manifest(folder), read_evaluation(folder / "evaluation.json")
    assert manifest.head_ranks == evaluation.head_ranks == (6, 5)
    state = load_file(folder / "model.safetensors")
    assert state["classifier.0.inner.weight"].shape == (6, 25088)
    assert max(value.size for value in state.values()) < FC6
    assert evaluation.compression.n == 12
    assert 0 < evaluation.compression.probability <= 1  # random layers: a large effect
    assert f"at most {evaluation.compression.probability:.4f}" in (folder / "CARD.md").read_text()
    assert "low rank: 6 and 5 directions" in (folder / "CARD.md").read_text()
    film = str(next((place / "data" / "test").rglob("*.png")))
    capsys.readouterr()
    arguments = ["--weights", str(folder.parent), "--device", "cpu"]
    assert bonefx(["read", film, *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["weights_sha256"] == manifest.sha256


def test_a_model_evaluated_in_few_directions_is_not_exported_whole(compressed, tmp_path, capsys):
    run, _ = compressed
    assert train(["export", str(run), "--weights", str(tmp_path), "--full"]) == 5
    assert "both with --full" in capsys.readouterr().err


def test_the_whole_head_is_exported_with_full(place):
    _, folder = evaluate_and_export(place, "full", "--full")
    assert read_manifest(folder).head_ranks is None
    assert load_file(folder / "model.safetensors")["classifier.0.weight"].size == FC6


def test_training_continues_from_a_model_exported_in_few_directions(shipped):
    network, _, initial = build_initial_network("vgg16", LocalWeights(file=shipped))
    loaded = load_model(shipped, device=torch.device("cpu")).network
    film = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected, found = (own.eval()(film)[0] for own in (loaded, network))
    assert network.backbone.classifier[0].weight.numel() == FC6
    assert torch.allclose(expected, found, rtol=1e-3, atol=1e-3)
    sha256 = read_manifest(shipped).sha256
    assert initial.source == f"{shipped.name} (weights SHA-256 {sha256[:8]})"


def test_continuing_twice_names_a_licence_once(shipped, tmp_path):
    once = build_initial_network("vgg16", LocalWeights(file=shipped))[2]
    assert "trained on" in once.licence
    again = shutil.copytree(shipped, tmp_path / shipped.name)
    table = json.loads((again / MANIFEST).read_text())
    table["initial_weights"]["licence"] = once.licence
    (again / MANIFEST).write_text(json.dumps(table))
    assert build_initial_network("vgg16", LocalWeights(file=again))[2].licence == once.licence
