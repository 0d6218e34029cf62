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
from bonefx.models.measured_comparison import comparison_path
from bonefx.models.registry import load_model
from bonefx.records.evaluation import AS_PUBLISHED, GROUPED
from tests.fixtures.datasets import make_fracatlas_with_split, make_image_folder
from tests.fixtures.evaluations import make_comparison
from tests.fixtures.recipes import copy_run, write_initial_weights, write_recipe
from train.cli import main as train
from train.fit.run_folder import read_facts


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Write data, recipe and initial weights; train, evaluate and export a run. Tests copy it."""
    place = tmp_path_factory.mktemp("train")
    make_image_folder(place / "data", films=4)
    write_recipe(place / "recipe.toml", epochs=2)
    write_initial_weights(place / "init.safetensors")
    assert fit(place, "run") == 0
    data = ("--data", str(place / "data"), "--device", "cpu")
    assert train(["evaluate", str(place / "run"), *data, "--test"]) == 0
    assert train(["export", str(place / "run"), "--weights", str(place / "weights")]) == 0
    return place


def fit(place, run, *, recipe="recipe.toml"):
    return train([
        "fit", str(place / recipe), "--data", str(place / "data"), "--out", str(place / run),
        "--init", str(place / "init.safetensors"), "--device", "cpu", "--workers", "0",
    ])  # fmt: skip


def read(place, capsys, *arguments):
    capsys.readouterr()
    code = bonefx(["read", *arguments, "--weights", str(place / "weights"), "--device", "cpu"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def logit_rows(folder):
    with (folder / "logits.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_training_and_the_app_give_the_same_logit_for_the_same_file(place, capsys):
    rows = {row["sha256"]: float(row["logit"]) for row in logit_rows(place / "run")}
    code, lines = read(place, capsys, *(str(place / "data" / name) for name in ("val", "test")))
    assert code == 0
    assert {line["sha256"] for line in lines} == set(rows)
    in_scope = [line for line in lines if line["verdict"] != "out_of_scope"]
    for line in in_scope:
        assert line["logit"] == pytest.approx(rows[line["sha256"]], abs=1e-5)
    assert len(rows) == 16
    assert len(in_scope) >= 8  # at least the val films, whose limits these are


def test_exported_logits_name_no_film_and_no_group(place):
    text = (place / "weights" / "synthetic" / "logits.csv").read_text()
    assert text == (place / "run" / "logits.csv").read_text()
    assert ".png" not in text
    assert "fractured/" not in text


def test_every_epoch_has_a_log_line(place):
    with (place / "run" / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert all(np.isfinite(float(row["val_loss"])) for row in rows)


def test_the_manifest_records_where_the_weights_came_from(place):
    manifest = read_manifest(place / "weights" / "synthetic")
    assert manifest.initial_weights.source == "init.safetensors"
    assert manifest.initial_weights.note == "seed 0"
    assert manifest.batch_norm.eps == pytest.approx(1e-3)
    assert manifest.calibration.split == "val"
    assert manifest.training_data.counts["train"].films == 8
    assert manifest.training_data.counts["test"].fractured == 4
    assert [point.sensitivity.n for point in manifest.operating_points] == [4, 4, 4]


def test_weights_are_stored_as_float16_with_the_drift_stated(place):
    folder = place / "weights" / "synthetic"
    state = load_file(folder / "model.safetensors")
    assert {str(value.dtype) for value in state.values() if value.ndim > 1} == {"float16"}
    assert 0 <= read_manifest(folder).float16_drift < 0.05


def test_the_card_states_the_figures_of_the_evaluation(place):
    folder = place / "weights" / "synthetic"
    evaluation = json.loads((folder / "evaluation.json").read_text())
    card = (folder / "CARD.md").read_text()
    assert f"{evaluation['splits']['test']['auroc']['value']:.3f}" in card
    assert "not a medical device" in card
    assert "None" not in card
    assert (folder / "figures.png").stat().st_size > 10_000


def test_an_export_without_test_figures_is_refused(place, tmp_path, capsys):
    run = copy_run(place / "run", tmp_path / "run")
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


def continue_from(place, folder, recipe, run):
    return train([
        "fit", str(recipe), "--data", str(place / "data"), "--out", str(run), "--init",
        str(folder), "--device", "cpu", "--workers", "0", "--last-epoch", "1",
    ])  # fmt: skip


def test_training_continues_from_a_model_folder_with_its_last_layer(place, tmp_path):
    folder = place / "weights" / "synthetic"
    unchanging = tmp_path / "unchanging.toml"
    write_recipe(unchanging, epochs=2)
    text = unchanging.read_text()
    unchanging.write_text(re.sub("learning_rate = .*", "learning_rate = 1e-12", text))
    assert continue_from(place, folder, unchanging, tmp_path / "run") == 0
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
    place, tmp_path, capsys, architecture, code, said
):
    recipe = write_recipe(tmp_path / "other.toml", epochs=2)
    text = recipe.read_text().replace("efficientnet_b0", architecture)
    recipe.write_text(text.replace("weight = 0.5", "weight = 0.0"))
    assert continue_from(place, place / "weights" / "synthetic", recipe, tmp_path / "run") == code
    assert said in capsys.readouterr().err


def test_initial_weights_of_another_network_are_refused(place, tmp_path, capsys):
    save_file({"features.0.0.weight": np.zeros((1, 1), np.float32)}, tmp_path / "x.safetensors")
    code = train([
        "fit", str(place / "recipe.toml"), "--data", str(place / "data"), "--out",
        str(tmp_path / "run"), "--init", str(tmp_path / "x.safetensors"), "--device", "cpu",
        "--init-licence", "none", "--init-note", "none",
    ])  # fmt: skip
    assert code == 5
    assert "lack" in capsys.readouterr().err


def test_initial_weights_of_unknown_origin_are_refused(place, tmp_path, capsys):
    save_file({"features.0.0.weight": np.zeros((1, 1), np.float32)}, tmp_path / "x.safetensors")
    code = train([
        "fit", str(place / "recipe.toml"), "--data", str(place / "data"), "--out",
        str(tmp_path / "run"), "--init", str(tmp_path / "x.safetensors"), "--device", "cpu",
    ])  # fmt: skip
    assert code == 5
    assert "--init-licence" in capsys.readouterr().err


def test_a_run_is_not_resumed_with_another_recipe(place, tmp_path, capsys):
    run, recipe = copy_run(place / "run", tmp_path / "run"), tmp_path / "recipe.toml"
    recipe.write_text((place / "recipe.toml").read_text().replace("epochs = 2", "epochs = 3"))
    assert fit(place, run, recipe=recipe) == 5
    assert "another recipe" in capsys.readouterr().err


def test_weights_changed_after_their_evaluation_are_not_exported(place, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(place / "run", run)
    state = load_file(run / "best.safetensors")
    save_file(
        state | {"classifier.1.bias": state["classifier.1.bias"] + 1}, run / "best.safetensors"
    )
    assert train(["export", str(run), "--weights", str(tmp_path / "weights")]) == 5
    assert "evaluate it again" in capsys.readouterr().err
    assert not (tmp_path / "weights").exists()


def write_pages(folder):
    """Write README.md and results.md with an old table between their markers."""
    pages = {"README.md": ("worth",), "results.md": ("figures", "intruders", "protocols")}
    for page, names in pages.items():
        blocks = "".join(f"<!-- {n} -->\nold\n<!-- end of {n} -->\n" for n in names)
        (folder / page).write_text(f"before\n{blocks}")
    return folder / "README.md", folder / "results.md"


def update_tables(model, folder):
    return train([
        "readme", str(model), "--docs", str(folder), "--file", str(folder / "README.md"),
    ])  # fmt: skip


def test_results_and_readme_get_the_measured_figures_between_their_markers(place, tmp_path):
    readme, results = write_pages(tmp_path)
    assert update_tables(place / "weights" / "synthetic", tmp_path) == 0
    text = results.read_text()
    assert text.startswith("before\n<!-- figures -->\n")
    assert "| AUROC |" in text
    assert "| synthetic | published split: data | 8 |" in text
    assert "maps" not in text
    small = readme.read_text()
    assert small.startswith(
        "before\n<!-- worth -->\n| value (95 % interval), n = films | synthetic |"
    )
    assert "| AUROC, data test films | " in small
    assert "other hospitals" not in small  # no outside set was measured
    assert "old" not in text + small


def test_readme_shows_no_benchmark_of_other_weights(place, tmp_path, capsys):
    write_pages(tmp_path)
    (tmp_path / "results").mkdir()
    benchmark = {"weights_sha256": "f" * 64}
    (tmp_path / "results" / "heatmaps_synthetic.json").write_text(json.dumps(benchmark))
    assert update_tables(place / "weights" / "synthetic", tmp_path) == 5
    assert "other weights" in capsys.readouterr().err


def test_readme_shows_no_comparison_of_other_weights(place, tmp_path, capsys):
    write_pages(tmp_path)
    weights = tmp_path / "weights"
    shutil.copytree(place / "weights", weights)
    (weights / "comparisons").mkdir(exist_ok=True)
    manifests = [read_manifest(weights / "synthetic")] * 2
    changes = {"weights_sha256": ["f" * 64] * 2}
    comparison_path(weights, "synthetic", "synthetic").write_text(
        json.dumps(make_comparison(manifests, **changes))
    )
    assert update_tables(weights / "synthetic", tmp_path) == 5
    assert "train compare weights/synthetic" in capsys.readouterr().err


@pytest.mark.parametrize("page", ["README.md", "results.md"])
def test_no_page_is_changed_if_one_lacks_its_markers(place, tmp_path, capsys, page):
    pages = write_pages(tmp_path)
    (tmp_path / page).write_text("no markers")
    before = [own.read_text() for own in pages]
    assert update_tables(place / "weights" / "synthetic", tmp_path) == 5
    assert [own.read_text() for own in pages] == before
    assert f"{page} needs a line" in capsys.readouterr().err


def test_annotated_boxes_supervise_the_map_and_measure_it(place, tmp_path, monkeypatch, capsys):
    folder, splits = make_fracatlas_with_split(tmp_path, films=4)
    monkeypatch.setattr("train.data.index.SPLITS_FOLDER", splits)
    recipe = write_recipe(tmp_path / "recipe.toml", epochs=3)
    recipe.write_text(recipe.read_text().replace("image_folder", "fracatlas"))
    run, data = str(tmp_path / "run"), ("--data", str(folder), "--device", "cpu")
    init = ("--init", str(place / "init.safetensors"), "--workers", "0")
    assert train(["fit", str(recipe), *data, "--out", run, *init]) == 0
    with (tmp_path / "run" / "log.csv").open(newline="") as file:
        assert float(next(csv.DictReader(file))["evidence_loss"]) > 0
    capsys.readouterr()
    assert train(["evaluate", run, *data]) == 0
    evaluation = json.loads(capsys.readouterr().out)
    assert evaluation["supervised"] is True
    assert evaluation["splits"]["val"]["localisation"]["annotated"]["map"]["pointing"]["n"] == 4


@pytest.fixture(scope="module")
def protocols(place):
    """Evaluate as published, on a grouped split and on an outside set; one film leaks."""
    data = place / "leaky"
    shutil.copytree(place / "data", data)
    leaked = data / "train" / "fractured" / "0.png"
    (data / "test" / "fractured" / "0.png").write_bytes(leaked.read_bytes())
    films = sorted(data.rglob("*.png"))
    with (place / "splits.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "group", "split"])
        for film in films:
            split, label, _ = film.relative_to(data).parts
            path = film.relative_to(data).as_posix()
            if path != "test/fractured/0.png":  # the audit lists a file once
                writer.writerow([path, label, f"{split} {film.stem}", split])
    make_image_folder(place / "elsewhere", films=5, first_seed=7000)
    fit_on = ("fit", str(place / "recipe.toml"), "--data", str(data), "--device", "cpu",
              "--init", str(place / "init.safetensors"), "--workers", "0")  # fmt: skip
    splits = ("--splits", str(place / "splits.csv"))
    assert train([*fit_on, "--out", str(place / "published")]) == 0
    assert train([*fit_on, "--out", str(place / "grouped"), *splits]) == 0
    own = ("--data", str(data), "--device", "cpu", "--test")
    assert train(["evaluate", str(place / "grouped"), *own, *splits]) == 0
    assert train([
        "evaluate", str(place / "published"), *own, "--grouped", str(place / "grouped"),
        "--outside", str(place / "elsewhere"), "--outside-layout", "image_folder",
        "--outside-name", "Elsewhere", "--set-name", "The Set",
    ]) == 0  # fmt: skip
    return place


def test_an_evaluation_holds_every_protocol_with_its_leaked_films(protocols):
    evaluation = read_evaluation(protocols / "published" / "evaluation.json")
    protocols_found = [(p.name, p.data_set, p.n, p.in_training) for p in evaluation.protocols]
    assert protocols_found == [
        ("as_published", "The Set", 8, 1), ("grouped", "The Set", 7, 0),
        ("outside", "Elsewhere", 30, 0),
    ]  # fmt: skip
    grouped = read_evaluation(protocols / "grouped" / "evaluation.json")
    assert grouped.protocols[0].auroc == evaluation.protocols[1].auroc
    for protocol in evaluation.protocols:
        assert protocol.accuracy.n == protocol.n


def test_a_model_with_leaked_test_films_measures_its_operating_points_on_the_outside_set(protocols):
    weights = protocols / "leaky_weights"
    assert train(["export", str(protocols / "published"), "--weights", str(weights)]) == 0
    manifest = read_manifest(weights / "synthetic")
    assert [point.review_rate.n for point in manifest.operating_points] == [30] * 3
    card = (weights / "synthetic" / "CARD.md").read_text()
    assert "1 of the 8 test films are byte-identical to" in card
    assert "measured on outside (Elsewhere" in card
    assert (weights / "synthetic" / "training.png").stat().st_size > 10_000


def test_grouped_figures_of_another_recipe_are_refused(protocols, tmp_path, capsys):
    other = tmp_path / "other"
    shutil.copytree(protocols / "grouped", other)
    path = other / "evaluation.json"
    path.write_text(path.read_text().replace('"recipe_sha256": "', '"recipe_sha256": "0'))
    run = copy_run(protocols / "published", tmp_path / "run")
    code = train([
        "evaluate", str(run), "--data", str(protocols / "leaky"), "--test",
        "--device", "cpu", "--grouped", str(other),
    ])  # fmt: skip
    assert code == 5
    assert "another recipe" in capsys.readouterr().err


def test_grouped_figures_of_the_initial_model_of_a_run_are_accepted(protocols, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(protocols / "grouped", other)
    path, facts = other / "evaluation.json", read_facts(protocols / "published")
    table = json.loads(path.read_text())
    table |= {"recipe_sha256": "0" * 64, "weights_sha256": facts.initial.sha256}
    path.write_text(json.dumps(table))
    run = copy_run(protocols / "published", tmp_path / "run")
    assert train([
        "evaluate", str(run), "--data", str(protocols / "leaky"), "--test",
        "--device", "cpu", "--grouped", str(other), "--cache", str(protocols / "cache"),
    ]) == 0  # fmt: skip
    names = [found.name for found in read_evaluation(run / "evaluation.json").protocols]
    assert names == [AS_PUBLISHED, GROUPED]


def test_two_models_are_compared_on_films_that_neither_was_trained_on(protocols, capsys):
    capsys.readouterr()
    assert train(["compare", str(protocols / "published"), str(protocols / "run")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n"] == 7  # of 8 test films one is another film in the leaky set
    assert found["models"] == ["synthetic", "synthetic"]
    assert sum(found["films"].values()) == found["n"]
    assert all(len(sha256) == 64 for sha256 in found["weights_sha256"])
    assert found["difference"]["low"] <= found["difference"]["value"] <= found["difference"]["high"]
    assert 0 <= found["mcnemar_p"] <= 1


@pytest.fixture(scope="module")
def two_models(place):
    """Return a model folder, and a copy of it with another id and other weights."""
    weights = place / "two"
    first, second = weights / "synthetic", weights / "other"
    shutil.copytree(place / "weights" / "synthetic", first)
    shutil.copytree(first, second)
    for name in ("manifest.json", "evaluation.json"):
        text = (second / name).read_text().replace('"synthetic"', '"other"')
        (second / name).write_text(text.replace(read_manifest(first).sha256, "f" * 64))
    return first, second


def compare_and_write(*folders, weights):
    return train(["compare", *map(str, folders), "--write", "--weights", str(weights)])


def test_a_comparison_is_written_where_the_app_looks_for_it(two_models, capsys):
    capsys.readouterr()
    first, second = two_models
    assert compare_and_write(first, second, weights=first.parent) == 0
    table = json.loads((first.parent / "comparisons" / "synthetic--other.json").read_text())
    assert table == json.loads(capsys.readouterr().out)
    assert table["weights_sha256"] == [read_manifest(first).sha256, "f" * 64]
    assert table["films"] == {"data": 8}
    assert (table["only_first"], table["only_second"], table["mcnemar_p"]) == (0, 0, 1)


def test_without_write_nothing_is_left_in_the_weights_folder(place, tmp_path):
    folder = str(place / "weights" / "synthetic")
    assert train(["compare", folder, folder, "--weights", str(tmp_path)]) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_comparison_with_a_run_is_not_written(place, two_models, tmp_path, capsys):
    assert compare_and_write(place / "run", two_models[0], weights=tmp_path) == 5
    assert "run is no model folder; export it" in capsys.readouterr().err


def test_a_comparison_of_a_model_with_itself_is_not_written(two_models, tmp_path, capsys):
    assert compare_and_write(two_models[0], two_models[0], weights=tmp_path) == 5
    assert "compare two different models" in capsys.readouterr().err


def test_a_model_whose_evaluation_is_of_other_weights_is_not_compared(two_models, tmp_path, capsys):
    changed = tmp_path / "other"
    shutil.copytree(two_models[1], changed)
    text = (changed / "evaluation.json").read_text().replace("f" * 64, "e" * 64)
    (changed / "evaluation.json").write_text(text)
    assert compare_and_write(two_models[0], changed, weights=tmp_path) == 5
    assert "other was evaluated with other weights; evaluate it again" in capsys.readouterr().err


def test_evaluating_an_exported_model_again_gives_the_same_figures(place, tmp_path):
    weights = tmp_path / "weights"
    shutil.copytree(place / "weights", weights)
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    shutil.copy(place / "recipe.toml", recipes)
    before = (weights / "synthetic" / "evaluation.json").read_text()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("train.evaluate.evaluated_model.RECIPES", recipes)
        folder = str(weights / "synthetic")
        data = ("--data", str(place / "data"), "--device", "cpu")
        assert train(["evaluate", folder, *data, "--test"]) == 0
        assert train(["export", folder, "--weights", str(weights)]) == 0
    after = json.loads((weights / "synthetic" / "evaluation.json").read_text())
    assert after == json.loads(before)
    assert read_manifest(weights / "synthetic") == read_manifest(place / "weights" / "synthetic")


def test_an_exported_model_carries_its_scope_and_the_scope_figures(place, tmp_path):
    folder = place / "weights" / "synthetic"
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


def test_fitting_the_scope_again_changes_no_other_figure(place, tmp_path, capsys):
    run = copy_run(place / "run", tmp_path / "run")
    before = json.loads((run / "evaluation.json").read_text())
    assert train(["scope", str(run), "--data", str(place / "data"), "--device", "cpu"]) == 0
    after = json.loads((run / "evaluation.json").read_text())
    assert after == before
    assert json.loads(capsys.readouterr().out)["sha256"] == before["scope"]["sha256"]


def test_a_run_without_its_scope_is_not_exported(place, tmp_path, capsys):
    run = copy_run(place / "run", tmp_path / "run")
    (run / "scope.safetensors").unlink()
    assert train(["export", str(run), "--weights", str(tmp_path / "weights")]) == 5
    assert "python -m train scope run" in capsys.readouterr().err
