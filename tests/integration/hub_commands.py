"""Commands and settings of the hub tests."""

import json
import os
import subprocess
import sys

from tests.fixtures.servers.app import REPOSITORY

REPO = "hospital/bonefx"
NOBODY = "http://127.0.0.1:9"  # where nothing listens
FILM = str(REPOSITORY / "examples" / "IMG0000479.jpg")
NO_MODELS = ("--weights", str(REPOSITORY / "docs"), "--device", "cpu")


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
