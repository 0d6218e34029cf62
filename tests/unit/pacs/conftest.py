"""A reader of one small model."""

import pytest
import torch

from bonefx.reading.reader import Reader
from tests.fixtures.model_folders import make_model_folder


@pytest.fixture(scope="session")
def reader(tmp_path_factory):
    weights = tmp_path_factory.mktemp("pacs") / "weights"
    make_model_folder(weights)
    return Reader.from_folder(weights, device=torch.device("cpu"), engine="torch")
