"""One small model for all tests of archives; without the extra they are left out."""

import pytest

from tests.fixtures.model_folders import make_model_folder

collect_ignore_glob: list[str] = []
try:
    import fsspec  # noqa: F401
    import pyarrow  # noqa: F401
    import ray  # noqa: F401
except ImportError:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    make_model_folder(folder)
    return folder
