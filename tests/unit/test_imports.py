"""Import direction, light imports, and the size of source files."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "bonefx").rglob("*.py"), *(ROOT / "train").rglob("*.py")])


def test_contracts_of_import_linter_hold():
    """The contracts are in pyproject.toml; the message of a failure names the imports."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "room", ["errors", "records", "models.decision", "films.patient_ids", "report"]
)
def test_plain_rooms_load_without_torch(room):
    program = f"import sys, bonefx.{room}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("module", ["bonefx.cli.parser", "train.cli"])
def test_help_loads_no_heavy_library(module):
    heavy = {
        "torch", "numpy", "gradio", "matplotlib", "highdicom", "pydicom", "cv2", "huggingface_hub",
        "PIL", "fpdf", "ray", "pyarrow", "fsspec",
    }  # fmt: skip
    program = f"import sys, {module}; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_no_source_file_is_longer_than_300_lines():
    lengths = {path: len(path.read_text().splitlines()) for path in SOURCES}
    assert {path.name: lines for path, lines in lengths.items() if lines > 300} == {}
