"""A run goes on where the one before it stopped: nothing lost, nothing doubled."""

import pytest

pytest.importorskip("ray", reason="bonefx[archive] is not installed")

import os
from dataclasses import replace
from typing import Any

from bonefx.archive.ledger import claim_folder
from bonefx.archive.run import read_archive
from bonefx.archive.stores import open_out
from bonefx.errors import BonefxError, SettingsError
from bonefx.records import FilmEdit
from tests.fixtures.archives import (
    FragileReader,
    ReaderHere,
    film_bytes,
    make_request,
    pool_here,
    read_here,
    rows_of,
    write_films,
)


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def films(tmp_path):
    return write_films(tmp_path / "films", films=4)


@pytest.fixture
def request_(weights, films, tmp_path):
    return make_request(weights, tmp_path / "out", films, shard_files=2)


def stop_after_first_shard(request):
    def stop(_):
        raise KilledError

    with pytest.raises(KilledError):
        read_archive(request, report=stop, make_pool=pool_here())


def names_in(rows):
    return [row["film"] for row in rows]


def test_a_stopped_run_goes_on_with_the_files_that_are_left(request_, tmp_path):
    stop_after_first_shard(request_)
    before = rows_of(tmp_path / "out")
    assert len(before) == 2
    seen: list[Any] = []
    summary = read_here(request_, seen=seen)
    rows = rows_of(tmp_path / "out")
    assert (summary.films, summary.read_now, len(rows)) == (4, 2, 4)
    assert len(set(names_in(rows))) == 4
    assert [file.name for shard in seen for file in shard.files] == [
        name for name in names_in(rows) if name not in names_in(before)
    ]


def test_a_finished_archive_is_counted_again_without_workers(request_):
    first = read_here(request_)

    def no_pool(*_):
        raise AssertionError("workers were started")

    again = read_archive(request_, report=lambda _: None, make_pool=no_pool)
    assert (again.films, again.verdicts, again.read_now) == (4, first.verdicts, 0)
    assert again.films_per_s_of_worker is None


def test_only_new_films_are_read(request_, films):
    read_here(request_)
    (films / "new.png").write_bytes(film_bytes(40))
    summary = read_here(request_)
    assert (summary.films, summary.read_now) == (5, 1)


def test_a_film_that_has_changed_is_read_again_and_has_one_row(request_, films, tmp_path):
    read_here(request_)
    changed = sorted((films / "a").iterdir())[0]
    old = {row["film"]: row["sha256"] for row in rows_of(tmp_path / "out")}
    changed.write_bytes(film_bytes(50))
    os.utime(changed, ns=(1, 1))
    summary = read_here(request_)
    rows = rows_of(tmp_path / "out")
    new = {row["film"]: row["sha256"] for row in rows}
    assert summary.films == len(rows) == len(new) == 4
    assert [name for name in new if new[name] != old[name]] == [str(changed)]


def test_films_that_are_gone_keep_their_rows(request_, films):
    read_here(request_)
    next((films / "b").iterdir()).unlink()
    assert read_here(request_).films == 4


def test_a_film_in_two_shards_keeps_one_row(request_, tmp_path):
    """As after a worker of a killed run that wrote at the last moment."""
    read_here(request_)
    results = tmp_path / "out" / "results"
    first = sorted(results.iterdir())[0]
    (results / "shard-zz.parquet").write_bytes(first.read_bytes())
    summary = read_here(request_)
    assert summary.films == len(rows_of(tmp_path / "out")) == 4


def test_what_an_interrupted_write_left_is_removed(request_, tmp_path):
    stop_after_first_shard(request_)
    part = tmp_path / "out" / "results" / ".part-0123"
    part.write_bytes(b"PAR1")
    assert read_here(request_).films == 4
    assert not part.exists()


def test_a_worker_of_an_older_run_writes_nothing_more(request_, tmp_path):
    def claim_by_another(_):
        claim_folder(open_out(request_.out), request_.settings)

    with pytest.raises(BonefxError, match="another run writes into the folder") as stop:
        read_archive(request_, report=claim_by_another, make_pool=pool_here())
    assert stop.value.exit_code == SettingsError.exit_code
    assert len(rows_of(tmp_path / "out")) == 2
    assert read_here(request_).films == 4


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"point": "screening"}, "operating point", id="point"),
        pytest.param({"model": "other", "weights_sha256": "0" * 64}, "model, weights", id="model"),
        pytest.param({"manifest_sha256": "0" * 64}, "manifest of the model", id="calibration"),
        pytest.param({"bonefx": "0.0.1"}, "version of bonefx", id="version"),
        pytest.param({"inverted": True}, "--invert", id="edit"),
    ],
)
def test_other_settings_into_the_same_folder_are_refused_in_a_sentence(
    request_, changes, named, tmp_path
):
    stop_after_first_shard(request_)
    other = replace(request_, settings=replace(request_.settings, **changes))
    with pytest.raises(SettingsError, match=f"results of another {named} .*choose another folder"):
        read_here(other)
    assert len(rows_of(tmp_path / "out")) == 2


def test_settings_can_change_until_the_first_row_is_written(request_):
    with pytest.raises(BonefxError, match="toaster"):
        read_here(replace(request_, device="toaster"), reader=FragileReader)
    other = replace(request_, settings=replace(request_.settings, point="screening"))
    assert read_here(other).films == 4


def test_a_shard_that_is_written_is_not_read_again_when_its_worker_dies_before_it_answers(
    request_, tmp_path
):
    tried = []

    class Counting(ReaderHere):
        def _read_files(self, reader, shard):
            tried.append(shard.id)
            return super()._read_files(reader, shard)

        def read(self, shard):
            super().read(shard)  # this answer is lost
            return super().read(shard)

    summary = read_here(request_, reader=Counting)
    assert len(tried) == len(set(tried)) == 2
    assert summary.films == summary.read_now == len(rows_of(tmp_path / "out")) == 4


def test_edits_are_applied_to_each_film(weights, films, tmp_path):
    read_here(make_request(weights, tmp_path / "out", films, edit=FilmEdit(mirrored=True)))
    assert all(row["mirrored"] for row in rows_of(tmp_path / "out"))


def test_a_worker_with_other_weights_than_the_machine_that_plans_is_refused(request_):
    settings = replace(request_.settings, weights_sha256="0" * 64)
    with pytest.raises(BonefxError, match="install the same version and weights"):
        read_here(replace(request_, settings=settings))


def test_results_that_a_worker_does_not_see_are_refused_in_a_sentence(request_, tmp_path):
    """As on a machine that does not share the disk."""

    def make_pool(*settings):
        (tmp_path / "out" / "run.json").unlink()
        return pool_here(FragileReader)(*settings)

    with pytest.raises(BonefxError, match="a worker does not see the folder of --out"):
        read_archive(request_, report=lambda _: None, make_pool=make_pool)


@pytest.mark.parametrize(
    ("file", "content", "named"),
    [
        pytest.param("run.json", b"{", "run.json is not JSON", id="damaged run file"),
        pytest.param("run.json", b"{}", "run.json does not fit", id="empty run file"),
        pytest.param("results/x.parquet", b"x", "x.parquet is no shard", id="damaged shard"),
    ],
)
def test_a_damaged_folder_of_results_is_refused_by_name(request_, tmp_path, file, content, named):
    stop_after_first_shard(request_)
    (tmp_path / "out" / file).write_bytes(content)
    with pytest.raises(SettingsError, match=named):
        read_here(request_)


def test_results_without_a_run_file_are_refused(request_, tmp_path):
    stop_after_first_shard(request_)
    (tmp_path / "out" / "run.json").unlink()
    with pytest.raises(SettingsError, match=r"results but no run\.json"):
        read_here(request_)
