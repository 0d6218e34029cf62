"""Initial weights: torchvision's real download code, against a stand-in on this machine."""

import functools
import hashlib
import http.server
import threading

import pytest
import torch
from torchvision.models import EfficientNet_B0_Weights, efficientnet_b0

from bonefx.errors import RecipeError
from train.initial import initial_network

PUBLISHED = EfficientNet_B0_Weights.IMAGENET1K_V1


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """A server of one folder; returns the folder, and a function that points torchvision to it."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))

    def publish(name):
        url = f"http://127.0.0.1:{server.server_port}/{name}"
        monkeypatch.setattr(PUBLISHED.value, "url", url)

    yield folder, publish
    server.shutdown()


def write_weights(folder):
    """ImageNet-shaped weights under the name that torchvision would give them."""
    torch.manual_seed(1)
    state = efficientnet_b0().state_dict()
    path = folder / "weights.pth"
    torch.save(state, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    named = folder / f"efficientnet_b0-{digest[:8]}.pth"
    path.rename(named)
    return named, state


def test_downloaded_features_are_taken_and_the_last_layer_is_new(stand_in):
    folder, publish = stand_in
    path, state = write_weights(folder)
    publish(path.name)
    network, batch_norm, initial = initial_network("efficientnet_b0", None)
    own = network.backbone.state_dict()
    assert torch.equal(own["features.0.0.weight"], state["features.0.0.weight"])
    assert own["classifier.1.weight"].shape == (2, 1280)
    assert own["classifier.1.weight"].abs().max() < 0.03  # nn.Linear's own range, not +-0.7
    assert batch_norm.eps == pytest.approx(1e-5)
    assert "IMAGENET1K_V1" in initial.source


def test_a_download_that_cannot_be_had_points_to_a_local_file(stand_in):
    _, publish = stand_in
    publish("efficientnet_b0-00000000.pth")
    with pytest.raises(RecipeError, match="--init"):
        initial_network("efficientnet_b0", None)


def test_a_download_with_another_checksum_is_refused(stand_in):
    folder, publish = stand_in
    path, _ = write_weights(folder)
    path.rename(folder / "efficientnet_b0-00000000.pth")
    publish("efficientnet_b0-00000000.pth")
    with pytest.raises(RecipeError, match="--init"):
        initial_network("efficientnet_b0", None)
