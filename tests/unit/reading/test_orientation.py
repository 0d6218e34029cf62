"""Films that lie on their side are read turned upright, and their maps are turned back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bonefx.models.registry import load_model
from bonefx.reading.orientation import turn_back
from bonefx.reading.reader import Reader
from bonefx.records import NOT_EDITED, PixelBox, turn_radiograph
from bonefx.report import reading_table
from bonefx.report.wording.readings import reading_notes
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.records import make_radiograph

FILMS = [make_radiograph(sha256=str(seed) * 64) for seed in range(2)]


def lying(film):
    """Return the film as a file would hold it that lies on its side."""
    return replace(turn_radiograph(film, -1), edit=NOT_EDITED)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Return a model that does not recognise films on their side, with maps of any strength."""
    folder = make_model_folder(tmp_path_factory.mktemp("weights"))
    return load_model(folder, device=torch.device("cpu"))


@pytest.fixture(scope="module")
def reader(plain):
    """Return a reader whose model recognises the films of this module on their side."""
    upright, sideways = (
        plain.scope.standardised(plain.signatures(films))
        for films in (FILMS[:1], [lying(FILMS[0])])
    )
    weights = (sideways - upright)[0].astype(np.float32)
    bias = -float(weights @ (sideways + upright)[0]) / 2
    scope = replace(plain.scope, sideways_weights=weights, sideways_bias=np.array(bias, np.float32))
    return Reader([replace(plain, scope=scope)])


def test_a_film_on_its_side_gives_the_answer_and_the_map_of_the_upright_film(reader):
    film = FILMS[0]
    upright, side = reader.read_batch([film, lying(film)])
    assert (upright.read_turned, side.read_turned) == (0, 1)
    assert side.logit == pytest.approx(upright.logit, abs=1e-4)
    assert side.heat.shape == lying(film).pixels.shape
    np.testing.assert_allclose(turn_radiograph_map(side.heat), upright.heat, atol=1e-3)


def test_a_reading_keeps_the_field_of_the_film_with_its_corners(reader):
    corners = ((0, 10), (80, 0), (90, 90), (5, 95))
    film = replace(
        FILMS[0], field=PixelBox(top=0, left=0, bottom=95, right=90), field_corners=corners
    )
    reading = reader.read(film)
    assert (reading.field, reading.field_corners) == (film.field, corners)


def turn_radiograph_map(heat):
    """Turn a map as the film was turned before it was read: clockwise."""
    return np.rot90(heat, -1)


def test_each_film_of_a_batch_keeps_its_own_answer(reader):
    batch = [FILMS[0], lying(FILMS[0]), FILMS[0], lying(FILMS[0])]
    together = reader.read_batch(batch)
    for film, reading in zip(batch, together, strict=True):
        alone = reader.read(film)
        assert reading.read_turned == alone.read_turned
        assert reading.logit == pytest.approx(alone.logit, abs=1e-4)
        assert reading.heat.shape == film.pixels.shape


def test_the_answer_does_not_depend_on_who_turned_the_film(reader):
    by_hand = reader.read(turn_radiograph(FILMS[0], -1))
    assert by_hand.logit == pytest.approx(reader.read(lying(FILMS[0])).logit, abs=1e-5)
    assert by_hand.edit.quarter_turns == 3


def test_the_turn_is_stated(reader):
    side = reader.read(lying(FILMS[0]))
    assert any("lie on its side" in note for note in reading_notes(side))
    assert reading_table(side)["read_turned_degrees"] == 90
    assert reading_table(reader.read(FILMS[0]))["read_turned_degrees"] == 0


def test_a_model_that_does_not_recognise_the_side_reads_the_film_as_it_is(plain):
    assert Reader([plain]).read(lying(FILMS[0])).read_turned == 0


def test_turning_a_map_back_is_the_inverse_of_turning_the_film():
    heat = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert turn_back(None, 1) is None
    np.testing.assert_array_equal(turn_back(heat, 0), heat)
    film = make_radiograph(pixels=heat)
    np.testing.assert_array_equal(turn_back(turn_radiograph(film, 1).pixels, 1), heat)
