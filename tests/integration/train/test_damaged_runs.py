"""Damaged checkpoints, losses that are not finite, and two trainings in one folder."""

import hashlib
import os
import random
import shutil
import subprocess
import sys
import time

import pytest

from tests.fixtures.datasets import make_image_folder
from tests.fixtures.recipes import SGD, write_initial_weights, write_recipe
from tests.fixtures.servers.app import REPOSITORY
from tests.fixtures.training import PARTS, arguments, expect_same_results, log_of
from train import files
from train.cli import main as train
from train.fit.objective import Objective

START_S = 300
HELD_AFTER_AN_EPOCH = """
import sys, time
from train.fit import engine
from train.cli import main

whole = engine.write_log

def held(run, lines):
    whole(run, lines)
    time.sleep(600)

engine.write_log = held
main(sys.argv[1:])
"""
FROM_PREVIOUS = "training goes on from checkpoint.previous.pt, after epoch 1"


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Train a run of three epochs, and one that stopped after two; no test changes them."""
    place = tmp_path_factory.mktemp("damaged")
    make_image_folder(place / "data", films=4)
    write_initial_weights(place / "init.safetensors")
    write_recipe(place / "parts.toml", epochs=3, extra=PARTS)
    write_recipe(
        place / "too_fast.toml", epochs=1, extra=PARTS,
        optimiser=SGD.replace("learning_rate = 0.05", "learning_rate = 1e30"),
    )  # fmt: skip
    assert train(arguments(place, "parts", "whole")) == 0
    assert train(arguments(place, "parts", "two_epochs", "--last-epoch", "2")) == 0
    return place


@pytest.fixture
def run(place):
    """A copy of the run of two epochs."""
    shutil.copytree(place / "two_epochs", place / "run")
    yield place / "run"
    shutil.rmtree(place / "run")


def flip_200_bytes(run):
    content = bytearray((run / "checkpoint.pt").read_bytes())
    for index in random.Random(0).sample(range(len(content)), 200):
        content[index] ^= 0xFF
    (run / "checkpoint.pt").write_bytes(content)


def cut_in_half(run):
    content = (run / "checkpoint.pt").read_bytes()
    (run / "checkpoint.pt").write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize("damage", [flip_200_bytes, cut_in_half])
def test_a_run_with_a_damaged_checkpoint_ends_as_an_unbroken_one(place, run, damage, caplog):
    damage(run)
    assert train(arguments(place, "parts", "run")) == 0
    assert FROM_PREVIOUS in caplog.text
    assert expect_same_results(run, place / "whole")
    names = {path.name for path in run.glob("checkpoint*")}
    assert names == {"checkpoint.pt", "checkpoint.previous.pt", "checkpoint.damaged.pt"}


def test_exchanged_checkpoints_end_as_an_unbroken_run(place, run):
    (run / "checkpoint.pt").rename(run / "third")
    (run / "checkpoint.previous.pt").rename(run / "checkpoint.pt")
    (run / "third").rename(run / "checkpoint.previous.pt")
    assert train(arguments(place, "parts", "run")) == 0
    assert expect_same_results(run, place / "whole")


def test_log_and_weights_stay_those_of_one_epoch_when_a_damaged_checkpoint_is_left(place, run):
    """The log and the weights of epoch 2 are whole, though its checkpoint is not."""
    names = ("log.csv", "best.safetensors")
    before = [(run / name).read_bytes() for name in names]
    flip_200_bytes(run)
    assert train(arguments(place, "parts", "run", "--last-epoch", "1")) == 0
    assert [(run / name).read_bytes() for name in names] == before


def test_a_run_with_two_damaged_checkpoints_is_refused_and_not_changed(place, run, capsys):
    flip_200_bytes(run)
    (run / "checkpoint.previous.pt").write_bytes(b"")
    before = {path.name: path.read_bytes() for path in run.glob("[!.d]*") if path.is_file()}
    assert train(arguments(place, "parts", "run")) == 5
    message = capsys.readouterr().err
    assert "run has no usable checkpoint" in message
    assert "another --out to train from the first epoch" in message
    assert all((run / name).read_bytes() == content for name, content in before.items())


def test_a_loss_of_nan_names_its_films_and_leaves_a_run_that_goes_on(
    place, run, monkeypatch, capsys
):
    """The second micro-batch of two is part of step 1."""
    calls = []
    whole = Objective.forward

    def failing(objective, sample):
        losses = whole(objective, sample)
        calls.append(len(sample.square))
        return losses._replace(image=losses.image * float("nan")) if len(calls) == 2 else losses

    monkeypatch.setattr(Objective, "forward", failing)
    before = (run / "checkpoint.pt").read_bytes()
    assert train(arguments(place, "parts", "run")) == 5
    monkeypatch.undo()
    message = capsys.readouterr().err
    assert "the loss of step 1 of epoch 3 is not finite (image nan)" in message
    assert "The checkpoint after epoch 2 stays usable" in message
    films = (place / "data" / "train").rglob("*.png")
    known = {hashlib.sha256(film.read_bytes()).hexdigest() for film in films}
    named = message.split("films of the batch: ")[1].split(". ")[0].split(", ")
    assert len(named) == calls[1] == 2
    assert set(named) <= known
    assert ".png" not in message
    assert (run / "checkpoint.pt").read_bytes() == before
    assert train(arguments(place, "parts", "run")) == 0
    assert expect_same_results(run, place / "whole")


def test_a_learning_rate_that_is_far_too_high_ends_with_a_sentence(place, capsys):
    assert train(arguments(place, "too_fast", "too_fast")) == 5
    message = capsys.readouterr().err
    assert "of epoch 1 is not finite" in message
    assert "No epoch was finished, so there is no checkpoint" in message
    assert not list((place / "too_fast").glob("checkpoint*"))
    assert not (place / "too_fast" / "best.safetensors").exists()


def test_a_second_training_in_a_folder_is_refused_until_the_first_is_killed(
    place, monkeypatch, capsys
):
    command = [sys.executable, "-c", HELD_AFTER_AN_EPOCH, *arguments(place, "parts", "shared")]
    settings = os.environ | {"OMP_NUM_THREADS": "1"}
    with (place / "first.txt").open("w") as output:
        first = subprocess.Popen(
            command, cwd=REPOSITORY, env=settings, stdout=output, stderr=output
        )
    try:
        wait_for(place / "shared" / "log.csv", first)
        monkeypatch.setattr(files, "LOCK_WAIT_S", 0)
        assert train(arguments(place, "parts", "shared")) == 5
        assert "another training runs in shared; wait until it ends" in capsys.readouterr().err
        assert len(log_of(place / "shared")) == 1
    finally:
        first.kill()
        first.wait()
    assert train(arguments(place, "parts", "shared")) == 0
    assert expect_same_results(place / "shared", place / "whole")


def wait_for(path, process):
    deadline = time.monotonic() + START_S
    while not path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert path.exists()
