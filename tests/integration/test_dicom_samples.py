"""The public DICOM samples: each transfer syntax decodes, and no patient data is kept."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pydicom
import pytest

from bonefx.films import formats

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "dicom"
SAMPLES = ("RG2_JLSL", "RG2_JPLL", "RG3_J2KR", "RG3_JLSN", "RG3_RLE")
PATIENT = (
    *("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "SeriesInstanceUID"),
    *("SOPInstanceUID", "StudyDate", "AccessionNumber", "InstitutionName", "StudyID"),
)


def sample(name):
    """Return the path of a sample, or skip the test."""
    path = FOLDER / f"{name}.dcm"
    if not path.is_file():
        pytest.skip(f"no {path.name} in shared/data/dicom beside the repository")
    return path


@pytest.mark.parametrize("name", SAMPLES)
def test_each_sample_decodes_to_its_whole_range(name):
    film = formats.read(sample(name))
    assert (film.file_format, film.modality, film.bits) == ("DICOM", "CR", 10)
    assert film.pixels.min() < 0.05
    assert film.pixels.max() > 0.85
    assert film.pixels.std() > 0.1


def test_view_and_body_part_of_a_film_are_read():
    film = formats.read(sample("RG3_RLE"))
    assert (film.body_part, film.view, film.laterality) == ("EXTREMITY", "AP", "R")
    assert formats.read(sample("RG2_JLSL")).spacing_mm == (0.2, 0.2)


@pytest.mark.parametrize("name", [name for name in SAMPLES if name.startswith("RG3")])
def test_monochrome1_has_dark_air_and_bright_bone(name):
    film = formats.read(sample(name))
    assert film.photometric == "MONOCHROME1"
    row = film.pixels[800]  # across the lower leg
    air, shin = row[520:600], row[800:900]
    assert air.mean() < 0.2
    assert shin.max() > 0.6


def test_two_lossless_syntaxes_of_one_film_give_the_same_pixels():
    first, second = (
        formats.read(sample("RG3_J2KR")),
        formats.read(sample("RG3_RLE")),
    )
    np.testing.assert_array_equal(first.pixels, second.pixels)


@pytest.mark.parametrize("name", SAMPLES)
def test_no_patient_data_is_kept_or_logged(name, caplog, recwarn):
    caplog.set_level(logging.DEBUG)
    path = sample(name)
    film = formats.read(path)
    told = f"{film!r} {caplog.text} {[str(warning.message) for warning in recwarn]}"
    header = pydicom.dcmread(path, stop_before_pixels=True)
    values = [str(header.get(keyword, "")) for keyword in PATIENT]
    assert any(values)
    assert [value for value in values if len(value) > 2 and value in told] == []
