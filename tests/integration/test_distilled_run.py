"""A run is distilled from a teacher, and resumes with no other one."""

import csv
import json
import shutil

from bonefx.models.manifest import read_manifest
from tests.fixtures.datasets import make_image_folder
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.recipes import write_initial_weights, write_recipe
from train.cli import main as train

SPLIT = "3a" * 32
TRAINED_ON = {
    "name": "Films", "licence": "none", "source": "", "split_sha256": SPLIT,
    "counts": {"train": {"films": 10, "fractured": 5, "with_boxes": 5}},
}  # fmt: skip


def test_fit_uses_the_teacher_and_resumes_with_no_other(tmp_path, monkeypatch, capsys):
    data = make_image_folder(tmp_path / "data")
    weights, run, recipe = tmp_path / "weights", tmp_path / "run", tmp_path / "r.toml"
    monkeypatch.setenv("BONEFX_WEIGHTS", str(weights))
    own = TRAINED_ON | {"name": "data", "split_sha256": None}
    make_model_folder(weights, id="teacher", seed=5, training_data=own)
    write_recipe(recipe, epochs=2)
    recipe.write_text(recipe.read_text() + '\n[distillation]\nteacher = "teacher"\n')
    command = [
        "fit", str(recipe), "--data", str(data), "--out", str(run), "--device", "cpu", "--init",
        str(write_initial_weights(tmp_path / "initial.safetensors")), "--last-epoch", "1",
    ]  # fmt: skip
    assert train(command) == 0
    with (run / "log.csv").open() as file:
        (line,) = csv.DictReader(file)
    assert float(line["distilled_loss"]) > 0
    assert train(["evaluate", str(run), "--data", str(data), "--device", "cpu"]) == 0
    evaluation = json.loads(capsys.readouterr().out)
    assert evaluation["taught_by"] == "teacher"
    assert evaluation["teacher_sha256"] == read_manifest(weights / "teacher").sha256
    shutil.rmtree(weights)
    make_model_folder(weights, id="teacher", seed=6, training_data=own)
    assert train(command) == 5
    assert "another teacher" in capsys.readouterr().err
