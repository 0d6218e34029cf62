"""The weights that are shipped, on the films that are shipped."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bonefx import images
from bonefx.reader import Reader
from bonefx.records import Verdict
from bonefx.registry import WEIGHTS, model_ids, read_manifest
from train.card import render_card, render_figures, with_figures
from train.export import read_evaluation

EXAMPLES = Path(__file__).parents[2] / "examples"
FILMS = json.loads((EXAMPLES / "films.json").read_text())


@pytest.fixture(scope="module")
def reader():
    return Reader.from_folder(device=torch.device("cpu"))


@pytest.fixture(scope="module")
def films():
    return [images.read(EXAMPLES / film["file"]) for film in FILMS]


def test_the_leak_free_efficientnet_is_shipped():
    assert "efficientnet_b0" in model_ids()


def test_examples_are_the_publishers_bytes(films):
    assert [film.sha256 for film in films] == [film["sha256"] for film in FILMS]


@pytest.mark.parametrize("name", model_ids())
def test_every_example_gets_a_reading_with_a_sound_probability(reader, films, name):
    readings = reader.read_batch(films, model=name)
    assert len(readings) == 8
    for reading, film in zip(readings, films, strict=True):
        assert 0 < reading.probability < 1
        assert reading.verdict is not Verdict.OUT_OF_SCOPE
        assert reading.heat is None or reading.heat.shape == film.pixels.shape


@pytest.mark.parametrize("name", model_ids())
def test_fractured_examples_rank_above_intact_ones(reader, films, name):
    """Of 16 pairs at most a quarter is the wrong way round: far beyond chance, below test AUROC."""
    probability = np.array(
        [reading.probability for reading in reader.read_batch(films, model=name)]
    )
    fractured = np.array([film["label"] == "fracture" for film in FILMS])
    pairs = probability[fractured][:, None] > probability[~fractured][None]
    assert pairs.mean() >= 0.75


@pytest.mark.parametrize("name", model_ids())
def test_points_carry_their_test_figures(reader, name):
    points = reader.model(name).manifest.operating_points
    assert [point.name for point in points] == ["screening", "balanced", "specific"]
    for point in points:
        assert point.sensitivity.n + point.specificity.n == point.review_rate.n
    sensitivities = [point.sensitivity.value for point in points]
    assert sensitivities == sorted(sensitivities, reverse=True)


@pytest.mark.parametrize("name", model_ids())
def test_a_shipped_model_is_small_enough_for_a_plain_file(name):
    assert (WEIGHTS / name / "model.safetensors").stat().st_size < 48e6
    for document in ("CARD.md", "evaluation.json", "figures.png"):
        assert (WEIGHTS / name / document).is_file()


def test_readme_and_card_are_rendered_from_the_evaluation():
    folder = WEIGHTS / "efficientnet_b0"
    manifest = read_manifest(folder)
    evaluation = read_evaluation(folder / "evaluation.json")
    readme = (EXAMPLES.parent / "README.md").read_text()
    assert with_figures(readme, render_figures(manifest, evaluation)) == readme
    assert render_card(manifest, evaluation) == (folder / "CARD.md").read_text()
