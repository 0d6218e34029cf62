"""PDF reports: verdict, figures and the user's text on one page, without patient data."""

from __future__ import annotations

import io
import json
import logging

import numpy as np
import pypdf
import pytest
from PIL import Image

from bonefx import report
from bonefx.records import FilmEdit, FilmNote, PixelBox, Reason, ReasonCode, Verdict
from bonefx.report.page import INNER_MM, Sheet
from bonefx.report.wording.films import film_facts
from bonefx.report.wording.readings import NOTICE, reading_notes
from bonefx.scope.statistics import REGIONS
from tests.fixtures.records import make_point, make_radiograph, make_reading
from tests.fixtures.reports import CREATED, make_out_of_scope_report, make_report

VERDICTS = {
    Verdict.FRACTURE: "▲ Fracture",
    Verdict.NO_FRACTURE: "● No fracture",
    Verdict.REVIEW: "◆ Review",
}
WARNING = "Not for reading films: tiny was trained on its test films."
LONG = "Schrägfraktur der distalen Radiusmetaphyse, nicht disloziert. " * 100 + "THE END"


def page_of(made):
    """Return the only page of a report's PDF."""
    (page,) = pypdf.PdfReader(io.BytesIO(report.pdf_bytes(made))).pages
    return page


def text_of(made):
    """Return the searchable text of a report's PDF, with blanks for line ends."""
    return " ".join(page_of(made).extract_text().split())


@pytest.mark.parametrize("verdict", VERDICTS)
def test_pdf_has_verdict_figures_model_and_checksums_as_text(verdict):
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
    assert "this holds where 18 % of the films are fractured" in text_of(made)
    table = json.loads(report.json_bytes(made))
    assert table["measured_on"] == "582 test films of Synthetic bones"


def test_pdf_marks_what_was_not_measured():
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


def test_pdf_has_the_users_text_in_every_alphabet_of_its_typeface():
    assert "Ödem, Łódź, Ελλάς, Москва, ≥ 3 mm" in text_of(
        make_report(text="Ödem, Łódź, Ελλάς, Москва, ≥ 3 mm")
    )


def test_characters_missing_from_the_typeface_are_counted_on_the_page_and_not_logged(
    caplog, recwarn
):
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
def test_a_long_text_is_cut_with_a_note_at_the_end_of_the_page(text):
    made = make_report(text=text)
    found = text_of(made)
    assert "Text cut: no more space on this page. The JSON report holds it all." in found
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


def test_pdf_is_a4_and_its_metadata_has_only_software_film_and_time():
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


EDIT = FilmEdit(
    crop=PixelBox(top=10, left=5, bottom=2480, right=2075),
    mirrored=True,
    quarter_turns=3,
    inverted=True,
)
MOST_NOTES = {
    "edit": EDIT,
    "notes": tuple(FilmNote),
    "outside_scope": Reason(
        code=ReasonCode.UNLIKE_TRAINING_FILMS, value=9.0, limit=2.0, regions=REGIONS
    ),
    "caution": WARNING,
}


@pytest.mark.parametrize(
    "own_text", [pytest.param("", id="no text"), pytest.param(LONG, id="text")]
)
def test_notes_are_never_cut_and_model_device_and_calibration_are_always_there(own_text):
    reading = make_reading(device="cuda:0", **MOST_NOTES)
    film = make_radiograph(
        body_part="WRIST", view="PA", laterality="L", spacing_mm=(0.1, 0.1), field=EDIT.crop,
        field_corners=((5, 11.2), (2000, 10), (2075, 2400.7), (50, 2480)), edit=EDIT,
        notes=reading.notes,
    )  # fmt: skip
    made = make_report(
        reading=reading, facts=tuple(film_facts(film)), origin="hf:owner/name@" + "0123abcd" * 5,
        text=own_text,
    )  # fmt: skip
    text = text_of(made)
    for note in reading_notes(reading):
        assert note in text
    for words in (WARNING, "Model tiny", "cuda:0", "hf:owner/name@", "platt, n = 513", "cd" * 32):
        assert words in text
    assert "WRIST" in text
    assert "Changes" not in text  # the notes say it
    assert ("Text cut" in text) == bool(own_text)
    assert len(page_of(made).images) >= 2


def test_the_facts_of_the_page_leave_out_what_the_notes_say():
    facts = (("Film", "JPEG"), ("Changes", "Turned."), ("Notes", "A note."))
    text = text_of(make_report(facts=facts))
    assert "JPEG" in text
    assert "Turned." not in text
    assert "A note." not in text
