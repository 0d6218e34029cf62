"""The weights that are shipped, on the films that are shipped."""

import json
from pathlib import Path

import pytest
import torch

from bonefx import images
from bonefx.reader import Reader
from bonefx.records import Verdict
from bonefx.registry import WEIGHTS, model_ids, read_manifest
from train.card import render_card, render_figures, with_figures
from train.figures import read_evaluation

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


def test_readme_and_card_are_rendered_from_the_evaluation():
    folder = WEIGHTS / "efficientnet_b0"
    manifest = read_manifest(folder)
    evaluation = read_evaluation(folder / "evaluation.json")
    readme = (EXAMPLES.parent / "README.md").read_text()
    assert with_figures(readme, render_figures(manifest, evaluation)) == readme
    assert render_card(manifest, evaluation) == (folder / "CARD.md").read_text()
