"""Decoding processes: limits, ends, and what becomes of the film and of the next one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from bonefx.films import formats
from bonefx.films.decoding import launch
from bonefx.films.decoding.limits import DecodingLimits
from bonefx.films.decoding.outcomes import Failed, PackedFilms, Refused
from bonefx.films.decoding.plain_process import PlainProcess
from bonefx.films.decoding.pool import DecodingPool, start_process
from bonefx.films.decoding.requests import Request, Task
from bonefx.films.patient_ids import StudyHeader, read_study_header
from bonefx.records import Radiograph
from tests.fixtures.archive_files import make_zip
from tests.fixtures.dicom_files import make_dicom, make_dicom_of_study
from tests.fixtures.harmful_files import HARMFUL_BOOT
from tests.fixtures.image_files import make_png

LINUX = sys.platform == "linux"
FILM = Request(task=Task.FILM)
QUICK = DecodingLimits(base_cpu_s=1.0, cpu_s_per_mb=0.0, patience=6.0, memory_bytes=400_000_000)
linux_only = pytest.mark.skipif(not LINUX, reason="only Linux has this limit")


@pytest.fixture(scope="module", params=["forking", "plain"])
def start(request):
    """Processes of both kinds; the plain kind runs on every platform."""
    if request.param == "forking" and not LINUX:
        pytest.skip("there is no forking here")
    return start_process if request.param == "forking" else PlainProcess


@pytest.fixture(scope="module")
def pool(start):
    """One process with a harmful decoder, and short limits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "BOOT", HARMFUL_BOOT)
        pool = DecodingPool(1, limits=QUICK, start=start)
        yield pool
        pool.close()


def file_of(folder, content):
    path = folder / "film"
    path.write_bytes(content)
    return path


def outcome_of(pool, folder, content):
    return pool.ask(FILM, file_of(folder, content))


def assert_reads_films(pool, folder):
    assert isinstance(outcome_of(pool, folder, make_png()), Radiograph)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(b"abort", "the file ends the program that decodes it", id="abort"),
        pytest.param(b"kill", "decod", id="kill"),
        pytest.param(b"wait", "takes far longer", id="waits forever"),
        pytest.param(b"work", "takes far longer", id="works forever"),
        pytest.param(b"grow", "takes more memory", id="memory", marks=linux_only),
    ],
)
def test_a_harmful_file_gets_a_sentence_and_the_next_film_is_read(
    pool, tmp_path, content, sentence
):
    outcome = outcome_of(pool, tmp_path, content)
    assert isinstance(outcome, Refused)
    assert sentence in outcome.message
    assert "save it as" in outcome.message
    assert_reads_films(pool, tmp_path)


def test_a_fault_of_ours_names_its_place_and_no_value(pool, tmp_path):
    outcome = outcome_of(pool, tmp_path, b"fail")
    assert isinstance(outcome, Failed)
    assert outcome.error == "KeyError"
    assert "requests.py" in outcome.trace[0]
    assert "SECRET" not in str(outcome)


def test_what_a_decoder_prints_does_not_reach_the_log_or_the_answer(pool, tmp_path, capfd):
    assert isinstance(outcome_of(pool, tmp_path, b"print"), Refused)
    assert "SECRET" not in "".join(capfd.readouterr())
    assert_reads_films(pool, tmp_path)


@linux_only
def test_nothing_of_a_film_is_left_for_the_next_one(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "BOOT", HARMFUL_BOOT)
    pool = DecodingPool(1)
    try:
        outcome_of(pool, tmp_path, b"remember")
        assert outcome_of(pool, tmp_path, b"recall").error == "IndexError"
    finally:
        pool.close()


@linux_only
@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"network", "PermissionError", id="network"),
        pytest.param(b"write", "FileNotFoundError", id="files"),  # no folder for it,
    ],
)
def test_a_decoder_reaches_no_network_and_writes_no_file(tmp_path, monkeypatch, content, error):
    monkeypatch.setattr(launch, "BOOT", HARMFUL_BOOT)
    pool = DecodingPool(1)
    try:
        outcome = outcome_of(pool, tmp_path, content)
        assert outcome.error == error, outcome
    finally:
        pool.close()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(make_png(), id="PNG"),
        pytest.param(make_dicom(), id="DICOM of all values and a window"),
        pytest.param(make_dicom(WindowCenter=2000, WindowWidth=1500), id="DICOM with a window"),
        pytest.param(make_dicom(PixelAspectRatio=[2, 1]), id="DICOM made square"),
    ],
)
def test_a_film_of_the_pool_equals_one_decoded_in_this_process(pool, tmp_path, content):
    film, expected = outcome_of(pool, tmp_path, content), formats.read_bytes(content)
    assert np.array_equal(film.pixels, expected.pixels)
    assert (film.full is None) == (expected.full is None)
    assert np.array_equal(film.values, expected.values)
    for name in ("sha256", "bits", "windows", "field", "field_corners", "notes", "spacing_mm"):
        assert getattr(film, name) == getattr(expected, name)
    film.pixels[0, 0] = 0.5  # an array of its own


def test_identifiers_of_the_pool_equal_those_read_in_this_process(pool, tmp_path):
    content = make_dicom_of_study()
    header = pool.ask(Request(task=Task.STUDY), file_of(tmp_path, content))
    assert isinstance(header, StudyHeader)
    assert header.sha256 == read_study_header(content).sha256
    assert header.elements == read_study_header(content).elements


def test_an_archive_is_listed_and_its_films_are_read_in_the_pool(pool, tmp_path):
    path = make_zip(tmp_path / "list.zip", [("a.txt", b"x"), ("b.png", make_png(seed=3))])
    packed = pool.ask(Request(task=Task.ARCHIVE), path)
    assert isinstance(packed, PackedFilms)
    assert [film.name for film in packed.films] == ["b.png"]
    assert packed.left_out == 1
    film = pool.ask(Request(task=Task.FILM, member=packed.films[0].index), path)
    assert np.array_equal(film.pixels, formats.read_bytes(make_png(seed=3)).pixels)


def test_a_harmful_file_does_not_hold_up_the_films_of_others(start, tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "BOOT", HARMFUL_BOOT)
    pool = DecodingPool(2, start=start)
    waiting = tmp_path / "waiting"
    waiting.write_bytes(b"wait")
    other = threading.Thread(target=pool.ask, args=(FILM, waiting), daemon=True)
    other.start()
    try:
        for _ in range(3):
            assert_reads_films(pool, tmp_path)
        assert other.is_alive()
    finally:
        pool.close()
    other.join(timeout=60)  # closing ends the decoding
    assert not other.is_alive()


@linux_only
def test_a_fork_that_ends_before_its_file_comes_does_not_matter(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "BOOT", HARMFUL_BOOT)
    pool = DecodingPool(1)
    try:
        assert_reads_films(pool, tmp_path)
        (process,) = pool._running
        process._prepare()
        (waiting,) = children_of(process.pid)
        os.kill(waiting, signal.SIGKILL)
        wait_until(lambda: children_of(process.pid) not in ([], [waiting]))
        assert_reads_films(pool, tmp_path)
        assert "ends the program" in outcome_of(pool, tmp_path, b"abort").message
    finally:
        pool.close()


def test_a_process_that_is_killed_between_films_is_replaced(pool, tmp_path):
    assert_reads_films(pool, tmp_path)
    (process,) = pool._running
    os.kill(process.pid, signal.SIGTERM)
    process._process.wait(timeout=60)
    assert_reads_films(pool, tmp_path)


PARENT = """
import sys, threading, time
from pathlib import Path
from bonefx.films.decoding import launch
from bonefx.films.decoding.pool import DecodingPool, start_process
from bonefx.films.decoding.plain_process import PlainProcess
from bonefx.films.decoding.requests import Request, Task
launch.BOOT = sys.argv[1]
pool = DecodingPool(2, start=start_process if sys.argv[2] == "forking" else PlainProcess)
film = Request(task=Task.FILM)
for _ in range(2):
    pool.ask(film, Path(sys.argv[3]))
print(*[process.pid for process in pool._running], flush=True)
threading.Thread(target=pool.ask, args=(film, Path(sys.argv[4])), daemon=True).start()
time.sleep(0.5)
print("decoding", flush=True)
time.sleep(1000)
"""


@linux_only
@pytest.mark.parametrize("kind", ["forking", "plain"])
def test_processes_end_when_their_parent_is_killed_while_one_decodes(tmp_path, kind):
    film, waiting = tmp_path / "film", tmp_path / "waiting"
    film.write_bytes(make_png())
    waiting.write_bytes(b"wait" if kind == "forking" else b"work")
    command = [sys.executable, "-c", PARENT, HARMFUL_BOOT, kind, str(film), str(waiting)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert parent.stdout.readline() == "decoding\n"
        everyone = [*pids, *(child for pid in pids for child in children_of(pid))]
        assert len(everyone) == (4 if kind == "forking" else 2)
        parent.kill()
    wait_until(lambda: not any(map(is_running, everyone)))


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def children_of(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_decoding_process_gets_no_secrets_and_loads_no_torch(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_TOKEN", "hf_0815")
    monkeypatch.setenv("BONEFX_AUTH", "anna:0815")
    report = tmp_path / "report.json"
    looks = (
        "import atexit, json, os, sys; atexit.register(lambda: open("
        f"{str(report)!r}, 'w').write(json.dumps([dict(os.environ), sorted(sys.modules)]))); "
    )
    monkeypatch.setattr(launch, "BOOT", looks + launch.BOOT.replace("main(settings)", "preload()")
                        .replace("import main", "import preload"))  # fmt: skip
    process = launch.launch(DecodingLimits())
    assert process.wait(timeout=120) == 0
    environment, modules = json.loads(report.read_text())
    assert "0815" not in str(environment)
    assert not {"torch", "gradio", "onnxruntime", "matplotlib"} & set(modules)
