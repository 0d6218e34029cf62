"""Initial weights: torchvision's own download code, against a local server."""

import functools
import hashlib
import http.server
import threading

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import EfficientNet_B0_Weights, VGG16_Weights, efficientnet_b0, vgg16

from bonefx.errors import RecipeError
from train.evaluate.evaluated_model import RECIPES
from train.fit.initial_weights import LocalWeights, build_initial_network
from train.recipe import read_recipe

PUBLISHED = {
    "efficientnet_b0": EfficientNet_B0_Weights.IMAGENET1K_V1,
    "vgg16": VGG16_Weights.IMAGENET1K_V1,
}


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Serve a folder; returns it and a function that points torchvision to it."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))

    def publish(name):
        url = f"http://127.0.0.1:{server.server_port}/{name}"
        monkeypatch.setattr(PUBLISHED[name.split("-")[0]].value, "url", url)

    yield folder, publish
    server.shutdown()


def write_weights(folder, state, *, name="efficientnet_b0"):
    """Write weights under the name that torchvision would give them."""
    path = folder / "weights.pth"
    torch.save(state, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return path.rename(folder / f"{name}-{digest[:8]}.pth")


def small_vgg16():
    """Return VGG16 weights of constant tensors: a file of kilobytes instead of 553 MB."""
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in vgg16().state_dict().items()}
    return {
        name: torch.full((1,), 0.001 * index).expand(shape)
        for index, (name, shape) in enumerate(shapes.items())
    }


def test_the_vgg16_recipe_starts_from_the_download_with_its_head(stand_in):
    folder, publish = stand_in
    state = small_vgg16()
    publish(write_weights(folder, state, name="vgg16").name)
    recipe, _ = read_recipe(RECIPES / "vgg16.toml")
    network, _, initial = build_initial_network(recipe.architecture, None)
    own = network.backbone.state_dict()
    taken = [name for name in state if not name.startswith("classifier.6.")]
    assert all(torch.equal(own[name], state[name]) for name in taken)
    assert own["classifier.6.weight"].shape == (2, 4096)
    assert own["classifier.6.weight"].unique().numel() > 100  # drawn, not taken
    assert "VGG16_Weights.IMAGENET1K_V1" in initial.source


def test_vgg16_without_a_head_starts_from_the_mean_of_all_cells(tmp_path):
    path = tmp_path / "features.safetensors"
    features = {
        name: value.contiguous() for name, value in small_vgg16().items() if "features" in name
    }
    save_file(features, path, metadata={"licence": "none", "note": "of a test"})
    network, _, _ = build_initial_network("vgg16", LocalWeights(file=path))
    first = network.backbone.classifier[0]
    cells = torch.rand(2, 512, 7, 7, generator=torch.Generator().manual_seed(0))
    moved = cells.roll((2, 3), (2, 3))
    seen = [first(torch.flatten(films, 1)) for films in (cells, moved)]
    assert torch.allclose(seen[0], seen[1], atol=1e-5)
    assert 0.3 < seen[0].std() < 3  # neither drowned nor drowning the bias
    assert not torch.allclose(seen[0][0], seen[0][1], atol=1e-2)


def test_downloaded_features_are_used_and_the_last_layer_is_new(stand_in):
    folder, publish = stand_in
    torch.manual_seed(1)
    state = efficientnet_b0().state_dict()
    publish(write_weights(folder, state).name)
    network, batch_norm, initial = build_initial_network("efficientnet_b0", None)
    own = network.backbone.state_dict()
    assert torch.equal(own["features.0.0.weight"], state["features.0.0.weight"])
    assert own["classifier.1.weight"].shape == (2, 1280)
    assert own["classifier.1.weight"].abs().max() < 0.03  # nn.Linear's own range, not +-0.7
    assert batch_norm.eps == pytest.approx(1e-5)
    assert "IMAGENET1K_V1" in initial.source


def test_a_failed_download_suggests_a_local_file(stand_in):
    _, publish = stand_in
    publish("efficientnet_b0-00000000.pth")
    with pytest.raises(RecipeError, match="--init"):
        build_initial_network("efficientnet_b0", None)


def test_a_download_with_another_checksum_is_refused(stand_in):
    folder, publish = stand_in
    path = write_weights(folder, efficientnet_b0().state_dict())
    path.rename(folder / "efficientnet_b0-00000000.pth")
    publish("efficientnet_b0-00000000.pth")
    with pytest.raises(RecipeError, match="--init"):
        build_initial_network("efficientnet_b0", None)


def test_a_last_layer_of_two_outputs_is_kept(tmp_path):
    path = tmp_path / "run.safetensors"
    torch.manual_seed(1)
    state = efficientnet_b0(num_classes=2).state_dict()
    save_file(state, path, metadata={"licence": "none", "note": "of a test"})
    network, _, _ = build_initial_network("efficientnet_b0", LocalWeights(file=path))
    assert torch.equal(network.last_layer.weight, state["classifier.1.weight"])
