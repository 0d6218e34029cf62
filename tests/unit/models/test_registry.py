"""A model folder is loaded whole and checked, or not at all."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from bonefx.errors import SettingsError, WeightsError
from bonefx.models.registry import load_model, model_ids, pick_device
from tests.fixtures.model_folders import make_manifest, make_model_folder

CPU = torch.device("cpu")


@pytest.fixture
def folder(tmp_path):
    return make_model_folder(tmp_path)


def rewrite(folder, **changes):
    table = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(table | changes))


def test_a_sound_folder_gives_a_frozen_float32_network_in_evaluation_mode(folder):
    model = load_model(folder, device=CPU)
    assert not model.network.training
    assert all(value.dtype == torch.float32 for value in model.network.parameters())
    assert not any(value.requires_grad for value in model.network.parameters())
    assert model.network.backbone.features[0][1].eps == pytest.approx(1e-3)


def test_points_are_found_by_name_and_the_default_without(folder):
    model = load_model(folder, device=CPU)
    assert model.point("screening").name == "screening"
    assert model.point().name == "balanced"
    with pytest.raises(SettingsError, match=r"'lenient'.*screening, balanced, specific"):
        model.point("lenient")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"schema_version": 99}, "schema 99", id="another schema"),
        pytest.param({"architecture": "resnet50"}, "resnet50", id="unknown architecture"),
        pytest.param({"cam_layer": "features.3"}, "features.3", id="another cut"),
        pytest.param({"default_point": "none"}, "'none'", id="default point missing"),
        pytest.param({"bytes": 5}, "bytes", id="another size"),
        pytest.param({"sha256": "1" * 64}, "SHA-256", id="another checksum"),
        pytest.param({"file": "model.pth"}, "safetensors", id="a pickle"),
        pytest.param({"file": "../tiny/model.safetensors"}, "safetensors", id="another folder"),
        pytest.param({"unheard_of": 1}, "unheard_of", id="unknown key"),
        pytest.param({"heat_floor": "low"}, "heat_floor", id="wrong type"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(folder, changes, message):
    rewrite(folder, **changes)
    with pytest.raises(WeightsError, match=message):
        load_model(folder, device=CPU)


def test_a_flipped_byte_is_noticed(folder):
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="SHA-256"):
        load_model(folder, device=CPU)


def test_a_missing_tensor_is_not_made_up(folder):
    path = folder / "model.safetensors"
    state = load_file(path)
    del state["classifier.1.bias"]
    save_file(state, path)
    (folder / "manifest.json").write_text(json.dumps(make_manifest(path.read_bytes())))
    with pytest.raises(WeightsError, match="does not hold the tensors"):
        load_model(folder, device=CPU)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "manifest.json").unlink(), "manifest.json is missing"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "not JSON"),
        (lambda folder: (folder / "model.safetensors").unlink(), "is missing"),
    ],
    ids=["no manifest", "broken manifest", "no weights"],
)
def test_a_missing_or_broken_file_is_named(folder, damage, message):
    damage(folder)
    with pytest.raises(WeightsError, match=message):
        load_model(folder, device=CPU)


def test_models_are_listed_by_name(tmp_path):
    make_model_folder(tmp_path, id="b")
    make_model_folder(tmp_path, id="a")
    (tmp_path / "no_model").mkdir()
    assert model_ids(tmp_path) == ["a", "b"]


def test_the_device_comes_from_the_option_then_from_the_environment(monkeypatch):
    monkeypatch.setenv("BONEFX_DEVICE", "meta")
    assert pick_device("cpu").type == "cpu"
    assert pick_device().type == "meta"
    monkeypatch.delenv("BONEFX_DEVICE")
    assert pick_device().type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("device", ["cuda:99", "toaster"])
def test_a_device_that_is_not_there_is_refused(device):
    with pytest.raises(SettingsError, match="use cpu or auto"):
        pick_device(device)
