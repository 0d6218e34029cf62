"""Training that is killed, meets a full disk or a damaged film, and what it ends with."""

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
from train import engine
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
    """Sums of floats depend on how many threads share them: as many here as in subprocesses."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Films, initial weights, and a whole run of each recipe.

    Classes are swapped in val: the better the plateau recipe learns, the worse it validates, so
    that it stops early.
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


def started(place, run, command):
    """A process of its own that trains; its messages go to a file."""
    settings = os.environ | {"OMP_NUM_THREADS": "1"}
    with (place / f"{run}.txt").open("w") as log:
        return subprocess.Popen(
            [sys.executable, *command], cwd=REPOSITORY, env=settings, stdout=log, stderr=log
        )


def ending(run):
    """All that a run ends with, but the time that it took."""
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    for line in state["history"]:
        del line["elapsed_s"]
    return {
        "weights": (run / "best.safetensors").read_bytes(),
        "log": [line | {"elapsed_s": None} for line in log_of(run)],
        "state": flat(state),
    }


def log_of(run):
    with (run / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def flat(state, name=""):
    """A checkpoint as one table; tensors as bytes, so that equal means bit for bit."""
    if isinstance(state, torch.Tensor):
        return {name: (state.shape, state.contiguous().numpy().tobytes())}
    if isinstance(state, dict | list):
        pairs = state.items() if isinstance(state, dict) else enumerate(state)
        return {
            key: value
            for part, inner in pairs
            for key, value in flat(inner, f"{name}/{part}").items()
        }
    return {name: state}


def same(place, run, whole):
    """Compare part by part, so that a failure names the part and prints no weights."""
    ended, unbroken = ending(place / run), ending(place / whole)
    assert ended["log"] == unbroken["log"]
    differing = [name for name, value in unbroken["state"].items() if ended["state"][name] != value]
    assert differing == []
    return ended["weights"] == unbroken["weights"]


def test_a_run_killed_within_an_epoch_ends_as_an_unbroken_one(place):
    process = started(place, "killed", ["-m", "train", *arguments(place, "plateau", "killed")])
    deadline = time.monotonic() + START_S
    log = place / "killed" / "log.csv"
    while not log.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    epoch_s = float(log_of(place / "killed")[0]["elapsed_s"])
    time.sleep(random.random() * epoch_s)  # any moment will do: the next epoch or the one after
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert train(arguments(place, "plateau", "killed")) == 0
    assert same(place, "killed", "plateau_whole")


def test_the_plateau_recipe_stopped_early(place):
    """What the test above compares has early stopping in it."""
    assert 3 <= len(log_of(place / "plateau_whole")) < 8


def test_a_run_killed_between_checkpoint_and_log_lacks_neither_line_nor_weights(place):
    command = ["-c", KILLED_BEFORE_THE_LOG, *arguments(place, "parts", "logless")]
    assert started(place, "logless", command).wait(START_S) == -signal.SIGKILL
    assert len(log_of(place / "logless")) == 1
    assert train(arguments(place, "parts", "logless")) == 0
    assert same(place, "logless", "parts_whole")


@pytest.mark.parametrize(
    ("recipe", "function", "call"),
    [
        pytest.param("parts", "save_best", 1, id="before the first best weights"),
        pytest.param("parts", "validation_logits", 2, id="before a validation"),
        pytest.param("plateau", "write_atomically", 2, id="before a checkpoint"),
    ],
)
def test_a_run_broken_off_ends_as_an_unbroken_one(
    place, monkeypatch, request, recipe, function, call
):
    calls = []
    whole = getattr(engine, function)

    def broken(*given):
        calls.append(given)
        if len(calls) == call:
            raise KeyboardInterrupt
        return whole(*given)

    run = f"broken_{function}"
    monkeypatch.setattr(engine, function, broken)
    with pytest.raises(KeyboardInterrupt):
        train(arguments(place, recipe, run))
    monkeypatch.undo()
    assert train(arguments(place, recipe, run)) == 0
    assert same(place, run, f"{recipe}_whole")


def test_training_stops_after_the_last_epoch_asked_for_and_goes_on_later(place):
    assert train(arguments(place, "parts", "in_two", "--last-epoch", "1")) == 0
    assert len(log_of(place / "in_two")) == 1
    assert train(arguments(place, "parts", "in_two", "--last-epoch", "1")) == 0
    assert len(log_of(place / "in_two")) == 1
    assert train(arguments(place, "parts", "in_two")) == 0
    assert same(place, "in_two", "parts_whole")


@contextmanager
def small_disk(largest_bytes):
    """Let no file grow beyond some bytes: writes truly fail, as on a full disk."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_last_checkpoint_from_which_training_goes_on(place, capsys):
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
    assert same(place, "full", "parts_whole")


def test_a_disk_too_full_for_the_cache_is_said_and_leaves_nothing_half_done(
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
def test_every_writers_failure_leaves_the_file_that_was_there(tmp_path, error):
    path = tmp_path / "log.csv"
    path.write_text("whole")

    def write(part):
        part.write_text("ha")
        raise error

    with pytest.raises(RecipeError, match=r"log.csv could not be written.*free some disk space"):
        write_atomically(path, write)
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_bug_in_a_writer_stays_a_bug(tmp_path):
    def write(part):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        write_atomically(tmp_path / "log.csv", write)


def test_damaged_films_are_left_out_and_counted(tmp_path, place, caplog):
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


def test_a_step_in_parts_gives_the_weights_of_a_step_at_once(place, monkeypatch):
    """Nothing here depends on who shares a batch: batch norms are frozen, dropout is off.

    Of 10 films in steps of 4, the last has two: one part of the two that it could have.
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


def test_deterministic_training_asks_torch_for_deterministic_kernels(place, monkeypatch):
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
