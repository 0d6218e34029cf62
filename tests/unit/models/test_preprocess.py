"""Letterbox and normalisation."""

from typing import Any

import numpy as np
import pytest
import torch

from bonefx.errors import WeightsError
from bonefx.models.preprocess import (
    AS_SHOWN,
    STRETCHED,
    PreprocessSpec,
    letterbox,
    letterbox_of,
    normalise,
    to_batch,
)
from tests.fixtures.records import make_radiograph


def make_spec(**changes):
    spec: dict[str, Any] = {"size_px": 64, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.1)}
    return PreprocessSpec(**(spec | changes))


@pytest.mark.parametrize(("height", "width"), [(100, 50), (50, 100), (64, 64), (31, 300)])
def test_the_whole_film_is_kept_with_its_aspect(height, width):
    pixels = np.ones((height, width), np.float32)
    square = letterbox(make_radiograph(pixels=pixels), size_px=64)
    rows, columns = np.flatnonzero(square.any(1)), np.flatnonzero(square.any(0))
    assert len(rows) / len(columns) == pytest.approx(height / width, rel=0.1)
    assert max(len(rows), len(columns)) == 64
    assert abs(rows[0] - (63 - rows[-1])) <= 1  # centred
    assert abs(columns[0] - (63 - columns[-1])) <= 1


def test_the_film_is_neither_mirrored_nor_turned():
    pixels = np.zeros((100, 100), np.float32)
    pixels[:50, 50:] = 1.0  # upper right
    square = letterbox(make_radiograph(pixels=pixels), size_px=64)
    assert square[:30, 34:].min() == 255
    assert square[34:].max() == 0
    assert square[:, :30].max() == 0


def test_a_spot_lies_where_the_letterbox_says():
    pixels = np.zeros((200, 120), np.float32)
    pixels[150:154, 30:34] = 1.0  # centre (151.5, 31.5)
    place = letterbox_of(200, 120, size_px=64)
    square = letterbox(make_radiograph(pixels=pixels), size_px=64).astype(float)
    rows, columns = np.indices(square.shape)
    row = (rows * square).sum() / square.sum()
    column = (columns * square).sum() / square.sum()
    assert row == pytest.approx((151.5 + 0.5) * place.scale_y - 0.5 + place.top, abs=0.1)
    assert column == pytest.approx((31.5 + 0.5) * place.scale_x - 0.5 + place.left, abs=0.1)


def test_each_channel_has_its_own_mean_and_deviation():
    squares = torch.full((2, 64, 64), 255, dtype=torch.uint8)
    batch = normalise(squares, make_spec())
    assert batch.shape == (2, 3, 64, 64)
    assert batch[0, :, 0, 0].tolist() == pytest.approx([2.5, 3.0, 7.0])


def test_films_of_different_sizes_make_one_batch():
    films = [make_radiograph(pixels=np.zeros(shape, np.float32)) for shape in ((70, 90), (300, 80))]
    assert to_batch(films, make_spec()).shape == (2, 3, 64, 64)


@pytest.mark.parametrize(
    "changes",
    [{"size_px": 100}, {"size_px": 0}, {"std": (0.2, 0.0, 0.2)}, {"resize": "centre_crop"}],
)
def test_a_spec_that_cannot_be_followed_is_refused(changes):
    with pytest.raises(WeightsError):
        make_spec(**changes)


def test_a_dim_film_is_stretched_to_its_percentiles():
    pixels = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))
    dim = make_radiograph(pixels=0.3 + 0.2 * pixels)
    shown, stretched = (
        letterbox(dim, size_px=64, grey_levels=grey_levels) for grey_levels in (AS_SHOWN, STRETCHED)
    )
    assert (shown.min(), shown.max()) == (76, 128)
    assert (stretched.min(), stretched.max()) == (0, 255)
    full = letterbox(make_radiograph(pixels=pixels), size_px=64, grey_levels=STRETCHED)
    assert np.abs(stretched.astype(int) - full).max() <= 1


def test_a_film_of_one_level_is_not_stretched():
    flat = make_radiograph(pixels=np.full((64, 64), 0.5, np.float32))
    assert (letterbox(flat, size_px=64, grey_levels=STRETCHED) == 128).all()


def test_an_unknown_look_is_refused():
    with pytest.raises(
        WeightsError, match=r"needs grey_levels 'fog'.*as_shown, percentiles.*update bonefx"
    ):
        make_spec(grey_levels="fog")
