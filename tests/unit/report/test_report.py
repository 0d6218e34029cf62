"""Reports as records, JSON, PNG and files: complete, lossless, and without patient data."""

from __future__ import annotations

import io
import json
from datetime import datetime

import numpy as np
import pytest
from PIL import Image

from bonefx import report
from bonefx.errors import SettingsError
from bonefx.records import Verdict
from bonefx.report.record import MAX_TEXT_CHARACTERS, clean_text
from bonefx.report.wording.maps import map_words
from bonefx.report.wording.readings import NOTICE
from tests.fixtures.records import make_point, make_reading
from tests.fixtures.reports import CREATED, make_out_of_scope_report, make_overlay, make_report

# The record


def test_a_report_needs_a_time_zone():
    with pytest.raises(ValueError, match="time zone"):
        make_report(created=datetime(2026, 1, 1))


def test_an_overlay_of_another_size_is_refused():
    with pytest.raises(ValueError, match="overlay must be"):
        make_report(overlay=make_overlay(np.zeros((50, 50), np.uint8)))


def test_a_film_out_of_scope_has_no_map():
    film = np.zeros((120, 96), np.uint8)
    with pytest.raises(ValueError, match="no map"):
        make_out_of_scope_report(overlay=make_overlay(film))


def test_the_users_text_is_normalised_without_control_characters():
    assert clean_text("\n a\r\nu\u0308\x00\x07\tb \ud800\n\n") == " a\nü    b"
    assert make_report(text="one\x1b[2Jtwo\r\n").text == "one[2Jtwo"


def test_a_text_that_is_too_long_is_refused_with_the_limit():
    assert make_report(text="x" * MAX_TEXT_CHARACTERS).text
    with pytest.raises(SettingsError, match=f"shorten it to at most {MAX_TEXT_CHARACTERS}"):
        make_report(text="x" * (MAX_TEXT_CHARACTERS + 1))


@pytest.mark.parametrize(
    ("changes", "shown", "words"),
    [
        pytest.param({}, True, "0 to 0.43 logits", id="a map"),
        pytest.param({"heat_peak": 0.05}, False, "below the floor", id="below the floor"),
        pytest.param({}, False, "read without one", id="not asked for"),
        pytest.param({"verdict": Verdict.OUT_OF_SCOPE}, False, "out of scope", id="refused"),
    ],
)
def test_the_map_or_its_absence_is_explained(changes, shown, words):
    assert words in map_words(make_reading(**changes), shown=shown, heat_floor=0.1)


# JSON


def test_json_has_the_reading_and_the_measured_figures_of_its_point():
    table = json.loads(report.json_bytes(make_report(text="Ödem, 骨折 🦴")))
    assert table["reading"] == report.reading_table(make_reading())
    assert table["measured"]["sensitivity"] == {
        "value": 0.801,
        "low": 0.702,
        "high": 0.873,
        "n": 98,
    }
    assert table["measured"]["guarantee"]["missed_at_most"] == 0.075
    assert table["created"] == CREATED.isoformat()
    assert (table["version"], table["notice"]) == ("9.8.7", NOTICE)
    assert table["film"]["Body part"] == "WRIST"
    corners = [[5, 40], [5, 59], [19, 59], [19, 40]]
    assert table["map"] == {"shown": True, "contours": [corners], "opacity": 0.5, "floor": 0.1}
    assert table["text"] == "Ödem, 骨折 🦴"


def test_json_has_null_for_missing_values():
    table = json.loads(report.json_bytes(make_out_of_scope_report()))
    assert table["reading"]["verdict"] == "out_of_scope"
    assert table["reading"]["probability"] is None
    assert (table["map"]["shown"], table["map"]["contours"]) == (False, [])
    bare = make_report(reading=make_reading(point=make_point()))
    assert json.loads(report.json_bytes(bare))["measured"]["guarantee"] is None


@pytest.mark.parametrize("form", ["json", "png", "pdf"])
def test_equal_reports_give_equal_bytes(form):
    first, second = (report.report_bytes(make_report(text="a"), form) for _ in range(2))
    assert first == second
    assert report.report_bytes(make_report(text="b", film=make_report().film // 2), form) != first


# PNG


@pytest.mark.parametrize(
    ("shape", "corner"),
    [
        pytest.param((120, 96), (0, 96 + 16), id="upright: beside"),
        pytest.param((80, 160), (80 + 16, 0), id="broad: below"),
    ],
)
def test_png_shows_film_and_overlay_pixel_by_pixel(shape, corner):
    made = make_report(shape=shape)
    image = Image.open(io.BytesIO(report.report_png(made)))
    picture = np.asarray(image)
    (height, width), (top, left) = shape, corner
    np.testing.assert_array_equal(picture[:height, :width], np.dstack([made.film] * 3))
    np.testing.assert_array_equal(
        picture[top : top + height, left : left + width], made.overlay.pixels
    )
    assert image.info == {}


def test_png_has_text_below_the_film_that_depends_on_the_verdict():
    reviewed = make_report(reading=make_reading(verdict=Verdict.REVIEW))
    first, second = (
        np.asarray(Image.open(io.BytesIO(report.report_png(made))))[120:, :, 0]
        for made in (make_report(), reviewed)
    )
    assert (first > 128).mean() > 0.005
    assert (first != second).any()


def test_png_of_a_refused_film_shows_the_film_alone():
    made = make_out_of_scope_report()
    picture = np.asarray(Image.open(io.BytesIO(report.report_png(made))))
    np.testing.assert_array_equal(picture[:120, :96, 0], made.film)
    assert picture[:120, 96:].max() == 0


# The map alone


def test_the_map_is_written_at_16_bits_on_the_films_own_grid():
    made = make_report()
    image = Image.open(io.BytesIO(report.report_bytes(made, "map")))
    assert image.mode == "I;16"
    assert image.info == {}
    np.testing.assert_allclose(np.asarray(image) / 65535, made.overlay.heat, atol=1e-5)


def test_a_map_that_is_not_shown_is_not_written():
    with pytest.raises(SettingsError, match=r"leave the form map out\. No map: the film is out"):
        report.report_bytes(make_out_of_scope_report(), "map")


# Files


def test_files_are_named_by_checksum_model_and_point(tmp_path):
    paths = report.write_report(make_report(), tmp_path / "new", forms=["pdf", "json", "pdf"])
    assert list(paths) == ["pdf", "json"]
    assert paths["json"] == tmp_path / "new" / f"{'ab' * 8}.tiny.balanced.json"
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        f"{'ab' * 8}.tiny.balanced.json", f"{'ab' * 8}.tiny.balanced.pdf",
    ]  # fmt: skip


def test_an_existing_report_is_replaced_only_on_request(tmp_path):
    first = report.write_report(make_report(text="one"), tmp_path, forms=["json"])["json"]
    with pytest.raises(SettingsError, match="--overwrite"):
        report.write_report(make_report(text="two"), tmp_path, forms=["png", "json"])
    assert json.loads(first.read_text(encoding="utf-8"))["text"] == "one"
    assert len(list(tmp_path.iterdir())) == 1
    report.write_report(make_report(text="two"), tmp_path, forms=["json"], overwrite=True)
    assert json.loads(first.read_text(encoding="utf-8"))["text"] == "two"


@pytest.mark.parametrize(
    ("form", "message"),
    [
        pytest.param("docx", "use pdf, png, json, map, sc, sr", id="unknown"),
        pytest.param("sc", "DICOM file", id="SC without a DICOM film"),
        pytest.param("sr", "DICOM file", id="SR without a DICOM film"),
    ],
)
def test_an_unavailable_form_is_refused_before_any_is_written(tmp_path, form, message):
    with pytest.raises(SettingsError, match=message):
        report.write_report(make_report(), tmp_path, forms=["json", form])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_created_is_an_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(SettingsError, match="cannot be written"):
        report.write_report(make_report(), tmp_path / "file", forms=["json"])


def test_a_link_under_the_name_of_an_unfinished_report_is_not_written_through(tmp_path):
    other, out = tmp_path / "other", tmp_path / "out"
    other.write_text("of somebody else")
    (path,) = report.write_report(make_report(), out, forms=["json"]).values()
    part = path.with_name(f".{path.name}.part")
    part.symlink_to(other)
    report.write_report(make_report(), out, forms=["json"], overwrite=True)
    assert other.read_text() == "of somebody else"
    assert [path] == list(out.iterdir())
