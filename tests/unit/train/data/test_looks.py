"""Changes of a film's look keep its anatomy in place."""

import cv2
import numpy as np
import pytest

from tests.fixtures.datasets import make_labelled_pixels
from train.data.looks import CHANGES, change_look


def film(*, side_px=384):
    pixels, _ = make_labelled_pixels(True, seed=1)
    return cv2.resize(pixels, (side_px, side_px), interpolation=cv2.INTER_LINEAR)


def gradients(levels):
    edge = len(levels) // 10  # mounts and texts lie there
    inner = levels[edge:-edge, edge:-edge].astype(np.float32)
    blurred = cv2.GaussianBlur(inner, (0, 0), 3)
    return np.concatenate([np.diff(blurred, axis=axis).ravel() for axis in (0, 1)])


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
def test_a_change_keeps_the_edges_of_the_anatomy_and_their_direction(change):
    before = film()
    differences = []
    for seed in range(4):
        changed = np.clip(change(before / np.float32(255), np.random.default_rng(seed)), 0, 1)
        assert changed.shape == before.shape
        assert changed.dtype == np.float32
        assert np.corrcoef(gradients(before), gradients(255 * changed))[0, 1] > 0.5
        differences.append(np.abs(changed - before / 255).mean())
    assert max(differences) > 1e-3


def test_the_same_seed_gives_the_same_film_and_another_one_another():
    before = film()
    first, again, other = (
        change_look(before, np.random.default_rng(seed), probability=0.5) for seed in (0, 0, 1)
    )
    assert (first == again).all()
    assert (first != other).any()
    assert first.dtype == np.uint8


def test_probability_0_changes_nothing():
    before = film()
    assert (change_look(before, np.random.default_rng(0), probability=0) == before).all()


def test_small_and_oblong_films_can_be_changed():
    for shape in ((24, 200), (200, 24), (16, 16)):
        before = film()[: shape[0], : shape[1]]
        changed = change_look(before, np.random.default_rng(0), probability=1)
        assert changed.shape == before.shape
