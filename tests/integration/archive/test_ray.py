"""Archives on a Ray cluster of this machine: two workers, killed workers, killed runs, logs."""

import pytest

pytest.importorskip("ray", reason="bonefx[archive] is not installed")

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import ray

from bonefx.archive.cluster import QUIET, _count_workers, connected, ray_pool
from bonefx.archive.run import read_archive
from bonefx.cli.parser import main
from bonefx.errors import SettingsError
from tests.fixtures.archives import (
    ENGINE,
    KILLED_ONCE,
    MARK,
    FragileReader,
    film_bytes,
    make_pool_settings,
    make_request,
    rows_of,
    write_films,
)
from tests.fixtures.image_files import PATIENT_NAME

ROOT = Path(__file__).parents[3]
GENEROUS_S = 300


def assert_logs_hold_no_names(cluster):
    logs = [path for path in cluster.rglob("*") if path.is_file()]
    assert any(path.name.startswith("worker-") for path in logs)
    name = PATIENT_NAME.encode()
    assert [path.name for path in logs if name in path.read_bytes()] == []


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Ray on this machine, as the command starts it; gives the folder of its files."""
    marks = tmp_path_factory.mktemp("marks")
    pool = make_pool_settings(workers=4)
    with pytest.MonkeyPatch.context() as patched, tempfile.TemporaryDirectory() as folder:
        for name, value in {**QUIET, MARK: marks, "OMP_NUM_THREADS": 1, "PYTHONPATH": ROOT}.items():
            patched.setenv(name, str(value))
        patched.setattr(tempfile, "tempdir", folder)
        with connected(pool):
            yield Path(folder)
        assert list(Path(folder).iterdir()) == []


def test_a_killed_worker_loses_no_film_and_doubles_none(cluster, weights, tmp_path):
    films = write_films(tmp_path / "films", films=7)
    (films / "a" / f"{PATIENT_NAME}-{KILLED_ONCE}.png").write_bytes(film_bytes(20))
    request = make_request(weights, tmp_path / "out", films, workers=2, shard_files=2)
    pool = partial(ray_pool, reader=FragileReader)
    summary = read_archive(request, report=lambda _: None, make_pool=pool)
    assert Path(os.environ[MARK], KILLED_ONCE).exists()  # it was killed
    rows = rows_of(tmp_path / "out")
    assert sorted(row["film"] for row in rows) == sorted(map(str, films.rglob("*.png")))
    assert len({row["sha256"] for row in rows}) == 8
    assert (summary.films, summary.errors, summary.workers) == (8, 0, 2)
    assert_logs_hold_no_names(cluster)


def test_a_run_that_is_killed_as_a_whole_goes_on(cluster, weights, tmp_path, capsys):
    films = write_films(tmp_path / "films", films=8)
    out = tmp_path / "out"
    arguments = [
        "archive", str(films), "--out", str(out), "--weights", str(weights), "--engine", ENGINE,
        "--workers", "1", "--shard-files", "1", "--memory-per-worker", "0.1",
    ]  # fmt: skip
    address = ray.get_runtime_context().gcs_address
    command = [sys.executable, "-m", "bonefx", *arguments, "--address", address]
    run = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + GENEROUS_S
        while not list(out.glob("results/*.parquet")) and time.monotonic() < until:
            assert run.poll() is None
            time.sleep(0.02)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    before = len(list(out.glob("results/*.parquet")))
    assert before >= 1
    capsys.readouterr()
    assert main(arguments) == 0
    printed = capsys.readouterr()
    (line,) = printed.out.splitlines()
    summary = json.loads(line)
    rows = rows_of(out)
    assert sorted(row["film"] for row in rows) == sorted(map(str, films.rglob("*.png")))
    assert (summary["films"], sum(summary["verdicts"].values())) == (8, 8)
    assert 1 <= summary["read_now"] <= 8 - before
    assert "8 of 8 files" in printed.err
    assert PATIENT_NAME not in printed.err
    assert_logs_hold_no_names(cluster)


@pytest.mark.parametrize(
    "asked", [{"gpus": 99}, {"memory_bytes": 10**15}, {"workers": 10**6}], ids=str
)
def test_workers_that_do_not_fit_are_refused_with_what_there_is(cluster, asked):
    with pytest.raises(SettingsError, match=r"workers fit, .*Ray found 4 cores"):
        _count_workers(make_pool_settings(**asked))


def test_without_a_number_as_many_workers_start_as_fit(cluster):
    assert _count_workers(make_pool_settings(workers=None)) == 4
    assert _count_workers(make_pool_settings(workers=None, cpus=2)) == 2
    assert _count_workers(make_pool_settings(workers=9, address="head:6379")) == 9
