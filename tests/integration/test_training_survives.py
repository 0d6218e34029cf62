"""Training survives a kill, a full disk and damaged films, with the results of an unbroken run."""

import csv
import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import torch
from safetensors import SafetensorError

from bonefx.errors import RecipeError
from tests.fixtures.datasets import make_image_folder
from tests.fixtures.recipes import SGD, write_initial_weights, write_recipe
from tests.fixtures.servers.app import REPOSITORY
from train.cli import main as train
from train.files import write_atomically
from train.fit import engine

PLATEAU = "frozen_layers = 9\nearly_stopping = 2\nclass_balanced = false"
PARTS = "frozen_layers = 7\naccumulate = 2"
START_S = 300
KILLED_BEFORE_THE_LOG = """
import os, signal, sys
from train.fit import engine
from train.cli import main

whole = engine.write_log

def killed(run, lines):
    if len(lines) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    whole(run, lines)

engine.write_log = killed
main(sys.argv[1:])
"""


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Use as many threads as the subprocesses: float sums depend on the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Write films and initial weights, and train one unbroken run of each recipe.

    Labels are swapped in val: the better the plateau recipe learns, the worse it validates, so
    that it stops early. No test changes these runs.
    """
    place = tmp_path_factory.mktemp("survives")
    val = make_image_folder(place / "data", films=5) / "val"
    for was, becomes in (
        ("fractured", "x"),
        ("not fractured", "fractured"),
        ("x", "not fractured"),
    ):
        (val / was).rename(val / becomes)
    write_initial_weights(place / "init.safetensors")
    write_recipe(place / "plateau.toml", epochs=8, extra=PLATEAU, optimiser=SGD)
    write_recipe(place / "parts.toml", epochs=2, extra=PARTS)
    for recipe in ("plateau", "parts"):
        assert train(arguments(place, recipe, f"{recipe}_whole")) == 0
    return place


def arguments(place, recipe, run, *more):
    return [
        "fit", str(place / f"{recipe}.toml"), "--data", str(place / "data"),
        "--out", str(place / run), "--init", str(place / "init.safetensors"),
        "--device", "cpu", "--workers", "0", *more,
    ]  # fmt: skip


def start_training(place, run, command):
    """Start training in a subprocess that writes its messages to a file."""
    settings = os.environ | {"OMP_NUM_THREADS": "1"}
    with (place / f"{run}.txt").open("w") as log:
        return subprocess.Popen(
            [sys.executable, *command], cwd=REPOSITORY, env=settings, stdout=log, stderr=log
        )


def results_of(run):
    """Return weights, log and checkpoint of a run, without its times."""
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    for line in state["history"]:
        del line["elapsed_s"]
    return {
        "weights": (run / "best.safetensors").read_bytes(),
        "log": [line | {"elapsed_s": None} for line in log_of(run)],
        "state": flatten(state),
    }


def log_of(run):
    with (run / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def flatten(state, name=""):
    """Return a checkpoint as one dict, with tensors as bytes for bitwise comparison."""
    if isinstance(state, torch.Tensor):
        return {name: (state.shape, state.contiguous().numpy().tobytes())}
    if isinstance(state, dict | list):
        pairs = state.items() if isinstance(state, dict) else enumerate(state)
        return {
            key: value
            for part, inner in pairs
            for key, value in flatten(inner, f"{name}/{part}").items()
        }
    return {name: state}


def expect_same_results(place, run, whole):
    """Compare log and checkpoint entry by entry; return whether the weights are equal."""
    ended, unbroken = results_of(place / run), results_of(place / whole)
    assert ended["log"] == unbroken["log"]
    differing = [name for name, value in unbroken["state"].items() if ended["state"][name] != value]
    assert differing == []
    return ended["weights"] == unbroken["weights"]


def test_a_run_killed_within_an_epoch_ends_as_an_unbroken_one(place):
    process = start_training(
        place, "killed", ["-m", "train", *arguments(place, "plateau", "killed")]
    )
    deadline = time.monotonic() + START_S
    log = place / "killed" / "log.csv"
    while not log.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    epoch_s = float(log_of(place / "killed")[0]["elapsed_s"])
    time.sleep(random.random() * epoch_s)  # at any moment of the next epoch or the one after
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert train(arguments(place, "plateau", "killed")) == 0
    assert expect_same_results(place, "killed", "plateau_whole")


def test_the_plateau_recipe_stopped_early(place):
    """The test above must cover early stopping."""
    assert 3 <= len(log_of(place / "plateau_whole")) < 8


def test_a_run_killed_between_checkpoint_and_log_ends_as_an_unbroken_one(place):
    command = ["-c", KILLED_BEFORE_THE_LOG, *arguments(place, "parts", "logless")]
    assert start_training(place, "logless", command).wait(START_S) == -signal.SIGKILL
    assert len(log_of(place / "logless")) == 1
    assert train(arguments(place, "parts", "logless")) == 0
    assert expect_same_results(place, "logless", "parts_whole")


@pytest.mark.parametrize(
    ("recipe", "function", "call"),
    [
        pytest.param("parts", "save_best", 1, id="before the first best weights"),
        pytest.param("parts", "compute_validation_logits", 2, id="before a validation"),
        pytest.param("plateau", "write_atomically", 2, id="before a checkpoint"),
    ],
)
def test_an_interrupted_run_ends_as_an_unbroken_one(
    place, monkeypatch, request, recipe, function, call
):
    calls = []
    original = getattr(engine, function)

    def interrupting(*arguments):
        calls.append(arguments)
        if len(calls) == call:
            raise KeyboardInterrupt
        return original(*arguments)

    run = f"interrupted_{function}"
    monkeypatch.setattr(engine, function, interrupting)
    with pytest.raises(KeyboardInterrupt):
        train(arguments(place, recipe, run))
    monkeypatch.undo()
    assert train(arguments(place, recipe, run)) == 0
    assert expect_same_results(place, run, f"{recipe}_whole")


def test_training_stops_after_last_epoch_and_resumes_later(place):
    assert train(arguments(place, "parts", "in_two", "--last-epoch", "1")) == 0
    assert len(log_of(place / "in_two")) == 1
    assert train(arguments(place, "parts", "in_two", "--last-epoch", "1")) == 0
    assert len(log_of(place / "in_two")) == 1
    assert train(arguments(place, "parts", "in_two")) == 0
    assert expect_same_results(place, "in_two", "parts_whole")


@contextmanager
def small_disk(largest_bytes):
    """Limit the size of files, so that writes fail as on a full disk."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_training_resumes_from_the_last_checkpoint_after_a_full_disk(place, capsys):
    run = place / "full"
    assert train(arguments(place, "parts", "full", "--last-epoch", "1")) == 0
    before = (run / "checkpoint.pt").read_bytes()
    with small_disk(1_000_000):
        code = train(arguments(place, "parts", "full"))
    assert code == 5
    assert "free some disk space or choose another --out" in capsys.readouterr().err
    assert (run / "checkpoint.pt").read_bytes() == before
    assert not list(run.glob(".*.part"))
    assert train(arguments(place, "parts", "full")) == 0
    assert expect_same_results(place, "full", "parts_whole")


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


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(OSError(errno.ENOSPC, "No space left on device"), id="ours"),
        pytest.param(RuntimeError("[enforce fail at inline_container.cc:671]"), id="torch.save's"),
        pytest.param(SafetensorError("I/O error: os error 28"), id="safetensors'"),
    ],
)
def test_a_failed_write_leaves_the_existing_file(tmp_path, error):
    path = tmp_path / "log.csv"
    path.write_text("whole")

    def write(part):
        part.write_text("ha")
        raise error

    with pytest.raises(RecipeError, match=r"log.csv could not be written.*free some disk space"):
        write_atomically(path, write)
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_other_errors_of_a_writer_keep_their_traceback(tmp_path):
    def write(part):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        write_atomically(tmp_path / "log.csv", write)


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
