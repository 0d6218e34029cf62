"""The import direction of the house: a room knows only the rooms below it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORDER = [
    {"errors"},
    {"schema", "attempts"},
    {"login"},
    {"records"},
    {"windows"},
    {"dicom"},
    {"study"},
    {"images", "preprocess", "decide", "report", "markers", "film_rules", "body_parts"},
    {"sources"},
    {"networks", "scope"},
    {"pyramid", "low_rank"},
    {"architectures"},
    {"manifest"},
    {"registry"},
    {"hub", "comparisons", "evaluation"},
    {"cam"},
    {"explain"},
    {"trust", "gate"},
    {"compose"},
    {"reader", "compare"},
    {"worklist", "second"},
    {"commands", "ui"},
    {"cli"},
    {"__main__"},
]
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
ABOVE = ("bonefx.ui", "bonefx.cli", "bonefx.commands")
CORE = sorted((ROOT / "bonefx").rglob("*.py"))
TRAIN = sorted((ROOT / "train").rglob("*.py"))


def room_of(path: Path) -> str:
    relative = path.relative_to(ROOT / "bonefx")
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported(path: Path) -> set[str]:
    """Dotted names of all modules that a file imports, at the top or inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", [p for p in CORE if p.stem != "__init__"], ids=lambda p: p.name)
def test_a_room_of_bonefx_imports_only_rooms_below_it(path):
    own = LEVEL[room_of(path)]
    for name in imported(path):
        package, _, rest = name.partition(".")
        room = rest.split(".")[0]
        if package == "bonefx" and room in LEVEL and room != room_of(path):
            assert LEVEL[room] < own, f"{path.name} may not import {name}"


@pytest.mark.parametrize("path", CORE, ids=lambda p: p.name)
def test_bonefx_never_imports_train(path):
    assert not any(name.split(".")[0] == "train" for name in imported(path))


@pytest.mark.parametrize("path", TRAIN, ids=lambda p: p.name)
def test_train_never_imports_the_screens_or_the_command_line(path):
    assert not any(name.startswith(ABOVE) for name in imported(path))


@pytest.mark.parametrize("path", CORE + TRAIN, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_only_the_screens_import_gradio(path):
    if "ui" not in path.parts:
        assert not any(name.split(".")[0] == "gradio" for name in imported(path))


@pytest.mark.parametrize("room", ["errors", "records", "decide", "study", "report"])
def test_plain_rooms_load_without_torch(room):
    program = f"import sys, bonefx.{room}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("module", ["bonefx.cli", "train.cli"])
def test_help_loads_no_heavy_library(module):
    heavy = {
        "torch", "numpy", "gradio", "matplotlib", "highdicom", "pydicom", "cv2", "huggingface_hub",
        "PIL", "fpdf",
    }  # fmt: skip
    program = f"import sys, {module}; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_no_source_file_is_longer_than_300_lines():
    lengths = {path: len(path.read_text().splitlines()) for path in [*CORE, *TRAIN]}
    assert {path.name: lines for path, lines in lengths.items() if lines > 300} == {}
