"""Which files of a folder are complete, and that each is returned once."""

import os
import shutil

import pytest

from bonefx.pacs.folder_watch import FolderWatch


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "films"


class ReadingWatch(FolderWatch):
    """Takes each file that it returns for read."""

    def poll(self, now_s):
        ready = super().poll(now_s)
        for path in ready:
            self.mark_read(path)
        return ready


@pytest.fixture
def watch(folder):
    folder.mkdir()
    return ReadingWatch(folder, settled_s=3)


def test_a_file_is_returned_once_it_has_not_changed_for_a_while(watch, folder):
    film = folder / "film.dcm"
    film.write_bytes(b"a part")
    assert watch.poll(0) == []
    film.write_bytes(b"a part and the rest")
    assert watch.poll(2) == []
    assert watch.poll(4) == []
    assert watch.poll(5) == [film]
    assert watch.poll(9) == []


def test_a_file_that_is_written_again_is_returned_again(watch, folder):
    film = folder / "film.dcm"
    film.write_bytes(b"one")
    watch.poll(0)
    assert watch.poll(3) == [film]
    film.write_bytes(b"two")
    os.utime(film, ns=(1, 1))
    watch.poll(4)
    assert watch.poll(7) == [film]


def test_files_of_subfolders_count_but_neither_hidden_nor_empty_ones(watch, folder):
    inside = folder / "study" / "film.dcm"
    inside.parent.mkdir()
    inside.write_bytes(b"film")
    (folder / ".film.dcm.part").write_bytes(b"film")
    (folder / "empty.dcm").touch()
    watch.poll(0)
    assert watch.poll(3) == [inside]


def test_a_folder_that_is_away_for_a_while_is_not_read_again(watch, folder):
    film = folder / "film.dcm"
    film.write_bytes(b"film")
    watch.poll(0)
    assert watch.poll(3) == [film]
    away = shutil.move(folder, folder.with_name("away"))
    with pytest.raises(OSError, match="No such file"):
        watch.poll(6)
    shutil.move(away, folder)
    watch.poll(9)
    assert watch.poll(12) == []


def test_a_file_that_cannot_be_looked_at_for_a_while_is_not_read_again(watch, folder, monkeypatch):
    film = folder / "film.dcm"
    film.write_bytes(b"film")
    watch.poll(0)
    assert watch.poll(3) == [film]
    with monkeypatch.context() as patch:

        def lost(*_, **__):
            raise OSError(5, "Input/output error")

        patch.setattr(type(film), "lstat", lost)
        assert watch.poll(6) == []
        assert watch.not_listed == 1
    watch.poll(9)
    assert watch.poll(12) == []
    assert watch.not_listed == 0


def test_a_file_that_was_deleted_is_forgotten(watch, folder):
    film = folder / "film.dcm"
    film.write_bytes(b"film")
    watch.poll(0)
    assert watch.poll(3) == [film]
    film.unlink()
    watch.poll(4)
    film.write_bytes(b"film")
    watch.poll(5)
    assert watch.poll(8) == [film]


def test_a_file_is_returned_until_it_was_read(folder):
    folder.mkdir()
    watch = FolderWatch(folder, settled_s=0)
    files = [folder / name for name in ("one.dcm", "two.dcm")]
    for file in files:
        file.write_bytes(b"film")
    assert watch.poll(0) == files
    watch.mark_read(files[0])
    assert watch.poll(1) == [files[1]]


def test_links_are_no_files_whatever_they_lead_to(watch, folder, tmp_path):
    secret = tmp_path / "secret.dcm"
    secret.write_bytes(b"film")
    (folder / "film.dcm").symlink_to(secret)
    (folder / "loop.dcm").symlink_to(folder / "loop.dcm")
    (folder / "folder").symlink_to(tmp_path)
    watch.poll(0)
    assert watch.poll(3) == []
    assert watch.not_listed == 0


def test_a_fault_of_one_file_keeps_no_file_that_is_gone_and_was_not_read(
    watch, folder, monkeypatch
):
    gone, lost = folder / "gone.dcm", folder / "lost.dcm"
    for path in (gone, lost):
        path.write_bytes(b"film")
    lstat = type(lost).lstat

    def fail(path):
        if path == lost:
            raise OSError(5, "Input/output error")
        return lstat(path)

    watch.poll(0)
    monkeypatch.setattr(type(lost), "lstat", fail)
    gone.unlink()
    assert watch.poll(3) == []
    assert watch.not_listed == 1
