"""Conversion between frozen records and parsed TOML or JSON, by pydantic."""

from __future__ import annotations

import inspect
from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from bonefx.errors import BonefxError

Record = TypeVar("Record")


def parse_record(
    kind: type[Record], table: Any, *, source: str, error: type[BonefxError], remedy: str
) -> Record:
    """Build a record from a parsed table, and name every key that does not fit.

    Args:
        kind: A frozen dataclass; unknown keys are ignored unless its `__pydantic_config__`
            forbids them.
        table: What a TOML or JSON parser returned.
        source: Name of the file, for the message.
        error: Class to raise.
        remedy: What the user can do, as the end of a sentence.

    Raises:
        BonefxError: Of the given class, if the table does not fit the kind.
    """
    adapter: TypeAdapter[Record] = _adapter(cast("Hashable", kind))
    try:
        return adapter.validate_python(table)
    except ValidationError as invalid:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in invalid.errors()
        )
        raise error(f"{source} does not fit: {faults}; {remedy}") from invalid


def dump_record(record: object) -> Any:
    """Convert a record to dicts, lists, strings and numbers, ready for JSON."""
    kind: Any = type(record)
    return _adapter(kind).dump_python(record, mode="json")


def describe_record(kind: Any) -> dict[str, Any]:
    """Return the JSON schema of what dump_record makes of a kind of record."""
    return _adapter(kind).json_schema(mode="serialization", schema_generator=_DescribedSchema)


class _DescribedSchema(GenerateJsonSchema):
    """A JSON schema with the docstring of each record, which pydantic before 2.13 leaves out."""

    def dataclass_schema(self, schema: Any) -> JsonSchemaValue:
        """See GenerateJsonSchema."""
        described = super().dataclass_schema(schema)
        described.setdefault("description", inspect.getdoc(schema["cls"]))
        return described


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Return the adapter of a kind of record; building one takes far longer than using it."""
    return TypeAdapter(kind)
