"""The app is published to a Hugging Face Space, against a fake hub, and starts there."""

from __future__ import annotations

import shutil
import subprocess

import httpx
import pytest
import yaml

from bonefx.errors import SettingsError
from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.servers.app import REPOSITORY, serve_app
from tests.fixtures.servers.calls import TIMEOUT_S
from tests.integration.hub_commands import run
from train.cli import main as train
from train.publish.hub_commit import Part
from train.publish.space_upload import publish_space, space_page, space_parts

SPACE = "hospital/bonefx"
TRACKED = {
    "README.md": "---\nsdk: gradio\nlicense: mit\n---\n\n# bonefx\n\n## Use\nx\n",
    "app.py": "print()\n", "requirements.txt": "torch\n", "LICENSE": "MIT\n",
    "CITATION.cff": "title: bonefx\n", "bonefx/__init__.py": "", "bonefx/old.py": "",
    "weights/m/model.safetensors": "numbers", "weights/m/logits.csv": "film,logit\n",
    "examples/films.json": "[]", "examples/choose.py": "", "train/__init__.py": "",
    "tests/__init__.py": "", "docs/results.md": "",
}  # fmt: skip
SENT = {
    "README.md", "app.py", "requirements.txt", "LICENSE", "CITATION.cff", "bonefx/__init__.py",
    "bonefx/old.py", "weights/m/model.safetensors", "examples/films.json",
}  # fmt: skip


def git(folder, *arguments):
    author = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    program = shutil.which("git")
    subprocess.run([program, "-C", folder, *author, *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path):
    """A small checkout, with a film of a patient that git does not track."""
    folder = tmp_path / "checkout"
    for name, text in TRACKED.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "Begin")
    (folder / "examples" / "Miller.dcm").write_bytes(b"a film")
    return folder


def files_of(hub, commit):
    return hub.repositories[SPACE].commits[commit]


def test_a_space_gets_the_tracked_files_of_the_app_in_one_commit(hub, checkout):
    publication = publish_space(SPACE, checkout=checkout)
    space = hub.repositories[SPACE]
    assert (space.kind, space.sdk, space.private) == ("space", "gradio", False)
    assert len(space.commits) == 2  # the Hub's own first one, and ours
    arrived = files_of(hub, publication.commit)
    assert set(arrived) == SENT | {".gitattributes"}
    assert arrived["weights/m/model.safetensors"] == b"numbers"


def test_a_file_that_was_removed_leaves_the_space_too(hub, checkout):
    publish_space(SPACE, checkout=checkout)
    git(checkout, "rm", "bonefx/old.py")
    git(checkout, "commit", "-m", "Remove")
    again = publish_space(SPACE, checkout=checkout)
    assert set(files_of(hub, again.commit)) == (SENT | {".gitattributes"}) - {"bonefx/old.py"}


def test_a_space_of_another_app_is_refused_and_keeps_its_files(hub, checkout):
    commit = hub.add(SPACE, {"app.py": b"another", "model.bin": b"numbers"})
    hub.repositories[SPACE].kind, hub.repositories[SPACE].sdk = "space", "gradio"
    with pytest.raises(SettingsError, match=r"Space of another app: it has model\.bin"):
        publish_space(SPACE, checkout=checkout)
    assert list(hub.repositories[SPACE].commits) == [commit]


def test_changes_that_are_not_committed_are_refused_but_listed(hub, checkout):
    (checkout / "app.py").write_text("changed\n")
    with pytest.raises(SettingsError, match=r"1 files differ .* app\.py; commit or stash"):
        publish_space(SPACE, checkout=checkout)
    assert {
        file.file for file in publish_space(SPACE, checkout=checkout, dry_run=True).files
    } == SENT
    assert hub.asked == []


def test_a_folder_without_git_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="use a checkout"):
        publish_space(SPACE, checkout=tmp_path, dry_run=True)


def test_a_private_space_is_made_private_and_a_public_one_is_refused(hub, checkout):
    publish_space(SPACE, checkout=checkout, private=True)
    assert hub.repositories[SPACE].private
    hub.add("hospital/open", {})
    with pytest.raises(SettingsError, match="exists and is public"):
        publish_space("hospital/open", checkout=checkout, private=True)


def test_the_command_lists_the_files_of_this_checkout_without_a_request(hub, capsys, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    code, (publication,), _ = run(capsys, train, "space", SPACE, "--dry-run")
    assert (code, hub.asked, publication["commit"]) == (0, [], None)
    names = {file["file"] for file in publication["files"]}
    assert {"app.py", "README.md", "weights/efficientnet_b0/model.safetensors"} <= names
    folders = {name.split("/")[0] for name in names if "/" in name}
    assert folders == {"bonefx", "weights", "examples"}
    assert not [name for name in names if name.endswith(("logits.csv", "choose.py"))]


def test_the_page_is_the_introduction_with_the_configuration_and_no_link_to_other_files():
    page = space_page((REPOSITORY / "README.md").read_text(encoding="utf-8"))
    _, matter, text = page.split("---\n", 2)
    settings = yaml.safe_load(matter)
    assert (settings["sdk"], settings["app_file"]) == ("gradio", "app.py")
    assert settings["suggested_hardware"] == "cpu-basic"
    assert "not a medical device" in text
    assert "docs/" not in text


def write(folder, part: Part):
    path = folder / part.file
    path.parent.mkdir(parents=True, exist_ok=True)
    content = part.content
    path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())


def test_the_files_of_a_space_are_enough_to_serve_the_app(tmp_path):
    space = tmp_path / "space"
    for part in space_parts(REPOSITORY):
        write(space, part)
    package = space / "bonefx" / "__init__.py"
    package.write_text(package.read_text().replace('__version__ = "', '__version__ = "space-'))
    make_model_folder(tmp_path / "weights")
    settings = {"SPACE_ID": SPACE}
    program = (str(space / "app.py"),)
    with serve_app(tmp_path / "weights", tmp_path, program=program, **settings) as app:
        health = httpx.get(f"{app.url}/healthz", timeout=TIMEOUT_S).json()
        page = httpx.get(app.url, timeout=TIMEOUT_S)
    assert health["status"] == "ok"
    assert health["version"].startswith("space-")  # not the package of this checkout
    assert "frame-ancestors https://huggingface.co" in page.headers["content-security-policy"]
