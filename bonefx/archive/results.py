"""Shards as Parquet files: rows with the columns of RowTable, and a manifest in the footer.

Rows and manifest are one file that appears whole or not at all, so they never contradict each
other. Other readers of Parquet ignore the manifest.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from bonefx.archive.names import Names
from bonefx.archive.records import (
    ArchiveFile,
    Counts,
    FinishedFile,
    RunSettings,
    Shard,
    ShardManifest,
)
from bonefx.archive.stores import PART, OutFolder
from bonefx.errors import SettingsError
from bonefx.reading.worklist_row import WorklistRow
from bonefx.reading.worklist_tables import row_table
from bonefx.report.table_records import RowTable
from bonefx.schema import dump_record, parse_record

RESULTS = "results"
SUFFIX = ".parquet"
MANIFEST_KEY = b"bonefx"
SHARD_COLUMN = "shard"
PLAIN_TYPES = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardWriter:
    """Writes shards of one run into the folder of results."""

    out: OutFolder
    settings: RunSettings
    names: Names

    def write(
        self,
        shard: Shard,
        rows: Sequence[WorklistRow],
        *,
        finished: Sequence[ArchiveFile],
        left_out: int,
    ) -> Counts:
        """Write the rows of a shard and return their number.

        Args:
            shard: Names the file.
            rows: Of its films.
            finished: Its files that were read or left out.
            left_out: How many of them are no films.
        """
        tables = [row_table(row) for row in rows]
        for table in tables:
            table |= {"film": self.names.written(table["film"]), SHARD_COLUMN: shard.id}
        verdicts = Counter(row.verdict for row in rows if row.verdict is not None)
        counts = Counts(
            films=len(rows),
            errors=sum(row.error is not None for row in rows),
            left_out=left_out,
            verdicts=dict(verdicts),
        )
        manifest = ShardManifest(
            settings=self.settings,
            counts=counts,
            files=tuple(finished_file(file, self.names) for file in finished),
        )
        self.out.write(self.name_of(shard), _parquet_bytes(tables, manifest))
        return counts

    def name_of(self, shard: Shard) -> str:
        """Return the name of a shard's file in the folder of results."""
        value = quote(self.names.written(shard.folder), safe="", errors="backslashreplace")
        folder = f"folder={value}/" if shard.folder else ""
        return f"{RESULTS}/{folder}{SHARD_COLUMN}-{shard.id}{SUFFIX}"

    def manifest_of(self, shard: Shard) -> ShardManifest | None:
        """Return the manifest of a shard that is finished; None if it is not."""
        name = self.name_of(shard)
        return read_manifest(self.out, name) if self.out.has(name) else None


def finished_file(file: ArchiveFile, names: Names) -> FinishedFile:
    """Return what the manifest of a shard says about a file."""
    return FinishedFile(
        source=names.written(file.url), size_bytes=file.size_bytes, stamp=file.stamp
    )


def shard_names(out: OutFolder) -> list[str]:
    """List the files of finished shards, and remove the rest of writes that were interrupted."""
    names = out.names(RESULTS)
    for name in names:
        if name.rpartition("/")[2].startswith(PART):
            out.remove(name)
    return [name for name in names if name.endswith(SUFFIX)]


def read_manifest(out: OutFolder, name: str) -> ShardManifest:
    """Read the manifest in the footer of a shard.

    Raises:
        SettingsError: The file is no shard, or is damaged.
    """
    remedy = "move it out of the folder of --out, and run the command again"
    try:
        with out.open(name) as file:
            metadata = pq.read_metadata(file).metadata or {}
        table = json.loads(metadata[MANIFEST_KEY])
    except (pa.ArrowInvalid, KeyError, ValueError) as error:
        raise SettingsError(f"{_short(name)} is no shard of bonefx; {remedy}") from error
    return parse_record(
        ShardManifest, table, source=_short(name), error=SettingsError, remedy=remedy
    )


def _short(name: str) -> str:
    return name.rpartition("/")[2]  # folders may be named after patients


def _parquet_bytes(tables: list[dict[str, Any]], manifest: ShardManifest) -> bytes:
    text = json.dumps(dump_record(manifest)).encode()
    table = pa.Table.from_pylist(
        tables, schema=results_schema().with_metadata({MANIFEST_KEY: text})
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def results_schema() -> Any:
    """Return the columns of the results: those of RowTable, and the id of the shard."""
    hints = get_type_hints(RowTable)
    columns = [(column.name, _arrow_type(hints[column.name])) for column in fields(RowTable)]
    return pa.schema([*columns, (SHARD_COLUMN, pa.string())])


def _arrow_type(kind: Any) -> Any:
    """Return the Arrow type of a field; a value of None is null in each of them."""
    if get_origin(kind) in (Union, UnionType):
        (kind,) = (part for part in get_args(kind) if part is not type(None))
    if get_origin(kind) is tuple:
        return pa.list_(_arrow_type(get_args(kind)[0]))
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return pa.struct([(part.name, _arrow_type(hints[part.name])) for part in fields(kind)])
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return pa.string()
    return PLAIN_TYPES[kind]
