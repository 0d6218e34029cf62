"""Figures of a model on films of other hospitals."""

import json

import pytest
import torch

from bonefx.cli.parser import main as bonefx
from bonefx.models.evaluation import read_evaluation
from bonefx.models.registry import load_model
from tests.fixtures.datasets import make_image_folder, write_two_hospitals
from tests.fixtures.runs import copy_run
from train.cli import main as train


@pytest.fixture
def model(trained, tmp_path):
    """A copy of the trained model's folder."""
    return copy_run(trained / "weights" / "synthetic", tmp_path / "weights" / "synthetic")


@pytest.fixture
def hospitals(tmp_path):
    """Two sets with 5 and 6 films of each class in each split."""
    folder = tmp_path / "hospitals"
    for name, films, first_seed in (("north", 5, 5000), ("south", 6, 9000)):
        make_image_folder(folder / name, films=films, first_seed=first_seed)
    write_two_hospitals(folder)
    return folder


def measure(model, data, *arguments):
    return train(["outside", str(model), "--data", str(data), "--device", "cpu", *arguments])


def test_each_source_has_figures_that_equal_the_readings(model, hospitals, capsys):
    assert measure(model, hospitals, "--layout", "combined") == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["name"], one["n"], one["fractured"]) for one in printed] == [
        ("North", 10, 5), ("South", 12, 6),
    ]  # fmt: skip
    sets = read_evaluation(model / "evaluation.json").sets
    assert [one.name for one in sets] == ["North", "South"]
    films = hospitals / "north" / "test"
    bonefx(["read", str(films), "--weights", str(model.parent), "--device", "cpu"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    verdicts = [line["verdict"] for line in lines]
    assert sets[0].refused.value == verdicts.count("out_of_scope") / 10
    if sets[0].called_fracture is not None:
        in_scope = [one for one in verdicts if one != "out_of_scope"]
        assert sets[0].called_fracture.value == in_scope.count("fracture") / len(in_scope)
    assert sets[0].auroc is not None
    assert sets[0].auroc.n == 10
    assert sets[0].calibration_error.n == 10
    assert 0 <= sets[0].calibration_error.value <= 1
    north, south = (one.normals_against_others for one in sets)
    assert north.n == south.n == 11
    assert north.value == pytest.approx(1 - south.value)


def test_figures_of_the_same_set_are_replaced_and_others_kept(model, hospitals):
    assert measure(model, hospitals, "--layout", "combined") == 0
    data = hospitals / "north"
    arguments = ("--layout", "image_folder", "--split", "all", "--name", "Whole north")
    for _ in range(2):
        assert measure(model, data, *arguments) == 0
    sets = read_evaluation(model / "evaluation.json").sets
    assert [(one.name, one.split, one.n) for one in sets] == [
        ("North", "test", 10), ("South", "test", 12), ("Whole north", "all", 30),
    ]  # fmt: skip


def test_one_source_of_a_set_is_measured_alone(model, hospitals, capsys):
    combined = ("--layout", "combined", "--sources")
    assert measure(model, hospitals, *combined, "south", "--split", "all") == 0
    assert [json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()] == ["South"]
    assert measure(model, hospitals, *combined, "east") != 0
    assert "no source 'east'; it has north, south; name one of these" in capsys.readouterr().err


def test_the_card_states_the_figures_and_the_model_still_loads(model, hospitals):
    assert measure(model, hospitals, "--layout", "combined") == 0
    card = (model / "CARD.md").read_text()
    assert "## Films of other hospitals" in card
    assert "| North, test | synthetic | 10 | 5 |" in card
    assert load_model(model, device=torch.device("cpu")).name == "synthetic"


def test_a_split_without_films_is_refused(model, hospitals, capsys):
    assert measure(model, hospitals, "--layout", "combined", "--split", "holdout") != 0
    assert "has no films of the split 'holdout'" in capsys.readouterr().err
