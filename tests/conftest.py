"""Mark each test by its folder, and start the app once for all tests that need it.

Product and libraries are imported inside of the fixtures: the process that hands out the tests
needs neither, and would import them before the others start.
"""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

NETWORK_CACHE = pytest.StashKey[tempfile.TemporaryDirectory[str]]()

if TYPE_CHECKING:
    from tests.fixtures.servers.app import ServedApp


def pytest_configure(config):
    """Give all processes of a run one cache of exported networks, not the user's own."""
    if not hasattr(config, "workerinput"):
        config.stash[NETWORK_CACHE] = tempfile.TemporaryDirectory(prefix="bonefx-tests-")
        os.environ["BONEFX_CACHE"] = config.stash[NETWORK_CACHE].name


def pytest_unconfigure(config):
    """Remove that cache."""
    if NETWORK_CACHE in config.stash:
        config.stash[NETWORK_CACHE].cleanup()


def pytest_collection_modifyitems(items):
    """Mark each test as unit, integration or browser, by its folder."""
    for item in items:
        item.add_marker(item.path.relative_to(Path(__file__).parent).parts[0])


def pytest_collection_finish():
    """Keep the garbage collector from looking through the imported libraries again and again."""
    gc.collect()
    gc.freeze()


def _write_models(name: str, weights: Path) -> None:
    """Write the models of a name: tiny, three or shipped.

    Tests use synthetic films, so the shipped models get scopes that accept every film;
    integration/test_shipped_weights.py tests the scopes.
    """
    from tests.fixtures.evaluations import make_three_models
    from tests.fixtures.model_folders import copy_with_open_scope, make_model_folder
    from tests.fixtures.servers.app import SHIPPED_WEIGHTS

    match name:
        case "tiny":
            make_model_folder(weights)
        case "three":
            make_three_models(weights)
        case _:
            copy_with_open_scope(SHIPPED_WEIGHTS, weights)


@pytest.fixture(scope="session")
def served_apps(tmp_path_factory) -> Iterator[Callable[[str], ServedApp]]:
    """Serve the app with the models of a name; each app starts once, when it is first asked for."""
    from tests.fixtures.servers.app import serve_app

    with ExitStack() as running:

        @cache
        def serve(name: str) -> ServedApp:
            folder = tmp_path_factory.mktemp(name)
            _write_models(name, folder / "weights")
            return running.enter_context(serve_app(folder / "weights", folder))

        yield serve


@pytest.fixture(scope="session", params=["tiny", "shipped"])
def app(request, served_apps) -> ServedApp:
    """Serve a tiny seeded model, and the shipped models."""
    return served_apps(request.param)


@pytest.fixture(scope="session")
def app_of_three(served_apps) -> ServedApp:
    """Serve three small models; see make_three_models."""
    return served_apps("three")
