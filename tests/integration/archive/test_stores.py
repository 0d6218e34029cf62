"""Sources and results in object stores, and names that must not be kept."""

import pytest

pytest.importorskip("ray", reason="bonefx[archive] is not installed")

import tempfile
from typing import Any

import fsspec

from bonefx.archive import fetch
from bonefx.archive.names import Names, read_key
from bonefx.errors import SettingsError
from tests.fixtures.archives import film_bytes, make_request, read_here, rows_of, write_films
from tests.fixtures.image_files import PATIENT_NAME


@pytest.fixture
def store():
    """An object store in memory with three films, one of them damaged."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    for index in range(3):
        content = b"no film" if index == 2 else film_bytes(index)
        memory.pipe_file(f"/bucket/films/{PATIENT_NAME}-{index}.png", content)
    yield memory
    memory.store.clear()


def test_an_object_store_is_read_into_an_object_store(weights, store):
    request = make_request(weights, "memory://bucket/out", "memory://bucket/films")
    summary = read_here(request)
    assert (summary.films, summary.errors) == (3, 1)
    rows = rows_of("/bucket/out", store)
    assert rows[0]["film"] == f"memory://bucket/films/{PATIENT_NAME}-0.png"
    assert read_here(request).read_now == 0


def test_an_object_that_is_replaced_is_read_again(weights, store):
    request = make_request(weights, "memory://bucket/out", "memory://bucket/films")
    read_here(request)
    store.pipe_file(f"/bucket/films/{PATIENT_NAME}-2.png", film_bytes(7))
    assert read_here(request).errors == 0
    assert len(rows_of("/bucket/out", store)) == 3


@pytest.mark.parametrize("named", [False, True], ids=["Linux", "other systems"])
def test_copies_of_objects_are_gone_when_they_are_read(
    weights, store, tmp_path, monkeypatch, named
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if named:
        monkeypatch.setattr(fetch, "OPEN_FILES", tmp_path / "none")
    seen: list[Any] = []

    def note(file, kept):
        found = fetched(file, kept)
        seen.append((found.read_bytes(), list(tmp_path.iterdir())))
        return found

    fetched = fetch._fetch
    monkeypatch.setattr(fetch, "_fetch", note)
    read_here(make_request(weights, "memory://bucket/out", "memory://bucket/films"))
    assert {content for content, _ in seen} == {film_bytes(0), film_bytes(1), b"no film"}
    assert any(files for _, files in seen) is named
    assert list(tmp_path.iterdir()) == []


def test_a_file_url_is_read_without_a_copy(weights, tmp_path):
    films = write_films(tmp_path / "films", films=2)
    summary = read_here(make_request(weights, f"file://{tmp_path}/out", f"file://{films}"))
    assert summary.films == len(rows_of(tmp_path / "out")) == 2


def test_a_file_that_its_store_does_not_give_is_left_to_the_next_run(weights, store, monkeypatch):
    request = make_request(weights, "memory://bucket/out", "memory://bucket/films")
    opened = store.open

    def fail(path, *arguments, **options):
        if path.endswith("1.png"):
            raise TimeoutError
        return opened(path, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(type(store), "open", lambda _, *rest, **options: fail(*rest, **options))
        summary = read_here(request)
    assert (summary.films, summary.not_fetched) == (2, 1)
    summary = read_here(request)
    assert (summary.films, summary.not_fetched, summary.read_now) == (3, 0, 1)
    assert len(rows_of("/bucket/out", store)) == 3


def test_an_object_that_is_gone_since_it_was_listed_has_a_row(weights, store, monkeypatch):
    request = make_request(weights, "memory://bucket/out", "memory://bucket/films")
    opened = store.open

    def fail(path, *arguments, **options):
        if path.endswith("1.png"):
            raise FileNotFoundError(2, "No such file", path)
        return opened(path, *arguments, **options)

    monkeypatch.setattr(type(store), "open", lambda _, *rest, **options: fail(*rest, **options))
    summary = read_here(request)
    assert (summary.films, summary.errors, summary.not_fetched) == (3, 2, 0)
    assert rows_of("/bucket/out", store)[1]["error"].startswith("the file cannot be opened")


def test_hashed_names_hide_every_name_and_can_be_found_with_the_key(weights, tmp_path):
    films = write_films(tmp_path / "films", films=2)
    names = Names(key=read_key(tmp_path / "key"))
    request = make_request(weights, tmp_path / "out", films, names=names)
    read_here(request)
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*.*"))
    assert PATIENT_NAME.encode() not in written
    assert str(films).encode() not in written
    known = {names.written(str(path)) for path in films.rglob("*.png")}
    assert {row["film"] for row in rows_of(tmp_path / "out")} == known
    assert read_here(request).read_now == 0


def test_another_key_into_the_same_folder_is_refused(weights, tmp_path):
    films = write_films(tmp_path / "films", films=1)
    read_here(make_request(weights, tmp_path / "out", films))
    names = Names(key=read_key(tmp_path / "key"))
    with pytest.raises(SettingsError, match="another --hash-names"):
        read_here(make_request(weights, tmp_path / "out", films, names=names))


def test_results_inside_a_source_are_refused(weights, tmp_path):
    films = write_films(tmp_path / "films", films=1)
    with pytest.raises(SettingsError, match="--out lies inside source 1 of 1"):
        read_here(make_request(weights, films / "out", films))
