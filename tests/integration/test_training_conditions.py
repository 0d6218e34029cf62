"""Training with damaged films, a full disk, micro-batches and deterministic kernels."""

import json
import os

import pytest
import torch

from tests.fixtures.datasets import make_image_folder
from tests.fixtures.recipes import SGD, write_initial_weights, write_recipe
from tests.fixtures.training import PARTS, arguments, small_disk
from train.cli import main as train

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Write films, initial weights and a recipe."""
    place = tmp_path_factory.mktemp("conditions")
    make_image_folder(place / "data", films=5)
    write_initial_weights(place / "init.safetensors")
    write_recipe(place / "parts.toml", epochs=2, extra=PARTS)
    return place


def test_damaged_films_are_excluded_and_counted(tmp_path, place, caplog):
    folder = make_image_folder(tmp_path / "data", films=4)
    damaged = [folder / "train" / "fractured" / "0.png", folder / "val" / "fractured" / "1.png"]
    for path in damaged:
        path.write_bytes(path.read_bytes()[:200])
    command = arguments(place, "parts", "damaged", "--last-epoch", "1")
    command[command.index("--data") + 1] = str(folder)
    assert train(command) == 0
    counts = json.loads((place / "damaged" / "run.json").read_text())["data"]["counts"]
    assert counts["train"] == {"films": 7, "fractured": 3, "with_boxes": 0, "unreadable": 1}
    assert counts["val"] == {"films": 7, "fractured": 3, "with_boxes": 0, "unreadable": 1}
    assert "1 of 8 films cannot be read and are excluded" in caplog.text
    assert ".png" not in caplog.text


def test_accumulated_micro_batches_give_the_weights_of_a_whole_batch(place, monkeypatch):
    """Batch norms are frozen and dropout is off, so that no film depends on its batch.

    The last step of 10 films in batches of 4 has two films: a batch that is not full.
    """
    monkeypatch.setattr("torch.nn.Dropout.forward", lambda self, batch: batch)
    ends = {}
    for parts in (1, 2, 4):
        extra = f"frozen_layers = 9\naccumulate = {parts}"
        write_recipe(place / f"by_{parts}.toml", epochs=1, extra=extra, optimiser=SGD)
        assert train(arguments(place, f"by_{parts}", f"by_{parts}")) == 0
        state = torch.load(place / f"by_{parts}" / "checkpoint.pt", weights_only=True)
        name = "network.backbone.classifier.1.weight"
        ends[parts] = state["objective"][name], float(state["history"][0]["image_loss"])
    weights, loss = ends.pop(1)
    for others, other_loss in ends.values():
        torch.testing.assert_close(others, weights, rtol=0, atol=1e-6)
        assert other_loss == pytest.approx(loss, abs=1e-6)


def test_deterministic_training_enables_deterministic_kernels(place, monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")  # restored afterwards
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    assert not torch.are_deterministic_algorithms_enabled()
    try:
        command = arguments(place, "parts", "exact", "--last-epoch", "1", "--deterministic")
        assert train(command) == 0
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.backends.cudnn.benchmark
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    finally:
        torch.use_deterministic_algorithms(False)


def test_a_disk_too_full_for_the_cache_is_reported_and_leaves_no_partial_file(
    place, tmp_path, capsys
):
    more = ("--cache", str(tmp_path / "cache"), "--last-epoch", "1")
    with small_disk(20_000):
        code = train(arguments(place, "parts", "uncached", *more))
    assert code == 5
    assert "free some disk space or choose another --cache" in capsys.readouterr().err
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size]
    assert left == []
    assert train(arguments(place, "parts", "uncached", *more)) == 0
