"""Reports as JSON, PNG and PDF: complete, lossless, on one page, and without the patient."""

from __future__ import annotations

import io
import json
import logging
from datetime import datetime

import numpy as np
import pypdf
import pytest
from PIL import Image

from bonefx import report
from bonefx.errors import SettingsError
from bonefx.records import Verdict
from bonefx.report.page import INNER_MM, Sheet
from bonefx.report.record import MAX_TEXT_CHARACTERS, clean_text
from bonefx.report.wording import NOTICE, map_words
from tests.fixtures.records import make_point, make_reading
from tests.fixtures.reports import (
    CREATED,
    make_out_of_scope_report,
    make_overlay,
    make_report,
)

VERDICTS = {
    Verdict.FRACTURE: "▲ Fracture",
    Verdict.NO_FRACTURE: "● No fracture",
    Verdict.REVIEW: "◆ Review",
}
WARNING = "Not for reading films: tiny was trained on its test films."
LONG = "Schrägfraktur der distalen Radiusmetaphyse, nicht disloziert. " * 100 + "THE END"


def page_of(made):
    """The one page of a report's PDF."""
    (page,) = pypdf.PdfReader(io.BytesIO(report.pdf_bytes(made))).pages
    return page


def text_of(made):
    """The searchable text of a report's PDF, line ends as blanks."""
    return " ".join(page_of(made).extract_text().split())


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


def test_the_readers_text_is_normalised_and_freed_of_control_characters():
    assert clean_text("\n a\r\nu\u0308\x00\x07\tb \ud800\n\n") == " a\nü    b"
    assert make_report(text="one\x1b[2Jtwo\r\n").text == "one[2Jtwo"


def test_a_text_beyond_all_measure_is_refused_with_the_limit():
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


def test_json_holds_the_reading_and_what_its_point_was_measured_to_do():
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


def test_json_says_null_where_there_is_nothing():
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


def test_png_has_words_below_the_film_that_change_with_the_verdict():
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


def test_a_map_that_is_not_shown_cannot_be_written():
    with pytest.raises(SettingsError, match=r"leave the form map out\. No map: the film is out"):
        report.report_bytes(make_out_of_scope_report(), "map")


# PDF


@pytest.mark.parametrize("verdict", VERDICTS)
def test_pdf_tells_verdict_figures_model_and_checksums_as_text(verdict):
    text = text_of(make_report(reading=make_reading(verdict=verdict, device="cuda:0")))
    for words in (
        VERDICTS[verdict], "0.73", "calibrated probability of fracture",
        "Operating point “balanced”: threshold 0.50, review band 0.40 to 0.60",
        "80.1 %", "70.2 to 87.3", "98", "91.4 %", "484", "12.5 %", "3.1 %", "95 % interval",
        "95 % confidence at most 7.5 %", "13 of 392", "0 to 0.43 logits", "WRIST",
        "tiny", "cuda:0", "platt, n = 513", "ab" * 32, "cd" * 32, "bonefx 9.8.7",
        "2026-03-04 15:06 UTC", NOTICE, "No text by the reader.",
    ):  # fmt: skip
        assert words in text


def test_every_form_names_the_films_of_its_figures():
    made = make_report(test_set="Synthetic bones", validated_share=0.18)
    assert "On 582 test films of Synthetic bones." in text_of(made)
    assert "as among those films, which is 18 %" in text_of(made)
    table = json.loads(report.json_bytes(made))
    assert table["measured_on"] == "582 test films of Synthetic bones"


def test_pdf_says_what_was_not_measured():
    text = text_of(make_report(reading=make_reading(point=make_point())))
    assert text.count("not measured") == 4
    assert "lower edge of the review band is not certified" in text


def test_every_form_warns_of_a_model_that_should_not_read_films():
    warned = make_report(reading=make_reading(caution=WARNING))
    assert "Not for reading films: tiny" in text_of(warned)
    assert "Not for reading" not in text_of(make_report())
    assert json.loads(report.json_bytes(warned))["reading"]["caution"] == WARNING
    assert json.loads(report.json_bytes(make_report()))["reading"]["caution"] is None
    with_words, without = (
        Image.open(io.BytesIO(report.report_png(made))).height for made in (warned, make_report())
    )
    assert with_words > without


def test_pdf_of_a_refused_film_gives_the_reason_and_no_probability():
    text = text_of(make_out_of_scope_report())
    assert "■ Out of scope" in text
    assert "unlike the films that the model was trained on" in text
    assert "No probability" in text
    assert "calibrated probability" not in text


def test_pdf_holds_the_readers_text_in_any_alphabet_of_its_typeface():
    assert "Ödem, Łódź, Ελλάς, Москва, ≥ 3 mm" in text_of(
        make_report(text="Ödem, Łódź, Ελλάς, Москва, ≥ 3 mm")
    )


def test_what_the_typeface_lacks_is_counted_on_the_page_and_told_to_no_log(caplog, recwarn):
    caplog.set_level(logging.DEBUG)
    text = text_of(make_report(text="骨折 and שבר"))
    assert "▯▯ and ▯▯▯" in text
    assert "5 characters not printed here" in text
    told = caplog.text + "".join(str(warning.message) for warning in recwarn)
    assert "骨" not in told
    assert "U+9AA8" not in told


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(LONG, id="many words"),
        pytest.param("line\n" * 300 + "THE END", id="many lines"),
        pytest.param("x" * 9000 + " THE END", id="one endless word"),
    ],
)
def test_a_long_text_is_cut_with_a_note_and_stays_on_the_page(text):
    made = make_report(text=text)
    found = text_of(made)
    assert "Cut here for want of room. The JSON report holds it all." in found
    assert "THE END" not in found
    assert "cd" * 32 in found
    assert json.loads(report.json_bytes(made))["text"].endswith("THE END")


def test_a_text_that_fits_is_not_cut():
    text = text_of(make_report(text=LONG[:600] + "THE END"))
    assert "THE END" in text
    assert "Cut here" not in text


def test_no_line_is_wider_than_it_may_be():
    sheet = Sheet(title="t", creator="c", created=CREATED)
    lines = sheet.wrapped("Schrägfraktur " * 50 + "x" * 500 + " W" * 200, INNER_MM, size_pt=9.5)
    widths = [sheet.words(0, 0, line, size_pt=9.5) for line in lines]
    assert max(widths) <= INNER_MM + 1e-6
    assert "".join(lines).count("x") == 500


def test_pdf_is_a4_and_its_metadata_name_software_film_and_time_alone():
    reader = pypdf.PdfReader(io.BytesIO(report.pdf_bytes(make_report(text="Secret words"))))
    assert [round(float(side) * 25.4 / 72) for side in reader.pages[0].mediabox[2:]] == [210, 297]
    metadata = dict(reader.metadata)
    assert metadata["/Title"] == f"bonefx reading of film {'ab' * 8}"
    assert metadata["/Creator"] == "bonefx 9.8.7"
    assert set(metadata) <= {"/Title", "/Creator", "/CreationDate", "/Producer"}


@pytest.mark.parametrize("shape", [(120, 96), (64, 300), (300, 64)])
def test_pdf_keeps_film_and_overlay_without_loss(shape):
    made = make_report(shape=shape)
    pictures = [np.asarray(file.image) for file in page_of(made).images]
    assert any(np.array_equal(picture, made.film) for picture in pictures)
    assert any(np.array_equal(picture, made.overlay.pixels) for picture in pictures)


def test_a_large_film_is_averaged_down_for_the_page():
    made = make_report(shape=(3000, 600))
    longest = max(max(file.image.size) for file in page_of(made).images)
    assert longest == 1536


# Files


def test_files_are_named_by_checksum_model_and_point(tmp_path):
    paths = report.write_report(make_report(), tmp_path / "new", forms=["pdf", "json", "pdf"])
    assert list(paths) == ["pdf", "json"]
    assert paths["json"] == tmp_path / "new" / f"{'ab' * 8}.tiny.balanced.json"
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        f"{'ab' * 8}.tiny.balanced.json", f"{'ab' * 8}.tiny.balanced.pdf",
    ]  # fmt: skip


def test_a_report_that_is_there_is_replaced_only_when_asked(tmp_path):
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
def test_a_form_that_cannot_be_had_is_refused_before_any_is_written(tmp_path, form, message):
    with pytest.raises(SettingsError, match=message):
        report.write_report(make_report(), tmp_path, forms=["json", form])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(SettingsError, match="cannot be written"):
        report.write_report(make_report(), tmp_path / "file", forms=["json"])
