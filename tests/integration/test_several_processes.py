"""Two processes train as one does: same losses, one run folder, no film counted twice."""

import csv
import os
import subprocess
import sys

import pytest
from safetensors.torch import load_file

from tests.fixtures.datasets import make_image_folder
from tests.fixtures.recipes import SGD, write_initial_weights, write_recipe
from tests.fixtures.servers.app import REPOSITORY, find_free_port

LAUNCH_S = 600
# batch norms and augmentation would meet other films in each process
ALIKE = "frozen_layers = 9\nclass_balanced = false"
TOLERANCE = 1e-5  # sums of floats in another order


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Train with one process and with two, on 9 films in batches of 4: the last has one film."""
    place = tmp_path_factory.mktemp("processes")
    folder = make_image_folder(place / "data", films=5)
    (folder / "train" / "fractured" / "0.png").unlink()
    write_initial_weights(place / "init.safetensors")
    recipe = write_recipe(place / "recipe.toml", epochs=2, extra=ALIKE, optimiser=SGD)
    text = recipe.read_text()
    start, end = text.index("[augmentation]"), text.index("[evidence]")
    recipe.write_text(text[:start] + text[end:])
    launch = [
        "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2",
        "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no",
        "--num_cpu_threads_per_process", "1", "--main_process_port", str(find_free_port()),
    ]  # fmt: skip
    fit(place, "one", [])
    fit(place, "two", launch)
    return place


def fit(place, run, launch):
    command = [
        sys.executable,
        *launch,
        "-m",
        "tests.fixtures.fit_without_dropout",
        "fit",
        str(place / "recipe.toml"),
        "--data",
        str(place / "data"),
        "--out",
        str(place / run),
        "--device",
        "cpu",
        "--cache",
        str(place / f"{run}_cache"),
        "--workers",
        "0",
        "--init",
        str(place / "init.safetensors"),
    ]
    ended = subprocess.run(
        command, cwd=REPOSITORY, env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=LAUNCH_S, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]


def log_of(run):
    with (run / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_two_processes_have_the_losses_of_one(place):
    alone, together = log_of(place / "one"), log_of(place / "two")
    assert [line["epoch"] for line in together] == ["1", "2"]
    for before, after in zip(alone, together, strict=True):
        for name in ("image_loss", "accuracy", "val_loss", "val_accuracy", "val_auroc"):
            assert float(after[name]) == pytest.approx(float(before[name]), abs=TOLERANCE), name


def test_both_processes_end_with_the_weights_of_a_single_one(place):
    first, second = load_file(place / "two.0"), load_file(place / "two.1")
    alone = load_file(place / "one.0")
    assert [name for name in first if not first[name].equal(second[name])] == []
    moved = "network.backbone.classifier.1.weight"
    for name in (moved, "network.backbone.classifier.1.bias"):
        assert (first[name] - alone[name]).abs().max() < TOLERANCE
    shipped = load_file(place / "one" / "best.safetensors")
    assert not alone[moved].equal(shipped[moved.removeprefix("network.backbone.")])


def test_two_processes_share_one_run_and_one_cache(place):
    names = {path.name for path in (place / "two").iterdir()}
    written_once = {"data.json", "samples.png", ".lock"}
    of_two_epochs = {"checkpoint.pt", "checkpoint.previous.pt"}
    assert names == {"run.json", "log.csv", "best.safetensors"} | of_two_epochs | written_once
    caches = [path for path in (place / "two_cache").iterdir() if path.is_dir()]
    assert len(caches) == 2  # train and val
    assert all(
        {"index.npz", "squares.npy"} == {path.name for path in own.iterdir()} for own in caches
    )
