"""A wheel, installed: it holds the app with its models, reads a film and serves the page."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.servers.app import REPOSITORY, ServedApp, find_free_port, wait_for_app

SOURCES = (
    "bonefx", "train", "weights", "examples", "pyproject.toml", "setup.py", "MANIFEST.in",
    "requirements.txt", "README.md", "LICENSE",
)  # fmt: skip
PYTHON = "Scripts/python.exe" if os.name == "nt" else "bin/python"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel of this checkout, built from a copy so that the checkout stays clean."""
    copy, built = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        source = REPOSITORY / name
        copy_one = shutil.copytree if source.is_dir() else shutil.copy
        copy_one(source, copy / name)
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
        "--no-index", "--wheel-dir", built, copy)  # fmt: skip
    return next(built.glob("bonefx-*.whl"))


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory) -> Path:
    """A virtual environment with the wheel, and the libraries of this one; returns its Python."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / PYTHON
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps",
        "--no-index", wheel)  # fmt: skip
    libraries = Path(pytest.__file__).parents[1]
    (site / "libraries.pth").write_text(f"{libraries}\n")
    return python


def run(*command: object, **settings: str) -> str:
    """Run a command outside the checkout; returns its stdout, or fails with its stderr."""
    words = [str(part) for part in command]
    ended = subprocess.run(
        words, cwd="/", env=os.environ | settings, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_wheel_holds_the_app_its_models_and_examples_and_no_second_package(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"bonefx"}
    for name in ("manifest.json", "model.safetensors", "scope.safetensors", "CARD.md"):
        assert f"bonefx/weights/efficientnet_b0/{name}" in names
    assert "bonefx/examples/films.json" in names
    assert "bonefx/web/assets/js/shared.js" in names
    assert not [name for name in names if "train/" in name or name.endswith("logits.csv")]


def test_every_file_beside_the_sources_is_in_the_wheel(wheel):
    """Templates, scripts and style sheets, wherever they are in the package."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = REPOSITORY / "bonefx"
    files = {
        path.relative_to(REPOSITORY).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    assert files - names == set()


def test_installed_wheel_imports_its_own_package_and_no_train(environment):
    program = (
        "import bonefx, importlib.util, json; from bonefx.models.registry import WEIGHTS; "
        "print(json.dumps([bonefx.__file__, str(WEIGHTS), WEIGHTS.is_dir(), "
        "importlib.util.find_spec('train') is None]))"
    )
    file, weights, exists, without_train = json.loads(run(environment, "-c", program))
    assert Path(file).is_relative_to(environment.parents[1])
    assert Path(weights).is_relative_to(environment.parents[1])
    assert exists
    assert without_train


def test_installed_command_reads_an_example(environment, tmp_path):
    make_model_folder(tmp_path / "weights")
    film = REPOSITORY / "examples" / "IMG0000801.jpg"
    line = run(
        environment.parent / "bonefx", "read", film, BONEFX_WEIGHTS=str(tmp_path / "weights")
    )
    reading = json.loads(line)
    assert reading["model"] == "tiny"
    assert reading["verdict"] in {"fracture", "no_fracture", "review"}


def test_installed_command_serves_the_page(environment, tmp_path):
    make_model_folder(tmp_path / "weights")
    port = find_free_port()
    settings = {
        "BONEFX_WEIGHTS": str(tmp_path / "weights"), "BONEFX_PORT": str(port),
        "BONEFX_DEVICE": "cpu", "GRADIO_TEMP_DIR": str(tmp_path / "uploads"),
    }  # fmt: skip
    served = ServedApp(
        url=f"http://127.0.0.1:{port}", log=tmp_path / "log", uploads=tmp_path / "uploads"
    )
    with served.log.open("w") as log:
        process = subprocess.Popen(
            [environment.parent / "bonefx", "serve"], cwd="/", env=os.environ | settings,
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            wait_for_app(served, process)
        finally:
            process.terminate()
            process.wait(timeout=30)
