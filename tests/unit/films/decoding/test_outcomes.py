"""Outcomes on their way between two processes: nothing is lost, and no answer is trusted."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from bonefx.errors import BonefxError
from bonefx.films import formats
from bonefx.films.decoding.outcomes import (
    Failed,
    PackedFilm,
    PackedFilms,
    Refused,
    pack,
    unpack,
)
from bonefx.films.patient_ids import read_study_header, study_from_rows
from bonefx.records import Radiograph
from tests.fixtures.dicom_files import make_dicom, make_dicom_of_study
from tests.fixtures.image_files import make_png


def sent(outcome):
    """Return an outcome after its way through bytes."""
    line, pictures = pack(outcome)
    rest = io.BytesIO(b"".join(pictures))
    assert line.count(b"\n") == 1

    def fill(buffer):
        rest.readinto(buffer)

    return unpack(line, fill)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(make_png(), id="one picture"),
        pytest.param(make_dicom(), id="all values"),
        pytest.param(
            make_dicom(
                WindowCenter=[2000, 900], WindowWidth=[1000, 300], PixelSpacing=[0.1, 0.2],
                WindowCenterWidthExplanation=["Bône", "骨"], ViewPosition="AP",
                StudyInstanceUID="1.2.3",
            ),
            id="windows",
        ),
    ],
)  # fmt: skip
def test_a_film_arrives_as_it_was(content):
    film = formats.read_bytes(content)
    arrived = sent(film)
    for name in Radiograph.__dataclass_fields__:
        before, after = getattr(film, name), getattr(arrived, name)
        if name in ("pixels", "full"):
            assert (before is None) == (after is None)
            assert before is None or np.array_equal(before, after)
        else:
            assert before == after
    assert (film.full is film.pixels) == (arrived.full is arrived.pixels)


@pytest.mark.parametrize(
    "outcome",
    [
        Refused(error="DamagedRadiographError", message="found a; do b"),
        Failed(error="KeyError", trace=("x.py, line 1, in f",)),
        PackedFilms(films=(PackedFilm(index=3, name="骨/a\n.png"),), left_out=2),
    ],
    ids=lambda outcome: type(outcome).__name__,
)
def test_other_outcomes_arrive_as_they_were(outcome):
    assert sent(outcome) == outcome


def test_identifiers_arrive_as_they_were():
    header = read_study_header(make_dicom_of_study())
    arrived = sent(header)
    assert arrived.sha256 == header.sha256
    assert arrived.elements == header.elements


def test_an_identifier_that_no_report_needs_is_not_taken():
    with pytest.raises(ValueError, match="not one of those"):
        study_from_rows("0" * 64, [("PixelData", "OW", "x")])


def changed(**changes):
    line, _ = pack(formats.read_bytes(make_png()))
    table = json.loads(line)
    for name, value in changes.items():
        (table["record"] if name in table["record"] else table)[name] = value
    return json.dumps(table).encode()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[1]", id="no table"),
        pytest.param(changed(kind="Reading"), id="another kind"),
        pytest.param(changed(shape=[10**6, 10**6]), id="huge picture"),
        pytest.param(changed(shape=[-5, 100]), id="negative picture"),
        pytest.param(changed(shape=None), id="no shape"),
        pytest.param(changed(bits="many"), id="wrong field"),
        pytest.param(changed(windows=[{"name": "", "low": 1, "high": 0}]), id="empty window"),
    ],
)
def test_an_answer_of_a_wrong_form_is_refused_before_any_memory_is_taken(line):
    def fill(buffer):
        pytest.fail("room was made for a picture")

    with pytest.raises((ValueError, KeyError, TypeError, BonefxError)):
        unpack(line, fill)
