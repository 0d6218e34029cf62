"""One small model for all tests of archives."""

import pytest

from tests.fixtures.model_folders import make_model_folder


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    make_model_folder(folder)
    return folder
