"""Headers of films: what filing needs, shown to nobody."""

from __future__ import annotations

import logging

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from bonefx.errors import UnreadableRadiographError
from bonefx.films.patient_ids import read_study_header
from tests.fixtures.dicom_files import make_dicom_of_study
from tests.fixtures.dicom_reports import SECRETS


def test_a_header_shows_nothing_of_the_patient(caplog, recwarn):
    caplog.set_level(logging.DEBUG)
    header = read_study_header(make_dicom_of_study())
    told = f"{header!r} {header} {[header]} {caplog.text} {[str(one.message) for one in recwarn]}"
    assert [secret for secret in SECRETS if str(secret) in told] == []


def test_a_header_holds_identifiers_and_no_pixels_or_private_elements():
    header = read_study_header(make_dicom_of_study(InstitutionName="Hidden Hospital"))
    assert header.elements.PatientID == "SECRET-0815"
    assert "PixelData" not in header.elements
    assert "InstitutionName" not in header.elements


def test_a_header_is_read_from_a_path_too(tmp_path):
    path = tmp_path / "film"
    path.write_bytes(make_dicom_of_study())
    assert read_study_header(path).sha256 == read_study_header(path.read_bytes()).sha256
    with pytest.raises(UnreadableRadiographError, match="there is no such file"):
        read_study_header(tmp_path / "none")


@pytest.mark.parametrize(
    "keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"]
)
def test_a_film_without_what_filing_needs_is_refused_by_name(keyword):
    film = make_dicom_of_study(without=[keyword])
    without_meta = film[144 + int.from_bytes(film[140:144], "little") :]
    with pytest.raises(UnreadableRadiographError, match=rf"no {keyword},.*as PDF"):
        read_study_header(without_meta)


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "SOPClassUID"])
def test_identifiers_of_the_film_may_stand_in_the_file_meta_information_alone(keyword):
    header = read_study_header(make_dicom_of_study(without=[keyword]))
    assert header.elements[keyword].value


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(500), id="no DICOM"),
        pytest.param(
            bytes(128) + b"DICM" + str(DeflatedExplicitVRLittleEndian).encode(), id="deflated"
        ),
    ],
)
def test_what_is_no_dicom_film_has_no_header(data):
    with pytest.raises(UnreadableRadiographError, match="cannot be read as that of a DICOM film"):
        read_study_header(data)
