"""Films that are spoiled or inverted to measure what the gate refuses."""

import cv2
import numpy as np
import pytest

from tests.fixtures.datasets import make_labelled_pixels
from train.data import Film
from train.evaluate.scope.intruders import SPOILED, invert_films, spoil_films


@pytest.fixture
def films(tmp_path):
    made = []
    for seed in range(18):
        path = tmp_path / f"{seed}.png"
        cv2.imwrite(str(path), make_labelled_pixels(False, seed=seed)[0])
        made.append(
            Film(path=path, name=path.name, fractured=False, split="test", group=str(seed // 2))
        )
    return made


def test_every_way_of_spoiling_changes_a_film_and_keeps_its_patient(films):
    made = list(spoil_films(films))
    assert [one.kind for one in made] == list(SPOILED)
    for one, film in zip(made, films[::3], strict=True):
        assert one.origin == film.group
        before = cv2.imread(str(film.path), cv2.IMREAD_GRAYSCALE) / np.float32(255)
        assert np.abs(one.film.pixels - before).mean() > 0.005


def test_an_inverted_film_is_the_film_with_black_and_white_swapped(films):
    (one, *rest) = invert_films(films)
    before = cv2.imread(str(films[0].path), cv2.IMREAD_GRAYSCALE) / np.float32(255)
    assert np.allclose(one.film.pixels, 1 - before, atol=1e-6)
    assert len(rest) == len(films) - 1
