"""The app as its users meet it: a process of its own, started once for all tests that need it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bonefx.web.worklist.session_list import LIST_FOLDER_PREFIX
from tests.fixtures.factories import copy_with_open_scope, make_model_folder, make_three_models

REPOSITORY = Path(__file__).parent.parent
SHIPPED = REPOSITORY / "weights"
START_S = 120


@dataclass(frozen=True, kw_only=True)
class ServedApp:
    """A running app.

    Attributes:
        url: Where it answers, without a slash at the end.
        log: File that holds its stdout and stderr.
        uploads: Folder that holds uploaded files as long as they exist.
    """

    url: str
    log: Path
    uploads: Path

    @property
    def lists(self) -> list[Path]:
        """Private folders of worklists that exist now."""
        return list(self.uploads.parent.glob(f"{LIST_FOLDER_PREFIX}*"))


@pytest.fixture(scope="session", params=["tiny", "shipped"])
def app(request, tmp_path_factory) -> Iterator[ServedApp]:
    """The app with a tiny seeded model, and with the shipped weights where there are any.

    The shipped weights read every picture here, as tests of the screens use drawn films; what
    their own scope refuses is tested in integration/test_shipped_weights.py.
    """
    folder = tmp_path_factory.mktemp(request.param)
    weights = folder / "weights"
    if request.param == "tiny":
        make_model_folder(weights)
    else:
        weights = copy_with_open_scope(SHIPPED, weights)
    with serving(weights, folder) as served:
        yield served


@pytest.fixture(scope="session")
def app_of_three(tmp_path_factory) -> Iterator[ServedApp]:
    """The app with three small models; see factories.make_three_models."""
    folder = tmp_path_factory.mktemp("three")
    make_three_models(folder / "weights")
    with serving(folder / "weights", folder) as served:
        yield served


@contextmanager
def serving(weights: Path, folder: Path, **settings: str) -> Iterator[ServedApp]:
    """Run the app with a folder of models, its log and uploads in another folder.

    Args:
        weights: Folder of models.
        folder: For its log and uploads.
        settings: More of the environment, such as BONEFX_AUTH.
    """
    with (folder / "log").open("w") as log:
        port = free_port()
        process = start_app(weights, port=port, uploads=folder / "uploads", log=log, **settings)
        try:
            served = ServedApp(
                url=f"http://127.0.0.1:{port}", log=folder / "log", uploads=folder / "uploads"
            )
            wait_until_it_answers(served, process)
            yield served
        finally:
            process.terminate()
            process.wait(timeout=30)


def start_app(
    weights: Path, *, port: int, uploads: Path, log, **settings: str
) -> subprocess.Popen[bytes]:
    """Start app.py on a port of this machine."""
    settings |= {
        "BONEFX_WEIGHTS": str(weights), "BONEFX_PORT": str(port), "BONEFX_HOST": "127.0.0.1",
        "GRADIO_TEMP_DIR": str(uploads), "TMPDIR": str(uploads.parent),
    }  # fmt: skip
    command = [sys.executable, "app.py", "--device", "cpu"]
    return subprocess.Popen(
        command, cwd=REPOSITORY, env=os.environ | settings, stdout=log, stderr=log
    )


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_it_answers(served: ServedApp, process: subprocess.Popen[bytes]) -> None:
    """Return when the page is served; fail with the log when the process ends before."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(served.url, timeout=5)
        except httpx.TransportError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the app did not start:\n{served.log.read_text()}")
