"""Files that were made to harm a decoder, through the pool: a film or a sentence, within limits."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bonefx.films import formats
from bonefx.films.decoding.outcomes import PackedFilms, Refused
from bonefx.films.decoding.pool import DecodingPool
from bonefx.films.decoding.requests import Request, Task
from bonefx.records import Radiograph
from tests.fixtures.dicom_files import make_dicom
from tests.fixtures.image_files import make_grey

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "cases" / "hostile"
FILES = sorted(FOLDER.glob("*")) if FOLDER.is_dir() else []
MOST_BYTES, MOST_BYTES_OF_LARGEST_FILM = 1_000_000_000, 1_200_000_000
GENEROUS_S = 300  # on a machine that does much else

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured on Linux")


@pytest.fixture(scope="module")
def pool():
    pool = DecodingPool(1)
    yield pool
    pool.close()


def peak_bytes(pool):
    """Return the peak memory of the process that decoded the last file."""
    (process,) = pool._running
    assert process._prepare()  # until that process has ended
    return process.usage.peak_bytes


@pytest.mark.skipif(not FILES, reason="the hostile files of ../shared are not here")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_hostile_file_gives_a_film_or_a_sentence_within_its_limits(pool, path):
    started = time.monotonic()
    task = Task.ARCHIVE if path.suffix == ".zip" else Task.FILM
    outcome = pool.ask(Request(task=task), path)
    assert isinstance(outcome, Radiograph | Refused | PackedFilms), outcome
    if isinstance(outcome, Refused):
        assert "; " in outcome.message  # what was found, and what to do
        assert path.stem not in outcome.message
    assert peak_bytes(pool) < MOST_BYTES
    assert time.monotonic() - started < GENEROUS_S


@pytest.mark.parametrize("padding", [None, 0], ids=["all pixels", "with padding"])
def test_the_largest_film_fits_in_the_memory_of_a_decoding_process(pool, tmp_path, padding):
    stored = np.tile(make_grey(high=4095, dtype=np.uint16), (88, 73))
    path = tmp_path / "film.dcm"
    changes = {} if padding is None else {"PixelPaddingValue": padding}
    path.write_bytes(make_dicom(stored, **changes))
    outcome = pool.ask(Request(task=Task.FILM), path)
    assert isinstance(outcome, Radiograph), outcome
    assert outcome.pixels.shape == (7040, 7008)
    assert peak_bytes(pool) < MOST_BYTES_OF_LARGEST_FILM


def test_what_decoders_load_is_loaded_before_the_first_film(tmp_path):
    """A module that loads with each film would cost each film that time."""
    film = tmp_path / "film.dcm"
    film.write_bytes(make_dicom())
    example = Path(formats.__file__).parents[2] / "examples"
    program = (
        "import sys; from bonefx.films.decoding.worker import preload; preload()\n"
        "from bonefx.films import formats\n"
        "before = set(sys.modules)\n"
        "for path in sys.argv[1:]: formats.read(path)\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    films = [str(film), *map(str, sorted(example.glob("*.jpg")))]
    command = [sys.executable, "-c", program, *films]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
