"""The hash of a study: equal for films of one study, and the identifier itself is nowhere."""

from __future__ import annotations

import logging

import pytest

from bonefx.films import formats
from tests.fixtures.dicom_files import make_dicom, with_raw

UID = "1.2.826.0.1.3680043.8.498.1"


def study_of(**changes):
    return formats.read_bytes(make_dicom(**changes)).study


def test_films_of_one_study_share_a_hash_and_others_do_not():
    first = study_of(StudyInstanceUID=UID, BodyPartExamined="WRIST")
    assert first == study_of(StudyInstanceUID=UID, BodyPartExamined="ELBOW")
    assert first != study_of(StudyInstanceUID=f"{UID}1")
    assert len(first) == 16
    assert set(first) <= set("0123456789abcdef")


@pytest.mark.parametrize("padded", [b"1.2.3\0", b"1.2.3 ", b" 1.2.3"])
def test_padding_does_not_change_the_hash(padded):
    film = formats.read_bytes(with_raw(make_dicom(), StudyInstanceUID=("UI", padded)))
    assert film.study == study_of(StudyInstanceUID="1.2.3")


def test_a_film_without_a_study_has_no_hash():
    assert study_of() is None


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"DOE^JANE", id="a name"),
        pytest.param(b"1.2.3\\1.2.4", id="two values"),
        pytest.param(b"12345", id="one number"),
        pytest.param(b"1.2." + b"3" * 80, id="too long"),
        pytest.param("1.2.\u0663".encode(), id="digits of another script"),
    ],
)
def test_an_odd_identifier_gives_no_hash(odd):
    assert formats.read_bytes(with_raw(make_dicom(), StudyInstanceUID=("UI", odd))).study is None


def test_the_identifier_is_neither_in_the_film_nor_in_the_log(caplog):
    caplog.set_level(logging.DEBUG)
    film = formats.read_bytes(make_dicom(StudyInstanceUID=UID))
    assert UID not in f"{film!r} {caplog.text}"
