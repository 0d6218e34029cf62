"""What the app, training and the tests install."""

import ast
import re
import sys
import tomllib
from pathlib import Path

from bonefx.cli import archive
from train.cli import parser as cli

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MODULE_OF = {  # of packages that are imported by another name
    "fonttools": "fontTools", "fpdf2": "fpdf", "grad-cam": "pytorch_grad_cam",
    "markdown-it-py": "markdown_it", "opencv-python-headless": "cv2", "pillow": "PIL",
    "prometheus-client": "prometheus_client",
    "python-gdcm": "gdcm", "pyyaml": "yaml", "scikit-learn": "sklearn",
}  # fmt: skip
BY_OTHERS = {"anyio", "markupsafe", "mcp", "_typeshed"}  # of starlette, of jinja2, extras
IF_INSTALLED = {"gdcm"}  # bonefx never decodes with it
FOR_OTHERS = {"onnx"}  # torch needs it to export networks
OWN = {"bonefx", "train", "app"}


def modules_of(requirements):
    names = [re.split(r"[<>=\[]", line)[0] for line in requirements if not line.startswith("#")]
    return {MODULE_OF.get(name, name) for name in names if name}


def imports_of(*paths):
    """Top-level modules that Python files import, without the standard library's and our own."""
    files = [file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - OWN - BY_OTHERS


APP = modules_of((ROOT / "requirements.txt").read_text().splitlines())
SAMPLES = {"pydicom-data", "scikit-image"}  # sample pictures, opened by name and not imported
TRAIN = modules_of(PROJECT["project"]["optional-dependencies"]["train"]) - SAMPLES


EXTRAS = PROJECT["project"]["optional-dependencies"]
ARCHIVE, METRICS, PACS = (modules_of(EXTRAS[name]) for name in ("archive", "metrics", "pacs"))


def test_requirements_hold_what_the_app_imports():
    imported = imports_of(ROOT / "bonefx", ROOT / "app.py") - IF_INSTALLED
    assert imported - ARCHIVE - METRICS - PACS == APP - FOR_OTHERS


def test_extra_archive_holds_what_only_archives_import():
    assert imports_of(ROOT / "bonefx" / "archive") - APP == ARCHIVE
    assert set(archive.PACKAGES) == ARCHIVE


def test_extra_pacs_holds_what_only_the_pacs_route_imports():
    assert imports_of(ROOT / "bonefx" / "pacs") - APP == PACS


def test_extra_train_holds_what_only_training_imports():
    assert imports_of(ROOT / "train") - APP == TRAIN
    assert set(cli.TRAINING_PACKAGES) == TRAIN


def test_training_without_its_extra_ends_with_the_command_that_installs_it(monkeypatch, capsys):
    monkeypatch.setattr(cli, "TRAINING_PACKAGES", ("scipy", "no_such_package"))
    assert cli.main(["fit", "recipe.toml", "--data", "data", "--out", "run"]) == 2
    told = capsys.readouterr().err
    assert "(no_such_package)" in told
    assert "pip install --editable '.[train]'" in told
