"""Files in the working directory never shadow a library: each entry, in a process of its own."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.fixtures.dicom_files import make_jpeg_lossless_dicom
from tests.fixtures.servers.app import REPOSITORY

READ_FILM = "from bonefx.films import formats; print(formats.read('film.dcm').pixels.shape)"
SHADOWED = "raise SystemExit('a library was shadowed')\n"


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make_jpeg_lossless_dicom(tmp_path_factory.mktemp("film"))


def run_in(folder, *arguments):
    """Run Python in a folder, with the package found as after an installation."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "name", ["dl/__init__.py", "dl/film.png", "dl.py", "DLFCN.py", "downloads/__init__.py"]
)
def test_a_compressed_film_is_read_beside_a_folder_of_any_name(film, tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    shutil.copy(film, tmp_path / "film.dcm")
    finished = run_in(tmp_path, "-c", READ_FILM)
    assert finished.stderr == ""
    assert finished.stdout.startswith("(")


COMMANDS = [
    pytest.param(["-m", "bonefx", "models", "--weights", "."], 4, "no model", id="bonefx"),
    pytest.param(["app.py", "--weights", "."], 4, "no model", id="app.py"),
    pytest.param(
        ["-m", "train", "fit", "none.toml", "--data", ".", "--out", "run"], 5, "none.toml",
        id="train",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "code", "message"), COMMANDS)
def test_no_entry_takes_a_library_from_the_working_directory(tmp_path, arguments, code, message):
    shutil.copy(REPOSITORY / "app.py", tmp_path)
    for name in ("torch", "numpy", "cv2"):
        (tmp_path / f"{name}.py").write_text(SHADOWED)
    finished = run_in(tmp_path, *arguments)
    assert "shadowed" not in finished.stderr
    assert (finished.returncode, finished.stdout) == (code, "")
    assert message in finished.stderr


def test_the_console_script_takes_no_library_from_the_working_directory(tmp_path):
    (tmp_path / "numpy.py").write_text(SHADOWED)
    script = tmp_path / "bin" / "bonefx"  # as pip writes it
    script.parent.mkdir()
    script.write_text("import sys\nfrom bonefx.cli.parser import main\nsys.exit(main())\n")
    finished = run_in(tmp_path, str(script), "models", "--weights", ".")
    assert finished.returncode == 4, finished.stderr


def test_a_checkout_that_is_not_installed_still_finds_itself(tmp_path):
    for name in ("bonefx", "train"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    (tmp_path / "numpy.py").write_text(SHADOWED)
    finished = subprocess.run(
        [sys.executable, "-m", "train", "fit", "none.toml", "--data", ".", "--out", "run"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert (finished.returncode, "none.toml" in finished.stderr) == (5, True), finished.stderr
