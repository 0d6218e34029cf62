"""Rows of an archive: one for each film, and none lost to a bad one."""

import pytest

pytest.importorskip("ray", reason="bonefx[archive] is not installed")

import zipfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import torch

from bonefx.archive.records import Partition
from bonefx.archive.results import results_schema
from bonefx.errors import BonefxError
from bonefx.films.sources import find_films
from bonefx.reading.reader import Reader
from bonefx.reading.worklist import read_worklist
from bonefx.reading.worklist_tables import row_table
from bonefx.records import Verdict
from bonefx.report.table_records import RowTable
from tests.fixtures.archives import (
    ALWAYS_KILLS,
    ENGINE,
    RAISES,
    film_bytes,
    make_request,
    read_here,
    rows_of,
    write_films,
)
from tests.fixtures.image_files import encode_image, make_colourful


@pytest.fixture
def films(tmp_path):
    return write_films(tmp_path / "films", films=5)


def test_every_film_has_the_row_that_the_worklist_gives_it(weights, films, tmp_path):
    request = make_request(weights, tmp_path / "out", films)
    read_here(request)
    reader = Reader.from_folder(weights, device=torch.device("cpu"), engine=ENGINE)
    found = find_films([(str(films), films)]).films
    expected = [row_table(row) for row in read_worklist(reader, found, thumbnails=False)]
    rows = rows_of(tmp_path / "out")
    assert [row["film"] for row in rows] == [row["film"] for row in expected]
    for row, table in zip(rows, expected, strict=True):
        assert row["probability"] == pytest.approx(table["probability"], abs=1e-5)
        for name in ("verdict", "reason", "reason_code", "sha256", "model", "point", "film_notes"):
            assert row[name] == table[name]


def test_columns_are_those_of_the_worklist_and_the_shard():
    schema = results_schema()
    assert schema.names == [*(field.name for field in fields(RowTable)), "shard"]
    assert schema.field("place").type == pa.int64()
    assert schema.field("verdict").type == pa.string()
    assert schema.field("models_disagree").type == pa.bool_()


def test_archives_bad_files_and_others_are_treated_as_in_the_worklist(weights, films, tmp_path):
    with zipfile.ZipFile(films / "disc.zip", "w") as archive:
        archive.writestr("in/first.png", film_bytes(20))
        archive.writestr("in/second.png", film_bytes(21))
        archive.writestr("viewer.exe", b"MZ")
    (films / "bad.png").write_bytes(b"no film")
    (films / "notes.txt").write_text("x")
    (films / ".hidden.png").write_bytes(film_bytes(22))
    summary = read_here(make_request(weights, tmp_path / "out", films))
    rows = {row["film"].removeprefix(f"{films}/"): row for row in rows_of(tmp_path / "out")}
    assert len(rows) == summary.films == 8
    assert "not an image" in rows["bad.png"]["error"]
    assert rows["bad.png"]["verdict"] is None
    assert rows["disc.zip/in/second.png"]["error"] is None
    assert (summary.errors, summary.left_out) == (1, 3)
    assert sum(summary.verdicts.values()) == 7
    assert set(summary.verdicts) == set(Verdict)


def test_a_film_at_which_the_reader_fails_has_a_row_and_costs_no_other_film_its_own(
    weights, films, tmp_path
):
    (films / f"{RAISES}.png").write_bytes(film_bytes(30))
    summary = read_here(make_request(weights, tmp_path / "out", films, shard_files=2))
    rows = rows_of(tmp_path / "out")
    assert len(rows) == summary.films == 6
    (failed,) = [row for row in rows if row["error"]]
    assert failed["film"].endswith(f"{RAISES}.png")
    assert "RuntimeError in archives.py" in failed["error"]
    assert str(films) not in failed["error"]


@pytest.mark.parametrize("shard_files", [1, 4, 20])
def test_a_film_that_always_ends_its_readers_process_is_a_row_with_its_error(
    weights, films, tmp_path, shard_files
):
    (films / f"{ALWAYS_KILLS}.png").write_bytes(film_bytes(30))
    summary = read_here(make_request(weights, tmp_path / "out", films, shard_files=shard_files))
    rows = rows_of(tmp_path / "out")
    assert (len(rows), summary.films, summary.errors) == (6, 6, 1)
    (failed,) = [row for row in rows if row["error"]]
    assert failed["film"].endswith(f"{ALWAYS_KILLS}.png")
    assert "the process of the reader ended" in failed["error"]


def test_a_run_in_which_nothing_can_be_read_ends_with_the_reason(weights, tmp_path):
    films = write_films(tmp_path / "films", films=4, name=RAISES)
    with pytest.raises(BonefxError, match="not one of 2 shards could be read: RuntimeError"):
        read_here(make_request(weights, tmp_path / "out", films, shard_files=2))


def test_copies_in_a_shard_name_the_first_one(weights, tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.png").write_bytes(film_bytes(0))
    sources = [tmp_path / f"{name}.png" for name in "abc"]
    read_here(make_request(weights, tmp_path / "out", *sources))
    rows = rows_of(tmp_path / "out")
    assert [(row["place"], row["same_as"]) for row in rows] == [(1, None), (2, 1), (3, 1)]


def test_a_film_named_by_itself_is_read_whatever_it_is_called(weights, tmp_path):
    (tmp_path / "film").write_bytes(b"no film")
    summary = read_here(make_request(weights, tmp_path / "out", tmp_path / "film"))
    assert (summary.films, summary.errors, summary.left_out) == (1, 1, 0)


def test_overlapping_sources_give_one_row_a_film(weights, films, tmp_path):
    summary = read_here(make_request(weights, tmp_path / "out", films, films / "a"))
    assert summary.files == summary.films == 5


def test_names_that_are_no_utf_8_are_read(weights, tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    Path(f"{folder}/\udcff.png").write_bytes(film_bytes(0))
    summary = read_here(make_request(weights, tmp_path / "out", folder))
    assert (summary.films, summary.errors) == (1, 0)
    assert read_here(make_request(weights, tmp_path / "out", folder)).read_now == 0


def test_results_by_folder_hold_the_top_folder_as_a_column(weights, films, tmp_path):
    (films / "top.png").write_bytes(film_bytes(9))
    request = make_request(weights, tmp_path / "out", films, partition=Partition.FOLDER)
    read_here(request)
    rows = rows_of(tmp_path / "out")
    folders = {Path(row["film"]).name: row["folder"] for row in rows}
    assert folders.pop("top.png") is None
    assert sorted(folders.values()) == ["a", "a", "a", "b", "b"]


def test_folders_of_results_hold_odd_names_and_numbers_as_they_are(weights, tmp_path):
    folders = ["007", "a%41 b=c"]
    for seed, folder in enumerate(folders):
        (tmp_path / "films" / folder).mkdir(parents=True)
        (tmp_path / "films" / folder / "film.png").write_bytes(film_bytes(seed))
    out = tmp_path / "out"
    read_here(make_request(weights, out, tmp_path / "films", partition=Partition.FOLDER))
    by_folder = ds.partitioning(pa.schema([("folder", pa.string())]), flavor="hive")
    rows = ds.dataset(out / "results", partitioning=by_folder).to_table().to_pylist()
    assert sorted(row["folder"] for row in rows) == folders


def test_a_photograph_is_counted_as_out_of_scope_or_not_read(weights, tmp_path):
    (tmp_path / "photo.png").write_bytes(encode_image(make_colourful()))
    summary = read_here(make_request(weights, tmp_path / "out", tmp_path / "photo.png"))
    assert summary.verdicts[Verdict.OUT_OF_SCOPE] + summary.errors == 1


def test_a_shard_is_no_larger_than_asked_for(weights, films, tmp_path):
    seen: list[Any] = []
    request = replace(make_request(weights, tmp_path / "out", films), shard_files=2)
    read_here(request, seen=seen)
    assert [len(shard.files) for shard in seen] == [2, 2, 1]
