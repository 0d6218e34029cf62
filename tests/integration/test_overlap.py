"""The overlap of two models' maps is measured on fractures that both find and show."""

import json

import numpy as np
import pytest
import torch

from bonefx.models.manifest import read_manifest
from tests.fixtures.datasets import make_image_folder
from tests.fixtures.model_folders import make_model_folder
from train.data import load_data
from train.evaluate.maps.overlap import map_overlap


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return load_data("image_folder", make_image_folder(tmp_path_factory.mktemp("data"))).split(
        "val"
    )


def measured(folders, films, tmp_path):
    return map_overlap(folders, films, cache=tmp_path / "cache", device=torch.device("cpu"))


def change(folder, **changes):
    """Change entries of a manifest."""
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def call_all_fractured(folder):
    points = json.loads((folder / "manifest.json").read_text())["operating_points"]
    for point in points:
        point |= {"threshold": 0.0, "review_band": [0.0, 0.0]}
    change(folder, operating_points=points)


def test_a_model_overlaps_fully_with_itself(films, tmp_path):
    folders = [make_model_folder(tmp_path, id=name) for name in ("a", "b")]
    for folder in folders:
        call_all_fractured(folder)
    found = measured(folders, films, tmp_path)
    assert found.n == sum(film.fractured for film in films)
    assert (found.median, found.least) == (1.0, 1.0)


def test_films_without_a_map_of_either_model_do_not_count(films, tmp_path):
    folders = [make_model_folder(tmp_path, id=name) for name in ("a", "b")]
    for folder in folders:
        call_all_fractured(folder)
    change(folders[1], heat_floor=1e9)
    assert np.isclose(read_manifest(folders[1]).heat_floor, 1e9)
    assert measured(folders, films, tmp_path) is None
