"""Add the models and the example films to the wheel. All other settings are in pyproject.toml."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

DATA_FOLDERS = ("weights", "examples")  # found again by bonefx.data_folder
LEFT_OUT = shutil.ignore_patterns("logits.csv", "cache", "*.py", "__pycache__")  # training only


class BuildWithData(build_py):
    """Copy the data folders of the checkout into the package."""

    def run(self) -> None:
        """Build into an empty folder, so that no module of an older build is included."""
        if self.editable_mode:
            super().run()
            return
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        for name in DATA_FOLDERS:
            target = Path(self.build_lib) / "bonefx" / name
            shutil.copytree(name, target, ignore=LEFT_OUT, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithData})
