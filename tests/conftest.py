"""Mark each test by its folder, and start the app once for all tests that need it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.evaluations import make_three_models
from tests.fixtures.model_folders import copy_with_open_scope, make_model_folder
from tests.fixtures.servers.app import SHIPPED_WEIGHTS, ServedApp, serve_app


def pytest_collection_modifyitems(items):
    """Mark each test as unit, integration or browser, by its folder."""
    for item in items:
        item.add_marker(item.path.relative_to(Path(__file__).parent).parts[0])


def pytest_collection_finish():
    """Keep the garbage collector from looking through the imported libraries again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", params=["tiny", "shipped"])
def app(request, tmp_path_factory) -> Iterator[ServedApp]:
    """Serve a tiny seeded model, and the shipped weights where there are any.

    The shipped weights accept every film here, because these tests use synthetic ones; their own
    scope is tested in integration/test_shipped_weights.py.
    """
    folder = tmp_path_factory.mktemp(request.param)
    weights = folder / "weights"
    if request.param == "tiny":
        make_model_folder(weights)
    else:
        weights = copy_with_open_scope(SHIPPED_WEIGHTS, weights)
    with serve_app(weights, folder) as served:
        yield served


@pytest.fixture(scope="session")
def app_of_three(tmp_path_factory) -> Iterator[ServedApp]:
    """Serve three small models; see make_three_models."""
    folder = tmp_path_factory.mktemp("three")
    make_three_models(folder / "weights")
    with serve_app(folder / "weights", folder) as served:
        yield served
