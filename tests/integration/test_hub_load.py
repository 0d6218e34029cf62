"""Models are loaded from a Hugging Face repository, against a fake hub."""

import json

import pytest
from huggingface_hub import constants

import app
from bonefx.cli.parser import main as bonefx
from bonefx.web.launch import Service
from tests.fixtures.model_folders import make_model_folder
from tests.integration.hub_commands import FILM, NO_MODELS, REPO, run


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Return the files of a small model, by name."""
    folder = make_model_folder(tmp_path_factory.mktemp("tiny"))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def with_manifest(files, **changes):
    """Return the files of a model with other manifest entries."""
    manifest = json.loads(files["manifest.json"]) | changes
    return files | {"manifest.json": json.dumps(manifest).encode()}


def test_only_the_files_of_the_model_are_downloaded(hub, tiny, tmp_path, capsys):
    others = {"pytorch_model.bin": b"a pickle", "train.csv": b"names", "other.png": b"a film"}
    documents = {"evaluation.json": b"{}", "CARD.md": b"# tiny", "figures.png": b"a plot"}
    commit = hub.add(REPO, tiny | others | documents)
    code, lines, _ = run(capsys, bonefx, "models", "--model", f"hf:{REPO}", *NO_MODELS)
    assert code == 0
    assert lines[0]["model"] == f"tiny@{commit[:8]}"
    assert lines[0]["origin"] == f"hf:{REPO}@{commit}"
    fetched = {path.name for path in (tmp_path / "cache").glob("models--*/snapshots/*/*")}
    assert fetched == {"manifest.json", "model.safetensors", "scope.safetensors", *documents}


def test_a_downloaded_model_requests_only_its_revision_again(hub, tiny, capsys):
    hub.add(REPO, tiny)
    asked = ("models", "--model", f"hf:{REPO}", *NO_MODELS)
    run(capsys, bonefx, *asked)
    hub.asked.clear()
    assert run(capsys, bonefx, *asked)[0] == 0
    assert {path.rpartition("/")[2] for path in hub.asked} == {"manifest.json"}


def test_one_model_from_two_sources_has_two_names_and_is_loaded_once(hub, tiny, tmp_path, capsys):
    make_model_folder(tmp_path / "weights")
    first = hub.add(REPO, tiny)
    hub.repositories[REPO].branches["v1"] = first
    second = hub.add(REPO, {"CARD.md": b"new"})
    wanted = [f"--model=hf:{REPO}{at}" for at in ("", "@v1", f"@{first}")]
    own = f"--model={tmp_path / 'weights' / 'tiny'}"
    weights = ("--weights", tmp_path / "weights", "--device", "cpu")
    code, lines, _ = run(capsys, bonefx, "models", *wanted, own, *weights)
    assert code == 0
    names = [line["model"] for line in lines]
    assert names == ["tiny", f"tiny@{second[:8]}", f"tiny@{first[:8]}"]


def test_the_app_offers_a_repository_beside_its_own_models(
    hub, tiny, tmp_path, capsys, monkeypatch
):
    make_model_folder(tmp_path / "weights")
    commit = hub.add(REPO, tiny)
    pages = []
    monkeypatch.setattr(Service, "serve", lambda self: not pages.append(self.page))
    monkeypatch.setenv("BONEFX_WEIGHTS", str(tmp_path / "weights"))
    assert app.main(["--device", "cpu", "--model", f"hf:{REPO}"]) == 0
    assert f"tiny, tiny@{commit[:8]} (hf:{REPO}@{commit})" in capsys.readouterr().err
    choice = next(block for block in pages[0].blocks.values() if block.elem_id == "model")
    assert [value for _, value in choice.choices] == ["tiny", f"tiny@{commit[:8]}"]


def test_two_folders_of_one_id_are_refused(tmp_path, capsys):
    weights = make_model_folder(tmp_path / "weights").parent
    other = make_model_folder(tmp_path / "other")
    code, _, told = run(capsys, bonefx, "models", "--weights", weights, "--model", other)
    assert code == 4
    assert "tiny, tiny" in told
    assert "another id" in told


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"sha256": "1" * 64}, "another SHA-256", id="another checksum"),
        pytest.param({"file": "../model.safetensors"}, "not a safetensors file", id="parent"),
        pytest.param({"file": "/etc/model.safetensors"}, "not a safetensors file", id="absolute"),
        pytest.param({"file": "a\\model.safetensors"}, "not a safetensors file", id="backslash"),
        pytest.param({"file": "model.bin"}, "pickles", id="pickle"),
        pytest.param({"id": "../tiny"}, "not a plain model id", id="id that is a path"),
        pytest.param({"id": "<b>"}, "not a plain model id", id="id that is markup"),
        pytest.param({"training_data": "x" * (1 << 20)}, "at most", id="too large"),
    ],
)
def test_a_repository_with_a_wrong_or_escaping_manifest_is_refused(
    hub, tiny, capsys, changes, message
):
    hub.add(REPO, with_manifest(tiny, **changes))
    code, lines, told = run(capsys, bonefx, "read", FILM, "--model", f"hf:{REPO}", *NO_MODELS)
    assert (code, lines) == (4, [])
    assert f"hf:{REPO}: " in told
    assert message in told
    if "sha256" not in changes:  # only then were the weights asked for
        assert not any("safetensors" in path or "large" in path for path in hub.asked)


def test_a_manifest_that_is_too_large_is_not_downloaded(hub, tiny, capsys):
    hub.add(REPO, with_manifest(tiny, training_data="x" * (1 << 20)))
    assert run(capsys, bonefx, "models", "--model", f"hf:{REPO}", *NO_MODELS)[0] == 4
    assert any(asked.startswith("HEAD") for asked in hub.asked)
    assert not any(asked.startswith("GET /hospital") for asked in hub.asked)


@pytest.mark.parametrize(
    ("wanted", "code", "message"),
    [
        pytest.param("hf:nobody/nothing", 4, "no model repository nobody/nothing", id="missing"),
        pytest.param("hf:hospital/gated", 4, "ask for access", id="gated"),
        pytest.param("hf:hospital/bonefx@v9", 4, "no such revision", id="no revision"),
        pytest.param("hf:hospital/text", 4, "holds no bonefx model", id="no manifest"),
        pytest.param("hf:hospital/half", 4, "holds no bonefx model", id="no weights"),
        pytest.param("hf:bonefx", 2, "write OWNER/NAME", id="no owner"),
        pytest.param("hf:hospital/bonefx@../x", 2, "cannot be a revision", id="odd revision"),
        pytest.param("hf:hospital/bonefx@", 2, "cannot be a revision", id="empty revision"),
        pytest.param("./nowhere/tiny", 4, "manifest.json is missing", id="no such folder"),
    ],
)
def test_a_model_that_cannot_be_downloaded_is_reported_with_a_message(
    hub, tiny, capsys, wanted, code, message
):
    hub.add(REPO, tiny)
    hub.add("hospital/gated", tiny, gated=True)
    hub.add("hospital/text", {"README.md": b"text"})
    hub.add("hospital/half", {"manifest.json": tiny["manifest.json"]})
    found, lines, told = run(capsys, bonefx, "read", FILM, "--model", wanted, *NO_MODELS)
    assert (found, lines) == (code, [])
    assert message in told
    assert "Traceback" not in told


def test_a_model_that_was_never_downloaded_needs_the_network(hub, capsys, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    code, _, told = run(capsys, bonefx, "read", FILM, "--model", f"hf:{REPO}", *NO_MODELS)
    assert code == 4
    assert "was not fetched before" in told
