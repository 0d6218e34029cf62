"""Files are written whole or not at all."""

import errno

import pytest
from safetensors import SafetensorError

from bonefx.errors import RecipeError
from train.files import write_atomically


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(OSError(errno.ENOSPC, "No space left on device"), id="ours"),
        pytest.param(RuntimeError("[enforce fail at inline_container.cc:671]"), id="torch.save's"),
        pytest.param(SafetensorError("I/O error: os error 28"), id="safetensors'"),
    ],
)
def test_a_failed_write_leaves_the_existing_file(tmp_path, error):
    path = tmp_path / "log.csv"
    path.write_text("whole")

    def write(part):
        part.write_text("ha")
        raise error

    with pytest.raises(RecipeError, match=r"log.csv could not be written.*free some disk space"):
        write_atomically(path, write)
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_other_errors_of_a_writer_keep_their_traceback(tmp_path):
    def write(part):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        write_atomically(tmp_path / "log.csv", write)
