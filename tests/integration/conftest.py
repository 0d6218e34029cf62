"""Fixtures that several integration tests share."""

import pytest
from huggingface_hub import constants

from tests.fixtures.datasets import make_image_folder
from tests.fixtures.recipes import write_initial_weights, write_recipe
from tests.fixtures.runs import train_run
from tests.fixtures.servers.fake_hub import TOKEN, serve_fake_hub
from train.cli import main as train


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Serve a fake hub to huggingface_hub in this process, with a cache of its own."""
    with serve_fake_hub() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        template = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield hub


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Train, evaluate and export a run; a test that changes the run copies it first."""
    folder = tmp_path_factory.mktemp("trained")
    make_image_folder(folder / "data", films=4)
    write_recipe(folder / "recipe.toml", epochs=2)
    write_initial_weights(folder / "init.safetensors")
    assert train_run(folder, "run") == 0
    data = ("--data", str(folder / "data"), "--device", "cpu")
    assert train(["evaluate", str(folder / "run"), *data, "--test"]) == 0
    assert train(["export", str(folder / "run"), "--weights", str(folder / "weights")]) == 0
    return folder


@pytest.fixture(scope="module")
def one_thread():
    """Use as many threads as the subprocesses: float sums depend on the number of threads."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
