"""Whatever a file makes a decoder raise, the answer is a film or a sentence."""

from __future__ import annotations

import io
import logging

import pytest

from bonefx.errors import DecodingFaultError, UnreadableRadiographError
from bonefx.films import formats
from bonefx.films.decoding import pool
from bonefx.films.decoding.limits import DecodingLimits
from bonefx.films.decoding.outcomes import Failed, Refused
from bonefx.films.decoding.requests import Request, Task, perform
from bonefx.films.sources import FilmSource, film_or_error
from bonefx.records import Radiograph
from tests.fixtures.image_files import make_png

SECRET = "SECRET^PATIENT"


def raising(monkeypatch, error):
    def read_bytes(data, *, salvage=False):
        raise error

    monkeypatch.setattr(formats, "read_bytes", read_bytes)


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "Miller_Jane.png"
    path.write_bytes(make_png())
    return path


def test_a_film_is_read_and_its_size_is_told_before_it_is_decoded(film):
    told: list[int] = []
    outcome = perform(Request(task=Task.FILM), io.FileIO(film), before_decoding=told.append)
    assert isinstance(outcome, Radiograph)
    assert told == [film.stat().st_size]


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(MemoryError(), id="numpy"),
        pytest.param(RuntimeError("OpenCV: (-4:Insufficient memory) Failed"), id="OpenCV"),
    ],
)
def test_too_little_memory_is_a_sentence_about_memory(film, monkeypatch, error):
    raising(monkeypatch, error)
    outcome = perform(Request(task=Task.FILM), io.FileIO(film))
    assert isinstance(outcome, Refused)
    assert "takes more memory" in outcome.message


@pytest.mark.parametrize("kind", [KeyError, ValueError, AssertionError, RecursionError, OSError])
def test_an_error_that_is_not_ours_keeps_its_place_and_loses_its_message(film, monkeypatch, kind):
    raising(monkeypatch, kind(SECRET))
    outcome = perform(Request(task=Task.FILM), io.FileIO(film))
    assert isinstance(outcome, Failed)
    assert outcome.error == kind.__name__
    assert outcome.trace[-1].endswith("in read_bytes")
    assert SECRET not in str(outcome)


def test_a_fault_is_one_row_with_a_sentence_and_a_trace_in_the_log(film, monkeypatch, caplog):
    raising(monkeypatch, KeyError(SECRET))
    source = FilmSource(name="film", path=film)
    with caplog.at_level(logging.ERROR):
        message = film_or_error(source)
    assert message == pool.FAULT
    with pytest.raises(DecodingFaultError, match="report it"):
        source.read()
    assert "KeyError" in caplog.text
    assert "requests.py" in caplog.text
    assert SECRET not in caplog.text
    assert "Miller" not in caplog.text


def test_an_answer_of_another_kind_is_a_fault(film, monkeypatch, caplog):
    monkeypatch.setattr(pool, "perform", lambda request, file: Failed(error="\x1b[31mx", trace=()))
    with pytest.raises(DecodingFaultError):
        pool.decode_film(film)
    assert "\x1b" not in caplog.text


def test_a_damaged_film_keeps_its_own_class_of_error(monkeypatch, film):
    monkeypatch.setattr(
        pool, "perform", lambda request, file: Refused(error="DamagedRadiographError", message="x")
    )
    with pytest.raises(UnreadableRadiographError) as error:
        pool.decode_film(film)
    assert type(error.value).__name__ == "DamagedRadiographError"


@pytest.mark.parametrize("given", ["", "two", "-1", "1000"])
def test_a_wrong_number_of_processes_is_refused(monkeypatch, given):
    monkeypatch.setenv(pool.PROCESSES, given)
    with pytest.raises(pool.SettingsError, match="BONEFX_DECODERS"):
        pool.start_decoding()


def test_the_time_of_a_file_grows_with_its_size_up_to_a_limit():
    limits = DecodingLimits(base_cpu_s=4, cpu_s_per_mb=0.5, most_cpu_s=60, patience=10)
    assert limits.cpu_s(0) == 4
    assert limits.cpu_s(10_000_000) == 9
    assert limits.cpu_s(10**12) == 60
    assert limits.clock_s(10**12) == 600
