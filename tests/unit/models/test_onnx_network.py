"""Networks in ONNX Runtime: equal to PyTorch, exported once, and never the reason for a failure."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bonefx.errors import SettingsError
from bonefx.models import onnx_network
from bonefx.models.networks import compute_signatures
from bonefx.models.preprocess import to_batch
from bonefx.models.registry import load_model, on_engine, pick_engine
from bonefx.reading.reader import Reader
from bonefx.records import turn_radiograph
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.records import make_radiograph
from tests.fixtures.servers.app import REPOSITORY

TELEMETRY_OFF = "ORT_DISABLE_TELEMETRY"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = make_model_folder(tmp_path_factory.mktemp("weights"))
    return load_model(folder, device=torch.device("cpu"))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(onnx_network.CACHE_FOLDER_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def fast(model, cache):
    return on_engine(model, "onnx")


def refuse(*_, **__):
    raise RuntimeError("no exporter here")


@pytest.mark.parametrize("count", [1, 3])
def test_logits_activations_and_signatures_are_those_of_pytorch(model, fast, count):
    films = [make_radiograph(), *map(turn_radiograph, [make_radiograph()] * 2, (1, 2))][:count]
    batch = to_batch(films, model.manifest.preprocess)
    batch = batch.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        expected, found = model.network.staged(batch), fast.network.staged(batch)
        logits, own_logits = model.network(batch)[0], fast.network(batch)[0]
    assert fast.network.uses_onnx
    for own, other in zip(found, expected, strict=True):
        torch.testing.assert_close(own, other, atol=1e-2, rtol=1e-3)
    torch.testing.assert_close(own_logits, logits, atol=1e-4, rtol=1e-4)


def test_a_reading_is_that_of_pytorch(model, fast):
    film = make_radiograph()
    expected, found = (Reader([one]).read(film) for one in (model, fast))
    assert found.verdict is expected.verdict
    assert found.probability == pytest.approx(expected.probability, abs=1e-4)
    np.testing.assert_allclose(found.heat, expected.heat, atol=1e-3)
    expected_signature, own_signature = (
        compute_signatures(one.network, [film], one.manifest.preprocess) for one in (model, fast)
    )
    np.testing.assert_allclose(own_signature, expected_signature, atol=1e-4)


def test_a_network_is_exported_once_for_all_later_starts(fast, model, cache, monkeypatch):
    assert fast.network.uses_onnx
    assert len(list(cache.glob("*.onnx"))) == 1
    monkeypatch.setattr(onnx_network, "export_layers", refuse)
    assert on_engine(model, "onnx").network.uses_onnx


def test_other_weights_are_exported_anew(fast, model, cache):
    assert fast.network.uses_onnx
    other = replace(model, manifest=replace(model.manifest, sha256="0" * 64))
    assert on_engine(other, "onnx").network.uses_onnx
    assert len(list(cache.glob("*.onnx"))) == 2


def test_a_damaged_file_in_the_cache_is_not_used(fast, model, cache):
    assert fast.network.uses_onnx
    (exported,) = cache.glob("*.onnx")
    exported.write_bytes(exported.read_bytes()[:-1] + b"!")
    assert on_engine(model, "onnx").network.uses_onnx
    assert len(list(cache.glob("*.onnx"))) == 1  # written again, under the same name


def test_a_cache_that_cannot_be_written_only_costs_time(model, tmp_path, monkeypatch, caplog):
    taken = tmp_path / "file"
    taken.write_bytes(b"")
    monkeypatch.setenv(onnx_network.CACHE_FOLDER_VARIABLE, str(taken))
    assert on_engine(model, "onnx").network.uses_onnx
    assert "cannot be written" in caplog.text


def test_a_user_without_a_home_folder_has_no_cache(monkeypatch):
    for name in (onnx_network.CACHE_FOLDER_VARIABLE, "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", refuse)
    assert not onnx_network.cache_folder().parent.is_dir()
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert onnx_network.cache_folder() == Path("/somewhere/bonefx")


def test_a_network_that_cannot_be_exported_runs_in_pytorch(fast, model, monkeypatch, caplog):
    monkeypatch.setattr(onnx_network, "export_layers", refuse)
    film = make_radiograph()
    with caplog.at_level(logging.ERROR):
        reading = Reader([fast]).read(film)
    assert "tiny runs in PyTorch, which is slower" in caplog.text
    assert not fast.network.uses_onnx
    assert reading.logit == Reader([model]).read(film).logit


def test_an_export_that_differs_is_not_used(fast, model, tmp_path, monkeypatch, caplog):
    folder = make_model_folder(tmp_path, id="other", seed=1)
    other = load_model(folder, device=model.device).network
    export = onnx_network.export_layers
    monkeypatch.setattr(onnx_network, "export_layers", lambda _, **sizes: export(other, **sizes))
    assert not fast.network.uses_onnx
    assert "the exported network differs by" in caplog.text


def test_pytorch_can_be_chosen_and_an_unknown_engine_is_named(model, monkeypatch):
    assert on_engine(model, "torch") is model
    monkeypatch.setenv("BONEFX_ENGINE", "torch")
    assert pick_engine() == "torch"
    assert pick_engine("onnx") == "onnx"
    with pytest.raises(SettingsError, match="unknown engine 'tensorflow'; use onnx or torch"):
        pick_engine("tensorflow")


def test_a_model_on_another_device_stays_in_pytorch(model):
    device = torch.device("meta")
    elsewhere = replace(model, network=deepcopy(model.network).to(device), device=device)
    assert on_engine(elsewhere, "onnx") is elsewhere


def test_the_runtime_keeps_no_telemetry_in_the_users_folder(tmp_path):
    """Its official builds write an identifier of the machine at the import."""
    program = (
        "import bonefx.models.onnx_network as network; runtime = network._silent_runtime(); "
        "print(runtime.__version__)"
    )
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    environment = {name: value for name, value in os.environ.items() if name != TELEMETRY_OFF}
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment | home, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert not list(tmp_path.rglob("*onnxruntime*"))


def test_only_one_place_imports_the_runtime():
    importing = [
        path
        for path in (REPOSITORY / "bonefx").rglob("*.py")
        if re.search(r"^\s+import onnxruntime|^\s*from onnxruntime", path.read_text(), re.M)
    ]
    assert [path.name for path in importing] == ["onnx_network.py"]
