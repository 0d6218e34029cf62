"""Rows of a worklist as tables: JSON, CSV and the answer of the API."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from bonefx.reading.case import cases_of
from bonefx.reading.worklist_row import WorklistRow, urgency
from bonefx.records import NO_CHOICES, Case, CaseChoices
from bonefx.report.table_records import CaseTable, RowTable
from bonefx.report.tables import case_table, worklist_table

CSV_COLUMNS = tuple(field.name for kind in (RowTable, CaseTable) for field in fields(kind))
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


def row_table(row: WorklistRow) -> dict[str, Any]:
    """Return a row as the dict of a RowTable; it holds no pixels, path or patient data."""
    return worklist_table(
        row.reading,
        place=row.place,
        film=row.source.name,
        urgency=urgency(row),
        error=row.error,
        same_as=row.same_as,
        sha256=row.sha256,
    )


def list_tables(rows: Sequence[WorklistRow]) -> list[dict[str, Any]]:
    """Return the rows of a list in their order, as dicts of a RowTable and a CaseTable.

    Args:
        rows: All rows of the list: until the last film is read, a film may change its case.
    """
    tables = _tables_by_place(rows, cases_of(rows))
    return [tables[row.place] for row in rows]


def _tables_by_place(
    rows: Sequence[WorklistRow], cases: Sequence[Case]
) -> dict[int, dict[str, Any]]:
    case_of = {place: case for case in cases for place in case.places}
    return {
        row.place: row_table(row) | case_table(case_of[row.place], part=row.part, view=row.view)
        for row in rows
    }


def worklist_csv(rows: Sequence[WorklistRow], choices: CaseChoices = NO_CHOICES) -> bytes:
    """Write rows as CSV, the most urgent case first, with the columns of RowTable and CaseTable.

    Text that a spreadsheet would read as a formula is prefixed with an apostrophe. The file names
    are those that the user gave, since only that user receives the table.

    Args:
        rows: All rows of the list.
        choices: What the user joined to one case or split off.

    Source:
        RFC 4180, with a byte order mark for Excel; OWASP, "CSV Injection".
    """
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\r\n")
    table.writeheader()
    cases = cases_of(rows, choices)
    tables = _tables_by_place(rows, cases)
    for place in (place for case in cases for place in case.places):
        table.writerow({name: _cell(value) for name, value in tables[place].items()})
    return text.getvalue().encode("utf-8-sig")


def _cell(value: object) -> object:
    if isinstance(value, list):  # of film notes
        return " ".join(note["code"] for note in value)
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
