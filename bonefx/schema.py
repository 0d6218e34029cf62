"""Parsed TOML or JSON -> a frozen record, with every unknown, missing or mistyped key named."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from bonefx.errors import BonefxError

Record = TypeVar("Record")


def parse_record(
    kind: type[Record], table: Any, *, source: str, error: type[BonefxError], remedy: str
) -> Record:
    """Build a record of a kind from a parsed table.

    Args:
        kind: A frozen dataclass; unknown keys are left alone unless its `__pydantic_config__`
            forbids them.
        table: What a TOML or JSON parser returned.
        source: Name of the file, for the message.
        error: Class to raise.
        remedy: What the user can do, as the end of a sentence.

    Raises:
        BonefxError: Of the given class, when the table does not fit the kind.
    """
    try:
        return TypeAdapter(kind).validate_python(table)
    except ValidationError as invalid:
        found = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in invalid.errors()
        )
        raise error(f"{source} does not fit: {found}; {remedy}") from invalid


def dump_record(record: object) -> Any:
    """Turn a record into plain tables, lists, strings and numbers, ready for JSON."""
    return TypeAdapter(type(record)).dump_python(record, mode="json")
