"""The "combined" layout: several data sets in one folder, described by sets.toml."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from pydantic import ConfigDict

from bonefx.errors import RecipeError
from bonefx.schema import parse_record
from train.data.index import DataSet, DataSource, Film, join_addresses, join_licences

SETS_TOML = "sets.toml"
SETS_REMEDY = "see docs/own-data.md"

LoadSet = Callable[[str, Path], DataSet]  # the layout and the folder of a set


@dataclass(frozen=True, slots=True, kw_only=True)
class SetEntry:
    """One data set of a combined set.

    Attributes:
        folder: Its folder, relative to sets.toml.
        layout: A key of train.data.ADAPTERS.
        source: Key of SetsTable.sources for films whose table names no source.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    folder: str
    layout: str
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEntry:
    """A hospital or collection; see DataSource."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    title: str
    licence: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetsTable:
    """Content of sets.toml.

    Attributes:
        name: Name of the combined set for cards.
        unsuitable_for: See bonefx.records.model.TrainingData.
        sets: The data sets.
        sources: All hospitals and collections of their films, by name.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    sets: tuple[SetEntry, ...]
    sources: Mapping[str, SourceEntry]
    unsuitable_for: str = field(default="")


def index_combined(folder: Path, load_set: LoadSet) -> DataSet:
    """Index the data sets that sets.toml lists, as one.

    Names and groups of films get the folder of their set as a prefix. Each film has a source.

    Args:
        folder: Folder with sets.toml and the folders of the sets.
        load_set: Indexes one set by layout and folder.

    Raises:
        RecipeError: sets.toml is missing or invalid, a set is invalid, or a film has a source that
            sets.toml does not describe.
    """
    table = _read_table(folder / SETS_TOML)
    parts = [_load_part(folder, entry, load_set) for entry in table.sets]
    films = tuple(film for part in parts for film in part.films)
    unknown = sorted({film.source for film in films} - set(table.sources))
    if "" in unknown:
        raise RecipeError(
            "some films have no source; give their table a column source, or their entry under "
            f'[[sets]] in {SETS_TOML} a line source = "NAME"'
        )
    if unknown:
        raise RecipeError(
            f"films have the source {unknown[0]!r}, which {SETS_TOML} does not describe; add "
            f"[sources.{unknown[0]}] with title, licence and address"
        )
    sources = {name: _source(name, entry, parts) for name, entry in table.sources.items()}
    return DataSet(
        name=table.name,
        licence=join_licences(sources.values()),
        source=join_addresses(sources.values()),
        split_sha256=_joint_checksum(table, parts),
        films=films,
        left_out=sum(part.left_out for part in parts),
        unsuitable_for=table.unsuitable_for,
        sources=sources,
    )


def _source(name: str, entry: SourceEntry, parts: list[DataSet]) -> DataSource:
    checksums = {part.split_sha256 for part in parts if any(f.source == name for f in part.films)}
    return DataSource(
        title=entry.title,
        licence=entry.licence,
        address=entry.address,
        split_sha256=checksums.pop() if len(checksums) == 1 else None,
    )


def _read_table(path: Path) -> SetsTable:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"--data has no {SETS_TOML}; {SETS_REMEDY}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{SETS_TOML} is not TOML: {error}; {SETS_REMEDY}") from error
    return parse_record(
        SetsTable, table, source=SETS_TOML, error=RecipeError, remedy=f"correct it; {SETS_REMEDY}"
    )


def _load_part(folder: Path, entry: SetEntry, load_set: LoadSet) -> DataSet:
    parts = PurePosixPath(entry.folder)
    if parts.is_absolute() or ".." in parts.parts or not parts.parts:
        raise RecipeError(
            f"{SETS_TOML} names a folder outside of its own; write folders relative to it"
        )
    part = load_set(entry.layout, folder / parts)
    return replace(part, films=tuple(_placed(film, entry) for film in part.films))


def _placed(film: Film, entry: SetEntry) -> Film:
    return replace(
        film,
        name=f"{entry.folder}/{film.name}",
        group=f"{entry.folder}/{film.group}",
        source=film.source or entry.source,
    )


def _joint_checksum(table: SetsTable, parts: list[DataSet]) -> str:
    """Combine the checksums of the assignments of films to splits; folders count by their films."""
    digest = hashlib.sha256()
    for entry, part in zip(table.sets, parts, strict=True):
        names = "" if part.split_sha256 else "\n".join(f"{f.name},{f.split}" for f in part.films)
        digest.update(f"{entry.folder} {part.split_sha256} {names}\n".encode())
    return digest.hexdigest()
