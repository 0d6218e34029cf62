"""A film is read on the CPU where the GPU fails."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest
import torch

from bonefx.models.registry import load_model
from bonefx.reading.reader import Reader
from bonefx.report.wording.readings import GPU_FAILED, reading_notes
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.records import make_radiograph


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = make_model_folder(tmp_path_factory.mktemp("weights"))
    return load_model(folder, device=torch.device("cpu"))


def failing(model, error, *, device):
    """Return a model on a device whose network fails."""

    def staged(_):
        raise error

    network: Any = load_model(model.folder, device=torch.device("cpu")).network
    network.staged = staged
    return replace(model, network=network, device=torch.device(device))


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(torch.OutOfMemoryError("CUDA out of memory"), id="memory"),
        pytest.param(RuntimeError("CUDA error: device lost"), id="lost"),
    ],
)
def test_a_film_is_read_on_the_cpu_with_a_notice(model, error, caplog):
    film = make_radiograph()
    reader = Reader([failing(model, error, device="meta")])
    with caplog.at_level(logging.ERROR):
        first, second = reader.read_batch([film, film])
    expected = Reader([model]).read(film)
    assert first.logit == pytest.approx(expected.logit, rel=1e-3)
    assert (first.device, second.device) == ("cpu", "cpu")
    assert first.verdict is expected.verdict
    assert GPU_FAILED in reading_notes(first)
    assert "the GPU failed" in caplog.text


def test_a_film_that_the_gpu_reads_has_no_notice(model):
    assert GPU_FAILED not in reading_notes(Reader([model]).read(make_radiograph()))


def test_a_fault_of_the_program_is_no_failure_of_a_gpu(model):
    reader = Reader([failing(model, RuntimeError("broken"), device="cpu")])
    with pytest.raises(RuntimeError, match="broken"):
        reader.read(make_radiograph())
