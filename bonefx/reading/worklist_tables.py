"""Rows of a worklist as tables: JSON, CSV and the answer of the API."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from bonefx.reading.worklist_row import WorklistRow, sorted_by_urgency, urgency
from bonefx.report.table_records import RowTable
from bonefx.report.tables import worklist_table

CSV_COLUMNS = tuple(field.name for field in fields(RowTable))
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


def worklist_csv(rows: Sequence[WorklistRow]) -> bytes:
    """Write rows as CSV, the most urgent first, with the columns of RowTable.

    Text that a spreadsheet would read as a formula is prefixed with an apostrophe. The file names
    are those that the user gave, since only that user receives the table.

    Source:
        RFC 4180, with a byte order mark for Excel; OWASP, "CSV Injection".
    """
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\r\n")
    table.writeheader()
    for row in sorted_by_urgency(rows):
        table.writerow({name: _cell(value) for name, value in row_table(row).items()})
    return text.getvalue().encode("utf-8-sig")


def _cell(value: object) -> object:
    if isinstance(value, list):  # of film notes
        return " ".join(note["code"] for note in value)
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
