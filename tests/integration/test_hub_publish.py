"""A model folder is published to a Hugging Face repository, against a fake hub."""

import hashlib
import json
import shutil

import pytest
import yaml
from huggingface_hub import constants

from bonefx.cli.parser import main as bonefx
from tests.fixtures.servers.app import SHIPPED_WEIGHTS
from tests.integration.hub_commands import FILM, NO_MODELS, NOBODY, REPO, run, run_in_subprocess
from train.cli import main as train


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """Copy a shipped model folder and add files that a user may have left in it."""
    folder = tmp_path_factory.mktemp("weights") / "efficientnet_b0"
    shutil.copytree(SHIPPED_WEIGHTS / "efficientnet_b0", folder)
    (folder / "logits.csv").write_text("film,logit\npatient.dcm,1.0\n")
    (folder / "best.safetensors").write_bytes(b"a checkpoint")
    (folder / "film.png").write_bytes(b"a film that the card does not show")
    return folder


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
    assert facts["license"] == "other"  # some films are for research use only
    assert "research-use-only" in facts["license_name"]
    assert (facts["library_name"], facts["pipeline_tag"]) == ("bonefx", "image-classification")
    assert facts["datasets"] == ["fracatlas-and-4-other-collections"]
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
