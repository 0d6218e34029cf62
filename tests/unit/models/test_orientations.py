"""A network that reads all orientations gives the same answer however a film was put down."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bonefx.errors import WeightsError
from bonefx.heatmaps.forward import logits_and_maps
from bonefx.models.networks import QUARTER_TURNS, in_orientations, single_orientation
from bonefx.models.registry import ONNX_ENGINE, load_model, on_engine
from bonefx.reading.reader import Reader
from bonefx.records import NOT_EDITED, turn_radiograph
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.records import make_radiograph

SIDE_PX = 64
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Return a model that reads films as they are, with maps of any strength."""
    return load_model(make_model_folder(tmp_path_factory.mktemp("weights")), device=CPU)


@pytest.fixture(scope="module")
def network(model):
    return in_orientations(model.network, QUARTER_TURNS)


@pytest.fixture
def batch():
    films = torch.rand(2, 3, SIDE_PX, SIDE_PX, generator=torch.Generator().manual_seed(0))
    return films.contiguous(memory_format=torch.channels_last)


def reading_all_turns(model):
    """Return the model as one whose manifest says that it reads all four quarter turns."""
    manifest = replace(model.manifest, orientations=QUARTER_TURNS)
    return replace(model, network=in_orientations(model.network, QUARTER_TURNS), manifest=manifest)


def turned(values, quarter_turns):
    return torch.rot90(values, -quarter_turns, (-2, -1))


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_logit_signature_and_map_do_not_depend_on_the_turn(network, batch, quarter_turns):
    upright, other = network.staged(batch), network.staged(turned(batch, quarter_turns))
    torch.testing.assert_close(upright.signature, other.signature, atol=1e-4, rtol=1e-4)
    logits, maps = logits_and_maps(network, batch)
    again, turned_maps = logits_and_maps(network, turned(batch, quarter_turns))
    torch.testing.assert_close(logits, again, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(turned(maps, quarter_turns), turned_maps, atol=1e-2, rtol=1e-3)


def test_logit_and_evidence_are_the_means_over_the_quarter_turns(network, model, batch):
    alone = [model.network(turned(batch, quarter_turns)) for quarter_turns in range(QUARTER_TURNS)]
    logits = torch.stack([logit for logit, _ in alone])
    logit, activations = network(batch)
    torch.testing.assert_close(logit, logits.mean(dim=0), atol=1e-4, rtol=1e-4)
    assert logits.std(dim=0).min() > 1e-4  # one orientation alone gives another answer
    cells = [
        turned(model.network.evidence(own), -quarter_turns)
        for quarter_turns, (_, own) in enumerate(alone)
    ]
    torch.testing.assert_close(
        network.evidence(activations), torch.stack(cells).mean(dim=0), atol=1e-4, rtol=1e-4
    )


def test_cells_lie_in_the_middle_of_their_stride(network, model):
    grid = network.grid()
    assert grid.stride_px == model.network.grid().stride_px
    assert grid.offset_px == (grid.stride_px - 1) / 2


def test_one_orientation_is_the_network_itself_and_other_numbers_are_refused(network, model):
    assert in_orientations(model.network, 1) is model.network
    assert single_orientation(network) is single_orientation(model.network) is model.network
    with pytest.raises(WeightsError, match="1 or 4 orientations"):
        in_orientations(model.network, 2)


def test_a_film_gives_one_answer_in_all_orientations_and_its_map_follows(model):
    four = reading_all_turns(model)
    side = np.random.default_rng(0).random((96, 96))  # a square fills the input however it lies
    film = make_radiograph(pixels=side.astype(np.float32))
    readings = Reader([four]).read_batch([
        film,
        *(replace(turn_radiograph(film, by), edit=NOT_EDITED) for by in (1, 2, 3)),
    ])  # fmt: skip
    for quarter_turns, reading in enumerate(readings):
        assert reading.logit == pytest.approx(readings[0].logit, rel=1e-3)
        expected = np.rot90(readings[0].heat, -quarter_turns)
        np.testing.assert_allclose(reading.heat, expected, atol=0.02)


def test_the_engine_runs_each_orientation(model, monkeypatch, tmp_path):
    monkeypatch.setenv("BONEFX_CACHE", str(tmp_path))
    four = reading_all_turns(model)
    engine = on_engine(four, ONNX_ENGINE)
    assert single_orientation(engine.network).uses_onnx
    film = four.batch([make_radiograph()])
    with torch.inference_mode():
        logits = [network(film)[0] for network in (engine.network, four.network)]
    torch.testing.assert_close(*logits, atol=1e-4, rtol=1e-3)
