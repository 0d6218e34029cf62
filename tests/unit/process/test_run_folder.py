"""The folder of a run: private, deleted however the run ends, and never that of another run."""

import os
import stat
import tempfile

import pytest
from filelock import FileLock

from bonefx.process.run_folder import delete_leftovers, run_folder


@pytest.fixture(autouse=True)
def parent(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path / "runs"


def leave(parent, name):
    """Leave the folder of a run that crashed; returns the folder."""
    folder = parent / f"bonefx-run-{name}"
    (folder / "uploads").mkdir(parents=True)
    folder.with_suffix(".lock").touch()
    return folder


def test_uploads_and_temporary_files_go_to_a_private_folder_until_the_end(parent):
    with run_folder() as folder:
        assert folder.parent == parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert os.environ["GRADIO_TEMP_DIR"] == str(folder / "uploads")
        assert os.environ["MPLCONFIGDIR"] == str(folder / "matplotlib")
        with tempfile.NamedTemporaryFile(delete=False) as file:
            assert file.name.startswith(f"{folder / 'temporary'}/")
    assert list(parent.iterdir()) == []
    assert os.environ["GRADIO_TEMP_DIR"] == str(parent)


def test_the_folder_goes_when_the_run_fails(parent):
    with pytest.raises(KeyboardInterrupt), run_folder():
        raise KeyboardInterrupt
    assert list(parent.iterdir()) == []


def test_leftovers_of_crashed_runs_are_deleted_and_nothing_else(parent):
    crashed, running = leave(parent, "crashed"), leave(parent, "running")
    (parent / "bonefx-run-foreign").mkdir()  # without a lock it is not ours
    (parent / "else").mkdir()
    with FileLock(running.with_suffix(".lock")):
        delete_leftovers(parent)
        assert not crashed.exists()
        assert not crashed.with_suffix(".lock").exists()
        assert (running / "uploads").is_dir()
    assert (parent / "bonefx-run-foreign").is_dir()
    assert (parent / "else").is_dir()


def test_a_link_in_place_of_a_lock_or_a_folder_deletes_nothing_elsewhere(parent, tmp_path):
    target = tmp_path / "target"
    (target / "films").mkdir(parents=True)
    linked = leave(parent, "linked")
    linked.joinpath("uploads").rmdir()
    linked.rmdir()
    linked.symlink_to(target)
    lock = leave(parent, "lock").with_suffix(".lock")
    lock.unlink()
    lock.symlink_to(target / "films")
    delete_leftovers(parent)
    assert (target / "films").is_dir()
    assert lock.is_symlink()
