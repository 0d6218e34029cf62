"""Rows of a CSV file with their line numbers, for error messages."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bonefx.errors import RecipeError

FLAG_VALUES = {"1": True, "1.0": True, "yes": True, "true": True,
         "0": False, "0.0": False, "no": False, "false": False, "": None}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvRow:
    """One row of a CSV file.

    Attributes:
        file: Name of the CSV file.
        line: Last line of the row, counted from 1.
        cells: Text by column.
    """

    file: str
    line: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """Return a cell's text, stripped; "" if there is no such column."""
        return self.cells.get(column, "").strip()

    def flag(self, column: str) -> bool | None:
        """Return a cell's boolean value; None if it is empty or there is no such column.

        Raises:
            RecipeError: The cell is not 1, 0, yes, no, true or false.
        """
        text = self.text(column).lower()
        if text not in FLAG_VALUES:
            raise self.error(f"{column} is {text!r}; write 1 or 0, or leave it empty")
        return FLAG_VALUES[text]

    def error(self, problem: str) -> RecipeError:
        """Build the error that names this row and its problem."""
        return RecipeError(f"{self.file}, line {self.line}: {problem}")


def read_csv_rows(
    path: Path, *, needed: Sequence[str] = (), columns: Sequence[str] | None = None, remedy: str
) -> list[CsvRow]:
    """Read a CSV file in UTF-8, with or without a byte order mark.

    Args:
        path: The file.
        needed: Required columns; other columns are read too.
        columns: Column names of a file without a header.
        remedy: How to correct an invalid file; ends the error message.

    Raises:
        RecipeError: The file is missing, is not CSV, has no rows, or lacks a required column.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, fieldnames=columns, restval="", strict=True)
            rows = [CsvRow(file=path.name, line=reader.line_num, cells=cells) for cells in reader]
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise RecipeError(f"{path.name} is missing or not a CSV file in UTF-8; {remedy}") from error
    if not rows:
        raise RecipeError(f"{path.name} has no rows; {remedy}")
    for column in needed:
        if column not in rows[0].cells:
            raise RecipeError(f"{path.name} has no column {column!r}; {remedy}")
    for row in rows:
        if None in row.cells:
            raise row.error("the row has more cells than columns; quote cells that contain a comma")
    return rows
