"""Pictures that are no bone films: the same ones each time, in two halves that share no source."""

import cv2
import numpy as np
import pytest

from tests.fixtures.datasets import make_labelled_pixels
from train.data import Film
from train.evaluate.scope.intruders import (
    DEVELOPMENT,
    REPORTED,
    SPOILED,
    find_intruders,
    invert_films,
    spoil_films,
)
from train.evaluate.scope.intruders.picture import half


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


@pytest.fixture(scope="module")
def halves():
    """The intruders of both halves."""
    for package in ("skimage", "data_store"):
        pytest.importorskip(package, reason=f"the sample pictures of {package} are missing")
    return {name: find_intruders(name) for name in (DEVELOPMENT, REPORTED)}


def test_the_halves_share_no_source(halves):
    assert set(half(range(9), DEVELOPMENT)).isdisjoint(half(range(9), REPORTED))
    sources = [{(one.kind, one.source) for one in found} for found in halves.values()]
    assert sources[0].isdisjoint(sources[1])
    kinds = [{kind for kind, _ in half} for half in sources]
    assert kinds[0] >= {"photographs", "documents", "CT and MR slices", "ultrasound"}
    assert kinds[1] >= kinds[0] | {"chest films"}


def test_examinations_are_grey_pictures_with_black_ground(halves):
    pictures = [one for one in halves[REPORTED] if one.kind in {"ultrasound", "chest films"}]
    assert len(pictures) == 9
    for one in pictures:
        levels = one.film.pixels
        assert levels.ndim == 2
        assert levels.max() - levels.min() > 0.5
    chest = [one.film.pixels for one in pictures if one.kind == "chest films"]
    assert chest[0][900:1000, 870:970].mean() > chest[0][500:600, 500:600].mean()  # spine, lung


def test_every_way_of_spoiling_changes_a_film_and_keeps_its_patient(films):
    made = list(spoil_films(films))
    assert [one.kind for one in made] == list(SPOILED)
    for one, film in zip(made, films[::3], strict=True):
        assert one.source == film.group
        before = cv2.imread(str(film.path), cv2.IMREAD_GRAYSCALE) / np.float32(255)
        assert np.abs(one.film.pixels - before).mean() > 0.005


def test_an_inverted_film_is_the_film_with_black_and_white_swapped(films):
    (one, *rest) = invert_films(films)
    before = cv2.imread(str(films[0].path), cv2.IMREAD_GRAYSCALE) / np.float32(255)
    assert np.allclose(one.film.pixels, 1 - before, atol=1e-6)
    assert len(rest) == len(films) - 1
