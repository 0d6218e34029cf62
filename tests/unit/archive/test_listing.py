"""Listing of sources, division into shards, and keys for names."""

import os
from pathlib import Path

import pytest

pytest.importorskip("fsspec", reason="bonefx[archive] is not installed")

from bonefx.archive.listing import list_files
from bonefx.archive.names import read_key
from bonefx.archive.plan import SHARD_BYTES, plan_shards
from bonefx.archive.records import ArchiveFile, Partition
from bonefx.archive.stores import find_place
from bonefx.errors import SettingsError


def make_file(name, *, folder="", size_bytes=10):
    path = f"/films/{folder}/{name}"
    return ArchiveFile(
        source="/films", path=path, url=f"file://{path}", name=path, folder=folder,
        size_bytes=size_bytes, stamp="1", chosen=False,
    )  # fmt: skip


def test_a_key_is_made_for_its_owner_alone_and_kept(tmp_path):
    key = read_key(tmp_path / "key")
    assert read_key(tmp_path / "key") == key
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    (tmp_path / "short").write_text("abc")
    with pytest.raises(SettingsError, match="holds 3 bytes"):
        read_key(tmp_path / "short")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param("/none/DOE", "source 1 of 1 does not exist", id="missing"),
        pytest.param("gopher://DOE", "gopher:// is not known to fsspec", id="unknown protocol"),
    ],
)
def test_sources_that_cannot_be_used_are_refused_without_their_names(source, message):
    with pytest.raises(SettingsError, match=message) as stop:
        list_files([source])
    assert "DOE" not in str(stop.value)


def test_a_folder_that_cannot_be_listed_is_counted(tmp_path, monkeypatch):
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes(b"film")
    walk = os.walk

    def refused(root, onerror):
        onerror(PermissionError(13, "Permission denied"))
        return walk(root)

    monkeypatch.setattr("bonefx.archive.listing.os.walk", refused)
    listing = list_files([str(tmp_path)])
    assert (len(listing.files), listing.not_listed) == (2, 1)


def test_a_path_is_never_taken_for_a_chain_of_file_systems():
    assert find_place("a::zip").local
    assert find_place("s3a").path.endswith("/s3a")


def test_files_are_listed_with_their_top_folder_and_stamp(tmp_path):
    film = tmp_path / "films" / "top" / "below" / "film.dcm"
    film.parent.mkdir(parents=True)
    film.write_bytes(b"DICM")
    os.utime(film, ns=(7, 7))
    (file,) = list_files([f"{tmp_path}/films/"]).files
    assert file.name == str(film)
    assert (file.folder, file.size_bytes, file.stamp, file.chosen) == ("top", 4, "7", False)


def test_links_to_files_are_followed_and_broken_ones_are_not_there(tmp_path):
    (tmp_path / "films").mkdir()
    (tmp_path / "film.png").write_bytes(b"film")
    (tmp_path / "films" / "link.png").symlink_to(tmp_path / "film.png")
    (tmp_path / "films" / "broken.png").symlink_to(tmp_path / "none.png")
    (tmp_path / "films" / "loop").symlink_to(tmp_path / "films")
    files = list_files([str(tmp_path / "films")]).files
    assert [Path(file.path).name for file in files] == ["link.png"]


def test_the_same_files_have_the_same_shards_in_every_run_and_changed_ones_others():
    files = [make_file(f"{index}.png") for index in range(5)]
    shards = plan_shards(files, partition=Partition.SHARD, shard_files=2)
    assert [len(shard.files) for shard in shards] == [2, 2, 1]
    again = plan_shards(files, partition=Partition.SHARD, shard_files=2)
    assert [shard.id for shard in again] == [shard.id for shard in shards]
    files[4] = make_file("4.png", size_bytes=11)
    changed = plan_shards(files, partition=Partition.SHARD, shard_files=2)
    assert [old.id == new.id for old, new in zip(shards, changed, strict=True)] == [1, 1, 0]


def test_large_files_make_small_shards():
    files = [make_file(f"{index}.zip", size_bytes=SHARD_BYTES // 2 + 1) for index in range(3)]
    assert len(plan_shards(files, partition=Partition.SHARD, shard_files=256)) == 3


def test_a_shard_by_folder_holds_files_of_one_folder():
    files = [make_file(f"{index}.png", folder="ab"[index % 2]) for index in range(4)]
    shards = plan_shards(files, partition=Partition.FOLDER, shard_files=256)
    assert [(shard.folder, len(shard.files)) for shard in shards] == [("a", 2), ("b", 2)]


def test_a_circle_of_links_is_counted_and_ends_no_listing(tmp_path):
    (tmp_path / "film.png").write_bytes(b"film")
    (tmp_path / "round.png").symlink_to(tmp_path / "round.png")
    listing = list_files([str(tmp_path)])
    assert [file.size_bytes for file in listing.files] == [4]
    assert listing.not_listed == 1
