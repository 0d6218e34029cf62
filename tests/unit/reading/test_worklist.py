"""Worklist: one row a film, sorted by urgency, and a CSV without formulas."""

import csv
import io
import itertools
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from bonefx.errors import SettingsError
from bonefx.films.sources import FilmSource, find_films
from bonefx.reading.reader import Reader
from bonefx.reading.worklist import (
    THUMBNAIL_PX,
    read_worklist,
    rows_at_point,
    with_second_verdicts,
)
from bonefx.reading.worklist_row import WorklistRow, sorted_by_urgency, urgency
from bonefx.reading.worklist_tables import list_tables, row_table, worklist_csv
from bonefx.records import NO_CHOICES, FilmNote, Reason, ReasonCode, StudyPart, Verdict
from bonefx.report.table_records import CaseTable, RowTable
from bonefx.report.wording.reasons import reason_text
from bonefx.web.worklist.table import row_html
from tests.fixtures.dicom_files import STUDY_ELEMENTS, make_dicom_of_study
from tests.fixtures.image_files import make_png
from tests.fixtures.model_folders import make_model_folder, make_pair
from tests.fixtures.records import make_reading

COLUMNS = {*RowTable.__annotations__, *CaseTable.__annotations__}


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    weights = tmp_path_factory.mktemp("weights")
    make_model_folder(weights)
    return Reader.from_folder(weights, device=torch.device("cpu"))


@pytest.fixture
def films(tmp_path):
    """Five good films, the fourth with the bytes of the first, and a broken one at place 3."""
    for index, seed in enumerate((0, 1, None, 0, 2, 3)):
        content = b"no film" if seed is None else make_png(100 + index * 0, seed=seed)
        (tmp_path / f"{index}.png").write_bytes(content)
    return find_films([("films", tmp_path)]).films


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Return a reader with two models."""
    return make_pair(tmp_path_factory.mktemp("pair"))


def make_row(place=1, *, name="film.png", error=None, **reading):
    source = FilmSource(name=name, path=None)
    found = None if error else make_reading(**reading)
    return WorklistRow(place=place, source=source, reading=found, error=error)


def parsed(rows):
    return list(csv.DictReader(io.StringIO(worklist_csv(rows).decode("utf-8-sig"), newline="")))


def test_every_film_has_a_row_in_the_order_given_and_an_unreadable_one_its_error(reader, films):
    rows = list(read_worklist(reader, films))
    assert [row.place for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row.source for row in rows] == list(films)
    assert [row.error is not None for row in rows] == [False, False, True, False, False, False]
    assert "not an image" in rows[2].error
    assert (rows[2].verdict, rows[2].sha256, rows[2].thumbnail) == (None, None, None)


def test_a_row_reads_the_same_as_the_film_alone(reader, films):
    row = list(read_worklist(reader, films))[4]
    alone = reader.read(films[4].read(), heat=False)
    assert row.probability == pytest.approx(alone.probability, abs=1e-5)
    assert row.verdict is alone.verdict
    assert row.reading.heat is None


def test_a_repeated_file_is_marked_and_still_read(reader, films):
    rows = list(read_worklist(reader, films))
    assert [row.same_as for row in rows] == [None, None, None, 1, None, None]
    assert rows[3].probability == pytest.approx(rows[0].probability, abs=1e-5)


def test_a_thumbnail_is_the_whole_film_in_a_small_square(reader, films):
    row = next(read_worklist(reader, films))
    pixels = cv2.imdecode(np.frombuffer(row.thumbnail, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels.shape == (THUMBNAIL_PX, THUMBNAIL_PX)
    assert pixels[:, 0].max() == 0  # beside the upright film
    assert pixels.max() > 100
    assert next(read_worklist(reader, films, thumbnails=False)).thumbnail is None


def test_films_are_read_in_batches_as_rows_are_consumed(reader, films):
    opened = []

    def given():
        for film in itertools.cycle(films):
            opened.append(film)
            yield film

    rows = read_worklist(reader, given(), batch_films=2)
    next(rows)
    assert len(opened) == 2
    for _ in range(4):
        next(rows)
    assert len(opened) == 6


def test_a_batch_of_unreadable_films_gives_rows_with_errors(reader, films):
    rows = list(read_worklist(reader, [films[2]] * 3, batch_films=2))
    assert [row.error is not None for row in rows] == [True] * 3


def test_model_and_point_are_chosen_by_name(reader, films):
    row = next(read_worklist(reader, films, model="tiny", point="screening"))
    assert row.reading.point.name == "screening"
    with pytest.raises(SettingsError, match="lenient"):
        next(read_worklist(reader, films, point="lenient"))
    with pytest.raises(SettingsError, match="none"):
        next(read_worklist(reader, [], model="none"))


def test_the_most_urgent_comes_first():
    rows = [
        make_row(1, verdict=Verdict.NO_FRACTURE, probability=0.01),
        make_row(2, verdict=Verdict.REVIEW, probability=0.45),
        make_row(3, error="the file is empty"),
        make_row(4, verdict=Verdict.FRACTURE, probability=0.7),
        make_row(5, verdict=Verdict.NO_FRACTURE, probability=0.3),
        make_row(
            6, verdict=Verdict.OUT_OF_SCOPE, reason=Reason(code=ReasonCode.BODY_PART, name="CHEST")
        ),
        make_row(7, verdict=Verdict.FRACTURE, probability=1.0),
        make_row(8, verdict=Verdict.REVIEW, probability=0.55),
    ]
    assert [row.place for row in sorted_by_urgency(rows)] == [7, 4, 8, 2, 3, 6, 5, 1]
    assert [row.place for row in rows] == list(range(1, 9))


def test_a_film_without_an_answer_ranks_before_every_film_without_a_fracture():
    certain = make_row(verdict=Verdict.NO_FRACTURE, probability=0.399)
    assert urgency(make_row(error="x")) < urgency(certain)
    assert urgency(make_row(verdict=Verdict.REVIEW, probability=0.0)) <= urgency(
        make_row(error="x")
    )


def test_rows_of_equal_rank_keep_the_order_of_the_list():
    rows = [make_row(place) for place in (3, 1, 2)]
    assert [row.place for row in sorted_by_urgency(rows)] == [1, 2, 3]


def test_a_difference_by_rounding_between_batches_keeps_the_order_of_the_list():
    rows = [make_row(1, probability=0.7), make_row(2, probability=0.7 + 1e-8)]
    assert [row.place for row in sorted_by_urgency(rows)] == [1, 2]


def test_another_point_changes_verdicts_and_keeps_errors(reader):
    rows = [make_row(1, probability=0.73), make_row(2, error="x")]
    changed = rows_at_point(reader, rows, "specific")
    assert [row.verdict for row in changed] == [Verdict.REVIEW, None]
    assert "'specific'" in reason_text(changed[0].reading.reason)


def test_reading_continues_after_rows_that_were_read_before(reader, films):
    whole = list(read_worklist(reader, films))
    rest = list(read_worklist(reader, films[3:], before=whole[:3]))
    assert [(row.place, row.same_as) for row in rest] == [
        (row.place, row.same_as) for row in whole[3:]
    ]


def test_a_second_model_adds_its_verdict_to_each_film_that_was_read(pair, films):
    rows = list(read_worklist(pair, films))
    twice = list(with_second_verdicts(pair, rows))
    assert [row.place for row in twice] == [row.place for row in rows]
    for row, source in zip(twice, films, strict=True):
        if row.error is not None:
            continue
        assert row.verdict is row.reading.verdict
        alone = pair.read(source.read(), model="other", heat=False)
        assert row.reading.second.model == "other"
        assert row.reading.second.probability == pytest.approx(alone.probability, abs=1e-5)
    (cell,) = {row_table(row)["second_model"] for row in twice if row.error is None}
    assert cell == "other"


def test_another_point_changes_both_verdicts_of_a_row(pair, films):
    rows = list(with_second_verdicts(pair, read_worklist(pair, films)))
    changed = rows_at_point(pair, rows, "screening")
    points = {(row.reading.point.name, row.reading.second.point.name)
              for row in changed if row.reading}  # fmt: skip
    assert points == {("screening", "screening")}


def test_a_film_that_is_gone_keeps_the_first_verdict(pair, tmp_path):
    path = tmp_path / "film.png"
    path.write_bytes(make_png())
    (row,) = read_worklist(pair, [FilmSource(name="film.png", path=path)])
    path.unlink()
    assert list(with_second_verdicts(pair, [row])) == [row]


@pytest.mark.parametrize("other", [Verdict.FRACTURE, Verdict.NO_FRACTURE])
def test_a_row_says_whether_the_second_model_disagrees(other):
    second = make_reading(model="other", verdict=other, probability=0.4)
    row = make_row(verdict=Verdict.FRACTURE, second=second)
    disagrees = other is not Verdict.FRACTURE
    assert row_table(row)["models_disagree"] is disagrees
    assert ('class="second disagrees"' in row_html(row)) is disagrees
    assert "other: " in row_html(row)


def test_a_row_has_a_reading_or_an_error():
    with pytest.raises(ValueError, match="either"):
        WorklistRow(place=1, source=FilmSource(name="a", path=None))


def test_the_csv_is_sorted_and_has_every_column():
    rows = [
        make_row(1, verdict=Verdict.NO_FRACTURE, probability=0.1),
        make_row(2, name='a "quoted", film.png'),
        make_row(3, error="the file is empty; copy it again"),
    ]
    data = worklist_csv(rows)
    assert data.startswith(b"\xef\xbb\xbfplace,film,urgency,verdict,probability,")
    assert data.count(b"\r\n") == 4
    assert data.count(b"\n") == 4
    lines = parsed(rows)
    assert [line["place"] for line in lines] == ["2", "3", "1"]
    assert lines[0]["film"] == 'a "quoted", film.png'
    assert (lines[1]["verdict"], lines[1]["error"]) == ("", "the file is empty; copy it again")
    assert float(lines[2]["probability"]) == 0.1
    assert set(lines[0]) == COLUMNS


@pytest.mark.parametrize(
    "name",
    [
        "=cmd|' /C calc'!A0.png",
        "+1.png",
        "-1.png",
        "@SUM(A1).png",
        "\t=1.png",
        "\r=1.png",
        "\uff1d1",
    ],
)
def test_no_cell_of_the_csv_is_a_formula(name):
    line = parsed([make_row(name=name)])[0]
    assert line["film"] == f"'{name}"


def test_an_ordinary_file_name_is_written_unchanged():
    assert parsed([make_row(name="hand-2 (=left).png")])[0]["film"] == "hand-2 (=left).png"


def test_the_table_of_a_row_has_no_path(tmp_path):
    source = FilmSource(name="film.png", path=tmp_path / "private")
    row = WorklistRow(place=1, source=source, reading=make_reading(), thumbnail=b"PNG")
    table = row_table(row)
    assert set(table) == set(RowTable.__annotations__)
    assert "private" not in str(table)
    assert table["verdict"] == "fracture"


def test_film_notes_are_codes_in_the_csv_and_sentences_on_the_screen():
    notes = (FilmNote.FOR_PROCESSING, FilmNote.PIXELS_MADE_SQUARE)
    row = make_row(notes=notes)
    (line,) = parsed([row])
    assert line["film_notes"] == "for_processing pixels_made_square"
    assert "raw data of the detector" in row_html(row)
    assert parsed([make_row()])[0]["film_notes"] == ""


def test_a_row_keeps_study_part_and_view_of_its_header(reader, tmp_path):
    path = tmp_path / "film.dcm"
    path.write_bytes(make_dicom_of_study(ViewPosition="PA"))
    (row,) = read_worklist(reader, [FilmSource(name="film.dcm", path=path)])
    assert (row.part.body_part, row.part.laterality, row.view) == ("wrist", "L", "PA")
    assert row.part.study == row.source.read().study
    assert STUDY_ELEMENTS["StudyInstanceUID"] not in repr(row)


@pytest.fixture
def wrist_and_elbow():
    """Two films of a wrist, of which the second is fractured, and one of an elbow between them."""
    calm = {"verdict": Verdict.NO_FRACTURE, "probability": 0.1}
    wrist = StudyPart(study="5" * 16, body_part="wrist", laterality="L")
    return [
        replace(make_row(1, name="pa.dcm", **calm), part=wrist, view="PA"),
        make_row(2, name="elbow.png", verdict=Verdict.REVIEW, probability=0.5),
        replace(make_row(3, name="ll.dcm"), part=wrist, view="LL"),
    ]


def test_each_row_of_a_list_names_its_case_and_the_verdict_of_the_case(wrist_and_elbow):
    tables = list_tables(wrist_and_elbow)
    assert all(set(table) == COLUMNS for table in tables)
    assert [table["place"] for table in tables] == [1, 2, 3]
    cases = [(table["case"], table["case_films"], table["case_verdict"]) for table in tables]
    assert cases == [(1, 2, "fracture"), (2, 1, "review"), (1, 2, "fracture")]
    assert [table["verdict"] for table in tables] == ["no_fracture", "review", "fracture"]
    named = [(table["body_part"], table["laterality"], table["view"]) for table in tables]
    assert named == [("wrist", "L", "PA"), (None, None, None), ("wrist", "L", "LL")]


def test_the_csv_keeps_the_films_of_a_case_together(wrist_and_elbow):
    assert [line["place"] for line in parsed(wrist_and_elbow)] == ["3", "1", "2"]
    text = worklist_csv(wrist_and_elbow, NO_CHOICES.split({1, 3})).decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(line["place"], line["case_films"]) for line in lines] == [
        ("3", "1"), ("2", "1"), ("1", "1"),
    ]  # fmt: skip
