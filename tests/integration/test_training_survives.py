"""Training survives a kill and a full disk, with the results of an unbroken run."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.fixtures.datasets import make_image_folder
from tests.fixtures.recipes import SGD, write_initial_weights, write_recipe
from tests.fixtures.servers.app import REPOSITORY
from tests.fixtures.training import PARTS, arguments, expect_same_results, log_of, small_disk
from train.cli import main as train
from train.fit import engine

PLATEAU = "frozen_layers = 9\nearly_stopping = 2\nclass_balanced = false"

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


pytestmark = pytest.mark.usefixtures("one_thread")


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


def start_training(place, run, command):
    """Start training in a subprocess that writes its messages to a file."""
    settings = os.environ | {"OMP_NUM_THREADS": "1"}
    with (place / f"{run}.txt").open("w") as log:
        return subprocess.Popen(
            [sys.executable, *command], cwd=REPOSITORY, env=settings, stdout=log, stderr=log
        )


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
    assert expect_same_results(place / "killed", place / "plateau_whole")


def test_the_plateau_recipe_stopped_early(place):
    """The test above must cover early stopping."""
    assert 3 <= len(log_of(place / "plateau_whole")) < 8


def test_a_run_killed_between_checkpoint_and_log_ends_as_an_unbroken_one(place):
    command = ["-c", KILLED_BEFORE_THE_LOG, *arguments(place, "parts", "logless")]
    assert start_training(place, "logless", command).wait(START_S) == -signal.SIGKILL
    assert len(log_of(place / "logless")) == 1
    assert train(arguments(place, "parts", "logless")) == 0
    assert expect_same_results(place / "logless", place / "parts_whole")


@pytest.mark.parametrize(
    ("recipe", "function", "call"),
    [
        pytest.param("parts", "save_best", 1, id="before the first best weights"),
        pytest.param("parts", "compute_validation_logits", 2, id="before a validation"),
        pytest.param("plateau", "save_checkpoint", 2, id="before a checkpoint"),
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
    assert expect_same_results(place / run, place / f"{recipe}_whole")


def test_training_stops_after_last_epoch_and_resumes_later(place):
    assert train(arguments(place, "parts", "in_two", "--last-epoch", "1")) == 0
    assert len(log_of(place / "in_two")) == 1
    assert train(arguments(place, "parts", "in_two", "--last-epoch", "1")) == 0
    assert len(log_of(place / "in_two")) == 1
    assert train(arguments(place, "parts", "in_two")) == 0
    assert expect_same_results(place / "in_two", place / "parts_whole")


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
    assert expect_same_results(place / "full", place / "parts_whole")
