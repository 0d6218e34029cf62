"""Answers of the reader and verdicts of the model in a session."""

import csv
import io

from bonefx.records import FilmEdit, PixelBox, Reason, ReasonCode, Verdict
from bonefx.web.read.answers.read_first import (
    SESSION_COLUMNS,
    ReaderAnswer,
    agreement_csv,
    agreement_html,
    answered,
    with_judgement,
)
from tests.fixtures.records import make_point, make_reading

SESSION = [
    (Verdict.FRACTURE, Verdict.FRACTURE),
    (Verdict.FRACTURE, Verdict.NO_FRACTURE),
    (Verdict.NO_FRACTURE, Verdict.NO_FRACTURE),
    (Verdict.NO_FRACTURE, Verdict.NO_FRACTURE),
    (Verdict.REVIEW, Verdict.FRACTURE),
    (Verdict.FRACTURE, Verdict.REVIEW),
]


def make_reads():
    return [ReaderAnswer(own=own, reading=make_reading(verdict=model)) for own, model in SESSION]


def test_agreement_counts_films_that_both_decided():
    html = agreement_html(make_reads())
    assert "Same answer on 3 of 4 films; on 2 more one of the two did not decide." in html
    assert "<td>1</td><td>1</td></tr>" in html
    assert "<td>0</td><td>2</td></tr>" in html


def test_before_the_first_film_there_is_no_table():
    assert agreement_html([]) == ""


def test_only_a_film_that_was_answered_needs_no_answer():
    reads = make_reads()
    assert answered(reads[0].reading.radiograph_sha256, reads)
    assert not answered("f" * 64, reads)
    assert not answered(reads[0].reading.radiograph_sha256, [])


def test_a_session_as_csv_has_a_line_a_film_and_no_name():
    rows = list(csv.DictReader(io.StringIO(agreement_csv(make_reads()).decode())))
    assert list(rows[0]) == list(SESSION_COLUMNS)
    assert [row["reader"] for row in rows] == [own.value for own, _ in SESSION]
    assert rows[0]["film_sha256"] == make_reading().radiograph_sha256
    assert rows[0]["threshold"] == f"{make_point().threshold:.6f}"


def test_a_film_out_of_scope_has_no_probability():
    reading = make_reading(verdict=Verdict.OUT_OF_SCOPE, probability=None, logit=None)
    read = ReaderAnswer(own=Verdict.REVIEW, reading=reading)
    rows = list(csv.DictReader(io.StringIO(agreement_csv([read]).decode())))
    assert rows[0]["probability"] == ""


def test_the_csv_names_what_was_changed_before_the_film_was_read():
    edit = FilmEdit(
        crop=PixelBox(top=1, left=2, bottom=90, right=91), mirrored=True, quarter_turns=1
    )
    refusal = Reason(code=ReasonCode.UNLIKE_TRAINING_FILMS, value=9.0, limit=2.0)
    changed = make_reading(edit=edit, outside_scope=refusal)
    reads = [ReaderAnswer(own=Verdict.REVIEW, reading=r) for r in (changed, make_reading())]
    first, second = csv.DictReader(io.StringIO(agreement_csv(reads).decode()))
    columns = ("crop", "mirrored", "turned_degrees", "inverted", "outside_scope")
    assert [first[name] for name in columns] == ["1 2 90 91", "1", "90", "0", refusal.code.value]
    assert [second[name] for name in columns] == ["", "0", "0", "0", ""]


def test_judgements_are_counted_apart_from_answers_before_the_model():
    reads = make_reads()
    html = agreement_html(reads)
    judged = with_judgement(reads[:1], agrees=True, reading=make_reading())
    assert judged[0].own is reads[0].own  # with the reading that followed the answer
    assert judged[0].reading is reads[0].reading
    alone = with_judgement([], agrees=False, reading=make_reading())
    assert "You agreed with the model on 1 of 1 films" in agreement_html(judged)
    assert "You agreed with the model on 0 of 1 films" in agreement_html(alone)
    assert "<table" not in agreement_html(alone)
    assert "agreed" not in html


def test_the_csv_tells_judgements_and_answers_that_were_revised():
    reads = [
        ReaderAnswer(own=Verdict.FRACTURE, reading=make_reading(), revised=True, agrees=False),
        ReaderAnswer(own=None, reading=make_reading(), agrees=True),
        ReaderAnswer(own=Verdict.REVIEW, reading=make_reading()),
    ]
    rows = csv.DictReader(io.StringIO(agreement_csv(reads).decode()))
    assert [(row["reader"], row["revised"], row["agrees"]) for row in rows] == [
        ("fracture", "1", "0"), ("", "0", "1"), ("review", "0", ""),
    ]  # fmt: skip
