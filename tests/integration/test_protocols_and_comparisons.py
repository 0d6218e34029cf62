"""Figures of several test protocols, and comparisons of two models."""

import csv
import json
import shutil

import pytest

from bonefx.models.evaluation import read_evaluation
from bonefx.models.manifest import read_manifest
from bonefx.records.evaluation import AS_PUBLISHED, GROUPED
from tests.fixtures.datasets import make_image_folder
from tests.fixtures.runs import copy_run
from train.cli import main as train
from train.fit.run_folder import read_facts


@pytest.fixture(scope="module")
def protocols(trained, tmp_path_factory):
    """Evaluate as published, on a grouped split and on an outside set; one film leaks."""
    folder = tmp_path_factory.mktemp("protocols")
    copy_run(trained / "run", folder / "run")
    data = folder / "leaky"
    shutil.copytree(trained / "data", data)
    leaked = data / "train" / "fractured" / "0.png"
    (data / "test" / "fractured" / "0.png").write_bytes(leaked.read_bytes())
    films = sorted(data.rglob("*.png"))
    with (folder / "splits.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "group", "split"])
        for film in films:
            split, label, _ = film.relative_to(data).parts
            path = film.relative_to(data).as_posix()
            if path != "test/fractured/0.png":  # the audit lists a file once
                writer.writerow([path, label, f"{split} {film.stem}", split])
    make_image_folder(folder / "elsewhere", films=5, first_seed=7000)
    fit_on = ("fit", str(trained / "recipe.toml"), "--data", str(data), "--device", "cpu",
              "--init", str(trained / "init.safetensors"), "--workers", "0")  # fmt: skip
    splits = ("--splits", str(folder / "splits.csv"))
    assert train([*fit_on, "--out", str(folder / "published")]) == 0
    assert train([*fit_on, "--out", str(folder / "grouped"), *splits]) == 0
    own = ("--data", str(data), "--device", "cpu", "--test")
    assert train(["evaluate", str(folder / "grouped"), *own, *splits]) == 0
    assert train([
        "evaluate", str(folder / "published"), *own, "--grouped", str(folder / "grouped"),
        "--outside", str(folder / "elsewhere"), "--outside-layout", "image_folder",
        "--outside-name", "Elsewhere", "--set-name", "The Set",
    ]) == 0  # fmt: skip
    return folder


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
def two_models(trained, tmp_path_factory):
    """Return a model folder, and a copy of it with another id and other weights."""
    weights = tmp_path_factory.mktemp("two")
    first, second = weights / "synthetic", weights / "other"
    shutil.copytree(trained / "weights" / "synthetic", first)
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


def test_without_write_nothing_is_left_in_the_weights_folder(trained, tmp_path):
    folder = str(trained / "weights" / "synthetic")
    assert train(["compare", folder, folder, "--weights", str(tmp_path)]) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_comparison_with_a_run_is_not_written(trained, two_models, tmp_path, capsys):
    assert compare_and_write(trained / "run", two_models[0], weights=tmp_path) == 5
    assert "run is not a model folder; export it" in capsys.readouterr().err


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
