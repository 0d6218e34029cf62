"""Rows of a CSV file that remember their line, so that a message can name it."""

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
        line: Where the row ends in it, counted from 1.
        cells: Text by column.
    """

    file: str
    line: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """Text of a cell without spaces around it; "" where there is no such column."""
        return self.cells.get(column, "").strip()

    def flag(self, column: str) -> bool | None:
        """Truth of a cell; None where it is empty or there is no such column.

        Raises:
            RecipeError: The cell holds something else than 1, 0, yes, no, true or false.
        """
        text = self.text(column).lower()
        if text not in FLAG_VALUES:
            raise self.error(f"{column} is {text!r}; write 1, 0 or nothing")
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
        needed: Columns that its header must have; others are read too.
        columns: Names of the columns where the file has no header.
        remedy: What to do where the file is not as it must be.

    Raises:
        RecipeError: The file is missing, is no CSV, is empty, or lacks a needed column.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, fieldnames=columns, restval="", strict=True)
            rows = [CsvRow(file=path.name, line=reader.line_num, cells=cells) for cells in reader]
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise RecipeError(f"{path.name} is missing or no CSV in UTF-8; {remedy}") from error
    if not rows:
        raise RecipeError(f"{path.name} has no rows; {remedy}")
    for column in needed:
        if column not in rows[0].cells:
            raise RecipeError(f"{path.name} has no column {column!r}; {remedy}")
    for row in rows:
        if None in row.cells:
            raise row.error("there are more cells than columns; quote cells that hold a comma")
    return rows
