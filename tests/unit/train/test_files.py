"""Files are written whole or not at all, and one process at a time writes into a folder."""

import errno
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from safetensors import SafetensorError

from bonefx.errors import RecipeError
from train import files
from train.files import lock_folder, write_atomically

ROOT = Path(__file__).parents[3]
HOLD = """
import sys, time
from pathlib import Path
from train.files import lock_folder
with lock_folder(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def other_process(tmp_path):
    """Another process that holds the lock of a folder, until the test or a kill ends it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "run")], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"locked\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


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


def test_a_replaced_file_is_kept_under_the_name_for_the_previous_one(tmp_path):
    path, previous = tmp_path / "state", tmp_path / "state.previous"
    for text in ("first", "second", "third"):
        write_atomically(path, partial(Path.write_text, data=text), previous=previous)
    assert (path.read_text(), previous.read_text()) == ("third", "second")
    assert sorted(tmp_path.iterdir()) == [path, previous]


def test_a_file_reaches_the_disk_before_its_name_and_the_name_before_the_end(tmp_path, monkeypatch):
    """The order of calls that a power failure cannot break."""
    calls = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: calls.append(kind_of(descriptor)))
    whole = Path.replace

    def replace(path, target):
        calls.append(f"{path.name} to {target.name}")
        return whole(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    (tmp_path / "state").write_text("first")
    write_atomically(
        tmp_path / "state", lambda part: part.write_text("new"), previous=tmp_path / "before"
    )
    assert calls == ["file", "state to before", ".state.part to state", "folder"]


def kind_of(descriptor):
    return "folder" if Path(f"/proc/self/fd/{descriptor}").resolve().is_dir() else "file"


def test_a_file_system_that_cannot_flush_folders_is_no_error(tmp_path, monkeypatch):
    whole = os.fsync

    def refuse_folders(descriptor):
        if kind_of(descriptor) == "folder":
            raise OSError(errno.EINVAL, "Invalid argument")
        whole(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    write_atomically(tmp_path / "state", lambda part: part.write_text("new"))
    assert (tmp_path / "state").read_text() == "new"


def test_a_folder_in_use_is_refused_with_what_to_do(tmp_path, other_process, monkeypatch):
    monkeypatch.setattr(files, "LOCK_WAIT_S", 0)
    with (
        pytest.raises(RecipeError, match=r"another training runs in run; wait .* another --out"),
        lock_folder(tmp_path / "run"),
    ):
        pytest.fail("two processes hold one lock")


def test_the_lock_of_a_killed_process_does_not_block(tmp_path, other_process):
    other_process.kill()
    other_process.wait()
    with lock_folder(tmp_path / "run"):
        assert (tmp_path / "run" / ".lock").is_file()


def test_a_lock_is_free_after_an_error_in_its_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LOCK_WAIT_S", 0)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), lock_folder(tmp_path / "run"):
            raise KeyboardInterrupt


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "run").write_text("a file")
    with (
        pytest.raises(RecipeError, match=r"run cannot be locked .*; choose another --out"),
        lock_folder(tmp_path / "run"),
    ):
        pytest.fail("a file was locked as a folder")
