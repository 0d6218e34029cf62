"""Train a model on a folder of films, evaluate and export it, and read films with it."""

import csv
import json
import re
import shutil

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from bonefx.cli.parser import main as bonefx
from bonefx.models.evaluation import read_evaluation
from bonefx.models.manifest import read_manifest
from bonefx.models.registry import load_model
from tests.fixtures.datasets import make_fracatlas_with_split
from tests.fixtures.recipes import write_recipe
from tests.fixtures.runs import copy_run, train_run
from train.cli import main as train


def read(trained, capsys, *arguments):
    capsys.readouterr()
    code = bonefx(["read", *arguments, "--weights", str(trained / "weights"), "--device", "cpu"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def logit_rows(folder):
    with (folder / "logits.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_training_and_the_app_give_the_same_logit_for_the_same_file(trained, capsys):
    rows = {row["sha256"]: float(row["logit"]) for row in logit_rows(trained / "run")}
    code, lines = read(trained, capsys, *(str(trained / "data" / name) for name in ("val", "test")))
    assert code == 0
    assert {line["sha256"] for line in lines} == set(rows)
    in_scope = [line for line in lines if line["verdict"] != "out_of_scope"]
    for line in in_scope:
        assert line["logit"] == pytest.approx(rows[line["sha256"]], abs=1e-3)  # not PyTorch's
    assert len(rows) == 16
    assert len(in_scope) >= 8  # at least the val films, whose limits these are


def test_exported_logits_name_no_film_and_no_group(trained):
    text = (trained / "weights" / "synthetic" / "logits.csv").read_text()
    assert text == (trained / "run" / "logits.csv").read_text()
    assert ".png" not in text
    assert "fractured/" not in text


def test_every_epoch_has_a_log_line(trained):
    with (trained / "run" / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert all(np.isfinite(float(row["val_loss"])) for row in rows)


def test_the_manifest_records_where_the_weights_came_from(trained):
    manifest = read_manifest(trained / "weights" / "synthetic")
    assert manifest.initial_weights.source == "init.safetensors"
    assert manifest.initial_weights.note == "seed 0"
    assert manifest.batch_norm.eps == pytest.approx(1e-3)
    assert manifest.calibration.split == "val"
    assert manifest.training_data.counts["train"].films == 8
    assert manifest.training_data.counts["test"].fractured == 4
    assert [point.sensitivity.n for point in manifest.operating_points] == [4, 4, 4]


def test_weights_are_stored_as_float16_with_the_drift_stated(trained):
    folder = trained / "weights" / "synthetic"
    state = load_file(folder / "model.safetensors")
    assert {str(value.dtype) for value in state.values() if value.ndim > 1} == {"float16"}
    assert 0 <= read_manifest(folder).float16_drift < 0.05


def test_the_card_states_the_figures_of_the_evaluation(trained):
    folder = trained / "weights" / "synthetic"
    evaluation = json.loads((folder / "evaluation.json").read_text())
    card = (folder / "CARD.md").read_text()
    assert f"{evaluation['splits']['test']['auroc']['value']:.3f}" in card
    assert "not a medical device" in card
    assert "None" not in card
    assert (folder / "figures.png").stat().st_size > 10_000


def test_an_export_without_test_figures_is_refused(trained, tmp_path, capsys):
    run = copy_run(trained / "run", tmp_path / "run")
    path = run / "evaluation.json"
    table = json.loads(path.read_text())
    del table["splits"]["test"]
    path.write_text(json.dumps(table))
    assert train(["export", str(run), "--weights", str(tmp_path / "weights")]) == 5
    assert "--test" in capsys.readouterr().err
    assert not (tmp_path / "weights").exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["evaluate", "nowhere", "--data", "."], "fit the recipe first"),
        (["export", "nowhere"], "fit the recipe first"),
        (["fit", "none.toml", "--data", ".", "--out", "run"], "no recipe"),
    ],
)
def test_a_missing_file_is_named_with_exit_code_5(capsys, tmp_path, monkeypatch, command, message):
    monkeypatch.chdir(tmp_path)
    assert train(command) == 5
    assert message in capsys.readouterr().err


def continue_from(trained, folder, recipe, run):
    return train([
        "fit", str(recipe), "--data", str(trained / "data"), "--out", str(run), "--init",
        str(folder), "--device", "cpu", "--workers", "0", "--last-epoch", "1",
    ])  # fmt: skip


def test_training_continues_from_a_model_folder_with_its_last_layer(trained, tmp_path):
    folder = trained / "weights" / "synthetic"
    unchanging = tmp_path / "unchanging.toml"
    write_recipe(unchanging, epochs=2)
    text = unchanging.read_text()
    unchanging.write_text(re.sub("learning_rate = .*", "learning_rate = 1e-12", text))
    assert continue_from(trained, folder, unchanging, tmp_path / "run") == 0
    before, after = load_file(folder / "model.safetensors"), tmp_path / "run" / "best.safetensors"
    last_layer = load_file(after)["classifier.1.weight"]
    assert np.abs(last_layer - before["classifier.1.weight"].astype(np.float32)).max() < 1e-6
    initial = json.loads((tmp_path / "run" / "run.json").read_text())["initial"]
    sha256 = read_manifest(folder).sha256
    assert initial["source"] == f"synthetic (weights SHA-256 {sha256[:8]})"
    assert initial["sha256"] == sha256
    assert "init.safetensors: seed 0" in initial["note"]


@pytest.mark.parametrize(
    ("architecture", "code", "said"),
    [("efficientnet_b0_fpn", 0, ""), ("vgg16", 5, "choose a file for this architecture")],
)
def test_a_model_folder_initialises_a_network_with_the_same_features(
    trained, tmp_path, capsys, architecture, code, said
):
    recipe = write_recipe(tmp_path / "other.toml", epochs=2)
    text = recipe.read_text().replace("efficientnet_b0", architecture)
    recipe.write_text(text.replace("weight = 0.5", "weight = 0.0"))
    assert (
        continue_from(trained, trained / "weights" / "synthetic", recipe, tmp_path / "run") == code
    )
    assert said in capsys.readouterr().err


def test_initial_weights_of_another_network_are_refused(trained, tmp_path, capsys):
    save_file({"features.0.0.weight": np.zeros((1, 1), np.float32)}, tmp_path / "x.safetensors")
    code = train([
        "fit", str(trained / "recipe.toml"), "--data", str(trained / "data"), "--out",
        str(tmp_path / "run"), "--init", str(tmp_path / "x.safetensors"), "--device", "cpu",
        "--init-licence", "none", "--init-note", "none",
    ])  # fmt: skip
    assert code == 5
    assert "lack" in capsys.readouterr().err


def test_initial_weights_of_unknown_origin_are_refused(trained, tmp_path, capsys):
    save_file({"features.0.0.weight": np.zeros((1, 1), np.float32)}, tmp_path / "x.safetensors")
    code = train([
        "fit", str(trained / "recipe.toml"), "--data", str(trained / "data"), "--out",
        str(tmp_path / "run"), "--init", str(tmp_path / "x.safetensors"), "--device", "cpu",
    ])  # fmt: skip
    assert code == 5
    assert "--init-licence" in capsys.readouterr().err


def test_a_run_is_not_resumed_with_another_recipe(trained, tmp_path, capsys):
    run, recipe = copy_run(trained / "run", tmp_path / "run"), tmp_path / "recipe.toml"
    recipe.write_text((trained / "recipe.toml").read_text().replace("epochs = 2", "epochs = 3"))
    assert train_run(trained, run, recipe=recipe) == 5
    assert "another recipe" in capsys.readouterr().err


def test_weights_changed_after_their_evaluation_are_not_exported(trained, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(trained / "run", run)
    state = load_file(run / "best.safetensors")
    save_file(
        state | {"classifier.1.bias": state["classifier.1.bias"] + 1}, run / "best.safetensors"
    )
    assert train(["export", str(run), "--weights", str(tmp_path / "weights")]) == 5
    assert "evaluate it again" in capsys.readouterr().err
    assert not (tmp_path / "weights").exists()


def test_annotated_boxes_supervise_the_map_and_measure_it(trained, tmp_path, monkeypatch, capsys):
    folder, splits = make_fracatlas_with_split(tmp_path, films=4)
    monkeypatch.setattr("train.data.index.SPLITS_FOLDER", splits)
    recipe = write_recipe(tmp_path / "recipe.toml", epochs=3)
    recipe.write_text(recipe.read_text().replace("image_folder", "fracatlas"))
    run, data = str(tmp_path / "run"), ("--data", str(folder), "--device", "cpu")
    init = ("--init", str(trained / "init.safetensors"), "--workers", "0")
    assert train(["fit", str(recipe), *data, "--out", run, *init]) == 0
    with (tmp_path / "run" / "log.csv").open(newline="") as file:
        assert float(next(csv.DictReader(file))["evidence_loss"]) > 0
    capsys.readouterr()
    assert train(["evaluate", run, *data]) == 0
    evaluation = json.loads(capsys.readouterr().out)
    assert evaluation["supervised"] is True
    assert evaluation["splits"]["val"]["localisation"]["annotated"]["map"]["pointing"]["n"] == 4


def test_evaluating_an_exported_model_again_gives_the_same_figures(trained, tmp_path):
    weights = tmp_path / "weights"
    shutil.copytree(trained / "weights", weights)
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    shutil.copy(trained / "recipe.toml", recipes)
    before = (weights / "synthetic" / "evaluation.json").read_text()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("train.evaluate.evaluated_model.RECIPES", recipes)
        folder = str(weights / "synthetic")
        data = ("--data", str(trained / "data"), "--device", "cpu")
        assert train(["evaluate", folder, *data, "--test"]) == 0
        assert train(["export", folder, "--weights", str(weights)]) == 0
    after = json.loads((weights / "synthetic" / "evaluation.json").read_text())
    assert after == json.loads(before)
    assert read_manifest(weights / "synthetic") == read_manifest(trained / "weights" / "synthetic")


def test_an_exported_model_carries_its_scope_and_the_scope_figures(trained, tmp_path):
    folder = trained / "weights" / "synthetic"
    manifest, evaluation = read_manifest(folder), read_evaluation(folder / "evaluation.json")
    assert manifest.scope.sha256 == evaluation.scope.sha256
    assert load_model(folder, device=torch.device("cpu")).scope is not None
    kinds = {found.kind: found for found in evaluation.scope.intruders}
    assert {"photographs", "documents", "noise", "blank", "CT and MR slices"} <= set(kinds)
    assert kinds["blank"].refused.value > 0.9
    assert evaluation.scope.refused["val"].value == 0
    assert evaluation.scope.regions == ()
    card = (folder / "CARD.md").read_text()
    assert "| photographs |" in card
    assert "no body region, so the model recognises none" in card


def test_fitting_the_scope_again_changes_no_other_figure(trained, tmp_path, capsys):
    run = copy_run(trained / "run", tmp_path / "run")
    before = json.loads((run / "evaluation.json").read_text())
    assert train(["scope", str(run), "--data", str(trained / "data"), "--device", "cpu"]) == 0
    after = json.loads((run / "evaluation.json").read_text())
    assert after == before
    assert json.loads(capsys.readouterr().out)["sha256"] == before["scope"]["sha256"]


def test_choosing_the_limits_of_the_maps_again_changes_no_figure(trained, tmp_path, capsys):
    run = copy_run(trained / "run", tmp_path / "run")
    before = json.loads((run / "evaluation.json").read_text())
    assert before["trust"]["strong_drop"] is None or before["trust"]["strong_drop"] > 0
    assert train(["maps", str(run), "--data", str(trained / "data"), "--device", "cpu"]) == 0
    after = json.loads((run / "evaluation.json").read_text())
    assert after == before
    grades = json.loads(capsys.readouterr().out)
    assert grades["test"] == before["splits"]["test"]["map_grades"]


def test_a_run_without_its_scope_is_not_exported(trained, tmp_path, capsys):
    run = copy_run(trained / "run", tmp_path / "run")
    (run / "scope.safetensors").unlink()
    assert train(["export", str(run), "--weights", str(tmp_path / "weights")]) == 5
    assert "python -m train scope run" in capsys.readouterr().err
