"""A model trained on several sources: whose labels choose, and which films are measured."""

import csv
import json

import cv2
import numpy as np
import pytest
import torch

from bonefx.models.evaluation import read_evaluation
from bonefx.models.registry import load_model
from tests.fixtures.datasets import make_image_folder, make_labelled_pixels, write_two_hospitals
from tests.fixtures.recipes import write_initial_weights, write_recipe
from tests.fixtures.runs import copy_run, train_run
from train.cli import main as train

SOURCES = """
[sources.north]
share = 0.5

[sources.south]
share = 0.5
labels = false
"""
NORMALS = 7  # films of the south in each split, none fractured


def make_south(folder):
    folder.mkdir()
    with (folder / "films.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("path", "label", "split", "group", "source"))
        for seed in range(3 * NORMALS):
            pixels, _ = make_labelled_pixels(False, seed=7000 + seed)
            cv2.imwrite(str(folder / f"{seed}.png"), pixels)
            split = ("train", "val", "test")[seed % 3]
            table.writerow((f"{seed}.png", "no_fracture", split, seed, "south"))


@pytest.fixture(scope="module")
def trained_on_two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    make_image_folder(folder / "data" / "north", films=6)
    make_south(folder / "data" / "south")
    write_two_hospitals(folder / "data", layout_of_south="csv")
    recipe = write_recipe(folder / "recipe.toml")
    text = recipe.read_text().replace('data = "image_folder"', 'data = "combined"')
    recipe.write_text(text.replace("[[stages]]", SOURCES + "\n[[stages]]"))
    write_initial_weights(folder / "init.safetensors")
    assert train_run(folder, "run") == 0
    return folder


@pytest.fixture(scope="module")
def evaluation(trained_on_two):
    data = ("--data", str(trained_on_two / "data"), "--device", "cpu")
    assert train(["evaluate", str(trained_on_two / "run"), *data, "--test"]) == 0
    return read_evaluation(trained_on_two / "run" / "evaluation.json")


def test_figures_and_thresholds_are_those_of_films_whose_labels_are_trained_on(evaluation):
    assert {name: one.n for name, one in evaluation.splits.items()} == {"val": 12, "test": 12}
    assert evaluation.calibration.n == 12
    assert {name: one.films for name, one in evaluation.data.counts.items()} == {
        "train": 12 + NORMALS, "val": 12 + NORMALS, "test": 12 + NORMALS,
    }  # fmt: skip


def test_the_scope_is_fitted_and_measured_on_all_sources(evaluation):
    assert {name: one.n for name, one in evaluation.scope.refused.items()} == {
        "val": 12 + NORMALS, "test": 12 + NORMALS,
    }  # fmt: skip


def test_figures_of_other_sets_leave_out_the_films_that_taught(trained_on_two, evaluation, capsys):
    run, data = trained_on_two / "run", str(trained_on_two / "data")
    assert train(["export", str(run), "--weights", str(trained_on_two / "weights")]) == 0
    model = str(trained_on_two / "weights" / evaluation.model)
    arguments = ("--layout", "combined", "--split", "all", "--device", "cpu")
    capsys.readouterr()
    assert train(["outside", model, "--data", data, *arguments]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["name"], one["n"]) for one in printed] == [("North", 24), ("South", 2 * NORMALS)]


def test_a_scope_is_fitted_again_and_the_other_figures_stay(trained_on_two, evaluation, tmp_path):
    copied = copy_run(trained_on_two / "run", tmp_path / "again")
    data = ("--data", str(trained_on_two / "data"), "--device", "cpu")
    assert train(["scope", str(copied), *data]) == 0
    again = read_evaluation(copied / "evaluation.json")
    assert again.splits == evaluation.splits
    assert max(share.value for share in again.scope.orientation.refused) <= 0.1


def test_a_run_that_reads_all_orientations_does_so_once_it_is_exported(trained_on_two, tmp_path):
    copied = copy_run(trained_on_two / "run", tmp_path / "run")
    data = ("--data", str(trained_on_two / "data"), "--device", "cpu")
    assert train(["evaluate", str(copied), *data, "--test", "--orientations", "4"]) == 0
    evaluated = read_evaluation(copied / "evaluation.json")
    assert evaluated.orientations == 4
    orientation = evaluated.scope.orientation
    assert orientation.auroc.value == pytest.approx(evaluated.splits["val"].auroc.value)
    assert len(orientation.auroc_alone) == len(orientation.refused) == 4
    assert orientation.refused[0] == orientation.refused[2]  # the mean does not see the turn
    assert train(["export", str(copied), "--weights", str(tmp_path / "weights")]) == 0
    folder = tmp_path / "weights" / evaluated.model
    model = load_model(folder, device=torch.device("cpu"))
    assert model.manifest.orientations == 4
    film = torch.rand(1, 3, evaluated.size_px, evaluated.size_px)
    with torch.inference_mode():
        as_it_is, turned = (model.network(torch.rot90(film, by, (2, 3)))[0] for by in (0, 1))
    torch.testing.assert_close(as_it_is, turned, atol=1e-4, rtol=0)
    assert train(["maps", str(copied), *data]) == 0
    assert read_evaluation(copied / "evaluation.json").orientations == 4


def test_an_evaluation_on_onnx_runtime_finds_the_logits_of_pytorch(
    trained_on_two, tmp_path, monkeypatch
):
    monkeypatch.setenv("BONEFX_CACHE", str(tmp_path / "exported"))
    logits = []
    for engine in ("torch", "onnx"):
        copied = copy_run(trained_on_two / "run", tmp_path / engine)
        data = ("--data", str(trained_on_two / "data"), "--device", "cpu", "--engine", engine)
        assert train(["evaluate", str(copied), *data, "--test", "--orientations", "4"]) == 0
        with (copied / "logits.csv").open(encoding="utf-8", newline="") as file:
            logits.append([float(row["logit"]) for row in csv.DictReader(file)])
        assert any(tmp_path.glob("exported/*.onnx")) == (engine == "onnx")
    assert logits[1] == pytest.approx(logits[0], abs=1e-3)
    assert np.std(logits[0]) > 1e-3


def test_a_source_that_would_teach_nothing_is_refused(trained_on_two, tmp_path, capsys):
    recipe = (trained_on_two / "recipe.toml").read_text().replace("weight = 0.5", "weight = 0.0")
    (trained_on_two / "nothing.toml").write_text(recipe)
    assert train_run(trained_on_two, tmp_path / "run", recipe="nothing.toml") != 0
    assert "films of 'south' would teach nothing" in capsys.readouterr().err
