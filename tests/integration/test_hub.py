"""Models are published to a Hugging Face repository and loaded from it, against a fake hub."""

import hashlib
import json
import os
import shutil
import subprocess
import sys

import pytest
import yaml
from huggingface_hub import constants

import app
from bonefx.cli.parser import main as bonefx
from bonefx.web import page as web_page
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.servers.app import REPOSITORY, SHIPPED_WEIGHTS
from tests.fixtures.servers.fake_hub import TOKEN, serve_fake_hub
from train.cli import main as train

REPO = "hospital/bonefx"
NOBODY = "http://127.0.0.1:9"  # where nothing listens
FILM = str(REPOSITORY / "examples" / "IMG0000479.jpg")
NO_MODELS = ("--weights", str(REPOSITORY / "docs"), "--device", "cpu")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Serve a fake hub to huggingface_hub in this process, with a cache of its own."""
    with serve_fake_hub() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        template = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield hub


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """Copy a shipped model folder and add files that a user may have left in it."""
    folder = tmp_path_factory.mktemp("weights") / "efficientnet_b0"
    shutil.copytree(SHIPPED_WEIGHTS / "efficientnet_b0", folder)
    (folder / "logits.csv").write_text("film,logit\npatient.dcm,1.0\n")
    (folder / "best.safetensors").write_bytes(b"a checkpoint")
    (folder / "film.png").write_bytes(b"a film that the card does not show")
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Return the files of a small model, by name."""
    folder = make_model_folder(tmp_path_factory.mktemp("tiny"))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def with_manifest(files, **changes):
    """Return the files of a model with other manifest entries."""
    manifest = json.loads(files["manifest.json"]) | changes
    return files | {"manifest.json": json.dumps(manifest).encode()}


def run(capsys, command, *arguments):
    """Run a command in this process; returns exit code, parsed JSON lines and stderr."""
    capsys.readouterr()
    code = command([str(argument) for argument in arguments])
    told = capsys.readouterr()
    return code, [json.loads(line) for line in told.out.splitlines()], told.err


def run_in_subprocess(module, *arguments, **settings):
    """Run a command in a subprocess with its own environment."""
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)], cwd=REPOSITORY,
        env=os.environ | settings, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_a_published_model_reads_a_film_as_its_folder_does_and_then_without_a_network(
    hub, shipped, tmp_path, capsys
):
    code, (publication,), told = run(capsys, train, "publish", shipped, REPO, "--revision", "v1")
    assert code == 0, told
    asked = ("read", FILM, "--model", f"hf:{REPO}@v1", *NO_MODELS)
    settings = {"HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1"}
    fetched = run_in_subprocess("bonefx", *asked, **settings, HF_ENDPOINT=hub.url)
    cached = run_in_subprocess("bonefx", *asked, **settings, HF_ENDPOINT=NOBODY)
    _, (own,), _ = run(capsys, bonefx, "read", FILM, "--model", shipped, *NO_MODELS)
    commit = publication["commit"]
    for ended in (fetched, cached):
        assert ended.returncode == 0, ended.stderr
        assert f"hf:{REPO}@{commit}" in ended.stderr
        reading = json.loads(ended.stdout)
        assert reading["logit"] == pytest.approx(own["logit"], abs=1e-5)
        assert reading["weights_sha256"] == own["weights_sha256"]
        assert reading["model"] == f"efficientnet_b0@{commit[:8]}"


def test_only_the_documented_files_are_published_byte_for_byte_in_one_commit(hub, shipped, capsys):
    code, lines, _ = run(capsys, train, "publish", shipped, REPO)
    assert code == 0
    repository = hub.repositories[REPO]
    assert repository.branches == {"main": lines[0]["commit"]}
    assert len(repository.commits) == 2  # the Hub's own first one, and ours
    arrived = repository.commits[lines[0]["commit"]]
    del arrived[".gitattributes"]
    pictures = {"figures.png", "training.png"}  # the card shows both
    weights = {"model.safetensors", "scope.safetensors"}
    own = {"CARD.md", "manifest.json", "evaluation.json"} | weights | pictures
    assert set(arrived) == own | {"README.md"}
    assert {name: arrived[name] for name in own} == {
        name: (shipped / name).read_bytes() for name in own
    }
    listed = {file["file"]: file["sha256"] for file in lines[0]["files"]}
    assert listed == {name: hashlib.sha256(held).hexdigest() for name, held in arrived.items()}


def test_the_repository_page_is_the_card_with_front_matter_and_test_figures(hub, shipped, capsys):
    run(capsys, train, "publish", shipped, REPO)
    repository = hub.repositories[REPO]
    page = repository.commits[repository.branches["main"]]["README.md"].decode()
    _, matter, card = page.split("---\n", 2)
    assert card.strip().startswith((shipped / "CARD.md").read_text().strip())
    assert f"--model hf:{REPO}\n" in card
    facts = yaml.safe_load(matter)
    assert facts["license"] == "cc-by-4.0"
    assert (facts["library_name"], facts["pipeline_tag"]) == ("bonefx", "image-classification")
    assert facts["datasets"] == ["fracatlas"]
    result = facts["model-index"][0]["results"][0]
    measured = {metric["type"]: metric["value"] for metric in result["metrics"]}
    test = json.loads((shipped / "evaluation.json").read_text())["splits"]["test"]
    assert result["dataset"]["split"] == "test"
    assert measured["roc_auc"] == pytest.approx(test["auroc"]["value"], abs=1e-4)
    assert measured["brier_score"] == pytest.approx(test["after"]["brier"]["value"], abs=1e-4)


def test_a_dry_run_lists_the_files_without_a_request(hub, shipped, capsys, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    code, lines, _ = run(capsys, train, "publish", shipped, REPO, "--dry-run")
    assert (code, hub.asked, lines[0]["commit"]) == (0, [], None)
    weights = next(file for file in lines[0]["files"] if file["file"] == "model.safetensors")
    content = (shipped / "model.safetensors").read_bytes()
    assert weights == {
        "file": "model.safetensors",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def test_publishing_to_another_branch_does_not_change_main(hub, shipped, capsys):
    _, (first,), _ = run(capsys, train, "publish", shipped, REPO)
    _, (second,), _ = run(capsys, train, "publish", shipped, REPO, "--revision", "next")
    branches = hub.repositories[REPO].branches
    assert branches == {"main": first["commit"], "next": second["commit"]}
    page = hub.repositories[REPO].commits[second["commit"]]["README.md"].decode()
    assert f"hf:{REPO}@next" in page


def test_a_private_repository_is_made_private_and_a_public_one_is_refused(hub, shipped, capsys):
    assert run(capsys, train, "publish", shipped, REPO, "--private")[0] == 0
    assert hub.repositories[REPO].private
    held = hub.add("hospital/open", {})
    code, lines, told = run(capsys, train, "publish", shipped, "hospital/open", "--private")
    assert (code, lines) == (2, [])
    assert "exists and is public" in told
    assert hub.repositories["hospital/open"].branches == {"main": held}


def damage_weights(folder):
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "model.safetensors").write_bytes(content)


def replace_evaluation(folder):
    table = json.loads((folder / "evaluation.json").read_text()) | {"model": "another"}
    (folder / "evaluation.json").write_text(json.dumps(table))


@pytest.mark.parametrize(
    ("damage", "code", "message"),
    [
        pytest.param(damage_weights, 4, "SHA-256", id="another checksum"),
        pytest.param(lambda folder: (folder / "CARD.md").unlink(), 4, "CARD.md", id="no card"),
        pytest.param(
            lambda folder: (folder / "figures.png").unlink(), 4, "figures.png", id="no figure"
        ),
        pytest.param(
            lambda folder: (folder / "evaluation.json").unlink(), 5, "evaluation", id="unmeasured"
        ),
        pytest.param(replace_evaluation, 5, "export the model again", id="another model's"),
    ],
)
def test_a_damaged_or_incomplete_folder_is_not_published(
    hub, shipped, tmp_path, capsys, damage, code, message
):
    folder = tmp_path / shipped.name
    shutil.copytree(shipped, folder)
    damage(folder)
    found, lines, told = run(capsys, train, "publish", folder, REPO)
    assert (found, lines, hub.asked) == (code, [], [])
    assert message in told


def remove_token(hub, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")


def remove_write_access(hub, monkeypatch):
    hub.read_only = True


def remove_network(hub, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", NOBODY)


def fill_storage(hub, monkeypatch):
    hub.full = True


def enable_xet(hub, monkeypatch):
    """Enable Xet storage, which the fake hub does not have."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(remove_token, "hf auth login", id="no token"),
        pytest.param(remove_write_access, "refuses this token for hospital/bonefx", id="no rights"),
        pytest.param(remove_network, "check the network", id="no network"),
        pytest.param(enable_xet, "check the network", id="no storage"),
        pytest.param(fill_storage, "answered HTTP 400", id="a file that is refused"),
    ],
)
def test_a_failed_upload_is_reported_with_a_remedy(
    hub, shipped, capsys, monkeypatch, change, message
):
    change(hub, monkeypatch)
    code, lines, told = run(capsys, train, "publish", shipped, REPO)
    assert (code, lines) == (2, [])
    assert all(len(held.commits) == 1 for held in hub.repositories.values())
    assert message in told
    assert "Traceback" not in told


@pytest.mark.parametrize("repo", ["no_owner", "a/b/c", "a b/c", "owner/x..y"])
def test_an_invalid_repository_name_is_refused_first(capsys, repo):
    code, _, told = run(capsys, train, "publish", "nowhere", repo)
    assert code == 2
    assert "write OWNER/NAME" in told


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
    monkeypatch.setattr(web_page, "launch", lambda page, settings, *, tools: pages.append(page))
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
