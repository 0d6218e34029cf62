"""The weights that are shipped, on the films that are shipped."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from sklearn.metrics import roc_auc_score

from bonefx import images
from bonefx.manifest import read_manifest
from bonefx.reader import Reader
from bonefx.records import Verdict
from bonefx.registry import WEIGHTS, model_ids
from bonefx.report.words import test_films_words as films_words
from train.card import render_card
from train.figures import read_evaluation
from train.readme import rendered_blocks, with_blocks

EXAMPLES = Path(__file__).parents[2] / "examples"
FILMS = json.loads((EXAMPLES / "films.json").read_text())


@pytest.fixture(scope="module")
def reader():
    return Reader.from_folder(device=torch.device("cpu"))


@pytest.fixture(scope="module")
def films():
    return [images.read(EXAMPLES / film["file"]) for film in FILMS]


def test_the_leak_free_efficientnet_is_shipped():
    assert "efficientnet_b0" in model_ids(WEIGHTS)


def test_examples_are_the_publishers_bytes(films):
    assert [film.sha256 for film in films] == [film["sha256"] for film in FILMS]


@pytest.mark.parametrize("name", model_ids(WEIGHTS))
def test_every_example_gets_a_reading_with_a_sound_probability(reader, films, name):
    readings = reader.read_batch(films, model=name)
    assert len(readings) == 8
    for reading, film in zip(readings, films, strict=True):
        assert 0 < reading.probability < 1
        assert reading.verdict is not Verdict.OUT_OF_SCOPE
        assert reading.heat is None or reading.heat.shape == film.pixels.shape


@pytest.mark.parametrize("name", model_ids(WEIGHTS))
def test_examples_read_as_they_did_when_the_model_was_exported(reader, films, name):
    """Holds the output of `python -m bonefx read examples`: reading is stable, not good or bad."""
    lines = (Path(__file__).parent / f"examples_{name}.jsonl").read_text().splitlines()
    expected = {line["sha256"]: line for line in map(json.loads, lines)}
    for reading in reader.read_batch(films, model=name):
        line = expected[reading.radiograph_sha256]
        assert reading.weights_sha256 == line["weights_sha256"]
        assert reading.logit == pytest.approx(line["logit"], abs=0.01)  # across library versions
        assert reading.verdict == line["verdict"]


@pytest.mark.parametrize("name", model_ids(WEIGHTS))
def test_a_map_is_shown_with_its_trust_or_not_at_all(reader, films, name):
    limits = reader.model(name).manifest.trust
    assert limits.n > 0
    for reading in reader.read_batch(films, model=name):
        strong = reading.heat_peak >= reader.model(name).manifest.heat_floor
        assert (reading.trust is not None) == strong
        assert (reading.heat is not None) == (strong and not reading.trust.failures)


@pytest.mark.parametrize("name", model_ids(WEIGHTS))
def test_points_carry_their_test_figures(reader, name):
    points = reader.model(name).manifest.operating_points
    assert [point.name for point in points] == ["screening", "balanced", "specific"]
    for point in points:
        assert point.sensitivity.n + point.specificity.n == point.review_rate.n
    sensitivities = [point.sensitivity.value for point in points]
    assert sensitivities == sorted(sensitivities, reverse=True)


@pytest.mark.parametrize("name", model_ids(WEIGHTS))
def test_a_shipped_model_is_small_and_comes_with_its_documents(name):
    limit = 10e6 if name == "efficientnet_b0" else 48e6
    assert (WEIGHTS / name / "model.safetensors").stat().st_size < limit
    for document in ("CARD.md", "evaluation.json", "figures.png"):
        assert (WEIGHTS / name / document).is_file()


def test_readmes_tables_are_rendered_from_what_was_measured():
    blocks = rendered_blocks(WEIGHTS / "efficientnet_b0", EXAMPLES.parent / "docs")
    assert set(blocks) == {"figures", "protocols", "audits"}
    readme = (EXAMPLES.parent / "README.md").read_text()
    assert with_blocks(readme, blocks) == readme


@pytest.mark.parametrize("name", model_ids(WEIGHTS))
def test_a_card_is_rendered_from_its_manifest_and_evaluation(name):
    folder = WEIGHTS / name
    evaluation = read_evaluation(folder / "evaluation.json")
    assert render_card(read_manifest(folder), evaluation) == (folder / "CARD.md").read_text()


def test_a_card_says_what_a_positive_label_means_where_it_means_something_else():
    folder = WEIGHTS / "efficientnet_b0"
    evaluation = read_evaluation(folder / "evaluation.json")
    data = replace(evaluation.data, name="MURA", label_meaning="abnormal study", left_out=3)
    card = render_card(read_manifest(folder), replace(evaluation, data=data))
    assert "the labels of MURA say: abnormal study." in card
    assert "3 films of the set, which its publisher marks" in card
    assert "labels of" not in (folder / "CARD.md").read_text()


@pytest.mark.parametrize("name", model_ids(WEIGHTS))
def test_shipped_figures_follow_from_the_shipped_logits(name):
    """Whoever doubts a figure can compute it from logits.csv."""
    evaluation = read_evaluation(WEIGHTS / name / "evaluation.json")
    with (WEIGHTS / name / "logits.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for split, figures in evaluation.splits.items():
        own = [row for row in rows if row["split"] == split]
        fractured = [row["fractured"] == "1" for row in own]
        assert (len(own), sum(fractured)) == (figures.n, figures.fractured)
        assert sum(row["in_training"] == "1" for row in own) == figures.in_training
        area = roc_auc_score(fractured, [float(row["logit"]) for row in own])
        assert area == pytest.approx(figures.auroc.value, abs=1e-4)


def test_the_figures_of_each_model_are_told_with_the_films_that_they_are_of(reader):
    told = {
        model.name: films_words(model.point(), test_set=reader.tested_on(model.name))
        for model in reader.models
    }
    assert told["efficientnet_b0"] == "582 test films of FracAtlas"
    assert told["report_efficientnet_b0"].endswith("test films of FracAtlas")
