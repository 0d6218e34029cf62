"""Secondary captures: the pixels of the overlay, and what they were made from."""

from __future__ import annotations

import numpy as np
import pytest

from bonefx import report
from bonefx.report.image import MAX_FILED_PX
from bonefx.report.wording.readings import NOTICE
from tests.fixtures.dicom_files import STUDY_ELEMENTS, make_dicom_of_study
from tests.fixtures.dicom_reports import made
from tests.fixtures.reports import make_out_of_scope_report, make_report_of_film


def test_a_secondary_capture_shows_the_overlay_pixel_by_pixel():
    data = make_dicom_of_study()
    report_ = make_report_of_film(data)
    dataset = made(report.secondary_capture_bytes, data)
    assert dataset.SOPClassUID.name == "Secondary Capture Image Storage"
    assert dataset.file_meta.TransferSyntaxUID.name == "RLE Lossless"
    picture = dataset.pixel_array
    np.testing.assert_array_equal(picture[:120, :96], report_.overlay.pixels)
    assert picture[120:].max() > 128
    assert picture[:120, 96:].max() == 0


def test_a_secondary_capture_of_a_refused_film_shows_the_film():
    data = make_dicom_of_study()
    dataset = made(report.secondary_capture_bytes, data, of=make_out_of_scope_report)
    film = make_out_of_scope_report().film
    np.testing.assert_array_equal(dataset.pixel_array[:120, :96], np.dstack([film] * 3))
    assert "without a map" in dataset.DerivationDescription


def test_a_large_film_is_filed_smaller():
    dataset = made(report.secondary_capture_bytes, shape=(100, 2 * MAX_FILED_PX))
    assert dataset.Columns == MAX_FILED_PX


def test_a_secondary_capture_says_what_it_was_made_from():
    dataset = made(report.secondary_capture_bytes)
    (source,) = dataset.SourceImageSequence
    assert source.ReferencedSOPInstanceUID == STUDY_ELEMENTS["SOPInstanceUID"]
    assert source.ReferencedSOPClassUID.name == "Computed Radiography Image Storage"
    assert dataset.ImageType[:2] == ["DERIVED", "SECONDARY"]
    assert dataset.ConversionType == "WSD"
    assert "evidence map" in dataset.DerivationDescription
    assert NOTICE in dataset.DerivationDescription
    assert (dataset.PatientOrientation, dataset.Laterality) == (["L", "F"], "L")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"Laterality": "R"}, {"Laterality": "R"}, id="of the series"),
        pytest.param({"ImageLaterality": "R"}, {"ImageLaterality": "R"}, id="of the image"),
        pytest.param({}, {"Laterality": ""}, id="not told"),
    ],
)
def test_the_side_is_that_of_the_source(given, expected):
    without = {"Laterality", "ImageLaterality"} - set(given)
    dataset = made(report.secondary_capture_bytes, make_dicom_of_study(without=without, **given))
    sides = ("Laterality", "ImageLaterality")
    assert {side: dataset[side].value or "" for side in sides if side in dataset} == expected


@pytest.mark.parametrize(
    ("given", "burned_in"),
    [
        pytest.param({"BurnedInAnnotation": "NO"}, "NO", id="the source knows"),
        pytest.param({"BurnedInAnnotation": "YES"}, "YES", id="the source warns"),
        pytest.param({}, "YES", id="nobody knows"),
    ],
)
def test_burned_in_names_are_ruled_out_only_by_the_source(given, burned_in):
    dataset = made(report.secondary_capture_bytes, make_dicom_of_study(**given))
    assert dataset.BurnedInAnnotation == burned_in


def test_lossy_compression_of_the_source_is_passed_on():
    assert "LossyImageCompression" not in made(report.secondary_capture_bytes)
    lossy = made(report.secondary_capture_bytes, make_dicom_of_study(LossyImageCompression="01"))
    assert lossy.LossyImageCompression == "01"
