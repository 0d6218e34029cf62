"""Apps of a small model that a test may stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.fixtures.model_folders import make_model_folder
from tests.fixtures.servers.app import ServedApp, find_free_port, start_app, wait_for_app


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Write one small model."""
    folder = tmp_path_factory.mktemp("small") / "weights"
    make_model_folder(folder)
    return folder


@pytest.fixture
def start(weights, tmp_path) -> Iterator[Callable]:
    """Return a function that starts the app with settings; it returns the app and its process."""

    @contextmanager
    def running(**settings):
        port = find_free_port()
        served = ServedApp(
            url=f"http://127.0.0.1:{port}", log=tmp_path / "log", uploads=tmp_path / "uploads"
        )
        with served.log.open("a") as log:
            process = start_app(weights, port=port, uploads=served.uploads, log=log, **settings)
        try:
            wait_for_app(served, process)
            yield served, process
        finally:
            process.kill()
            process.wait()

    with ExitStack() as apps:
        yield lambda **settings: apps.enter_context(running(**settings))
