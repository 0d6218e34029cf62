"""Tables for JSON, CSV and the API: documented fields, and reasons as code and text."""

import json
import math

import pytest

from bonefx.models.decision import reading_at_point
from bonefx.records import FilmNote, Reason, ReasonCode, Verdict
from bonefx.report import reading_table, report_table
from bonefx.report.report_records import ReportTable
from bonefx.report.table_records import CaseTable, ComparisonTable, ReadingTable, RowTable
from bonefx.report.tables import worklist_table
from bonefx.report.wording.reasons import REASON_TEXTS, reason_text
from bonefx.schema import describe_record
from tests.fixtures.records import make_point, make_reading
from tests.fixtures.reports import make_report

TABLES = (ReadingTable, RowTable, CaseTable, ComparisonTable, ReportTable)


def make_reason(code, **changes):
    """A reason with everything that a sentence may name."""
    limit = (0.1, 0.4) if code is ReasonCode.IN_REVIEW_BAND else 0.2
    reason = {"value": 0.12, "limit": limit, "name": "THING", "regions": ("hand", "leg")}
    return Reason(code=code, **(reason | changes))


@pytest.mark.parametrize("kind", TABLES)
def test_the_json_schema_describes_every_field_of_a_table(kind):
    schema = describe_record(kind)
    tables = [schema, *schema["$defs"].values()]
    documented = [table for table in tables if table["title"].endswith("Table")]
    assert documented
    for table in documented:
        assert table["description"]
        undocumented = [
            name
            for name, field in table["properties"].items()
            if not (field.get("description") or "$ref" in field)
        ]
        assert undocumented == []


def test_the_json_schema_states_the_range_of_a_probability():
    probability = describe_record(ReadingTable)["properties"]["probability"]
    number = {"type": "number", "minimum": 0, "maximum": 1}
    assert probability["anyOf"] == [number, {"type": "null"}]


@pytest.mark.parametrize("code", ReasonCode)
def test_every_reason_has_a_sentence_with_its_figures(code):
    text = reason_text(make_reason(code))
    assert text.endswith(".")
    assert "{" not in text
    assert set(REASON_TEXTS) == set(ReasonCode)


def test_a_name_with_braces_stays_as_it_is():
    assert "({name})" in reason_text(make_reason(ReasonCode.BODY_PART, name="{name}"))


def test_a_reading_in_review_carries_code_value_limit_and_text():
    reading = reading_at_point(make_reading(probability=0.5), make_point())
    table = reading_table(reading)
    assert (table["reason_code"], table["reason_value"]) == ("in_review_band", 0.5)
    assert table["reason_limit"] == table["review_band"] == [0.4, 0.6]
    assert table["reason"] == reason_text(reading.reason)


def test_a_measure_that_is_not_a_number_is_null_in_json():
    reason = make_reason(ReasonCode.TOO_DARK, value=math.nan)
    table = reading_table(make_reading(verdict=Verdict.OUT_OF_SCOPE, reason=reason))
    assert table["reason_value"] is None
    assert json.dumps(table, allow_nan=False)


def row_of(reading, *, error):
    """Return the table of a worklist row."""
    return worklist_table(
        reading, place=1, film="a.png", urgency=2.0, error=error, same_as=None, sha256=None
    )


def test_a_worklist_row_carries_the_code_of_its_reason():
    refused = row_of(make_reading(verdict=Verdict.OUT_OF_SCOPE), error=None)
    assert refused["reason_code"] == "unlike_training_films"
    not_read = row_of(None, error="the file is empty")
    assert (not_read["reason_code"], not_read["verdict"]) == (None, None)
    assert list(refused) == list(not_read)


def test_a_worklist_row_carries_the_notes_of_its_film():
    row = row_of(make_reading(notes=(FilmNote.FOR_PROCESSING,)), error=None)
    assert [note["code"] for note in row["film_notes"]] == ["for_processing"]
    not_read = row_of(None, error="the file is empty")
    assert not_read["film_notes"] is None


def test_a_report_states_the_version_of_its_fields():
    assert report_table(make_report())["schema_version"] == 2
