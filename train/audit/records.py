"""What an audit says: counts and figures without any film's name, kept as audit.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict

from bonefx.errors import RecipeError
from bonefx.records import Estimate
from bonefx.schema import dump_record, parse_record
from train.files import write_atomically

AUDIT_FILE = "audit.json"
AUDIT_SCHEMA_VERSION = 1
NO_SPLIT_NAME = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultCount:
    """How many films have a property."""

    value: str
    films: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSize:
    """A split: its films, those labelled fracture, and its groups (0 where not counted)."""

    split: str
    films: int
    fractured: int
    groups: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCrossing:
    """How many films of a split have a mate in another split, or in their own."""

    split: str
    other: str
    films: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateFinding:
    """Films that share a property with another film.

    Attributes:
        groups: Groups of two films or more.
        films: Films in them.
        within: Films with a mate in their own split.
        across: Films with a mate in another split.
        crossings: The same, split by split.
    """

    groups: int
    films: int
    within: int
    across: int
    crossings: tuple[SplitCrossing, ...]

    def crossing(self, split: str, other: str) -> int:
        """Films of a split with a mate in the other."""
        found = (c.films for c in self.crossings if (c.split, c.other) == (split, other))
        return next(found, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditBaselines:
    """Accuracy of rules that look at no bone; None where there is nothing to measure.

    Attributes:
        trained_on: Split that the rules know; NO_SPLIT when each film is asked about all others.
        tested_on: Split that they are asked about.
        majority: Always the commoner label.
        hash_lookup: The label of a byte-identical known film, else the commoner label.
        nearest: The label of the nearest known thumbnail.
        nearest_other_group: The same when films of the film's own group are not looked at.
        nearest_of_all_other_group: The same again, each distinct film of all splits asked about all
            others: what is left when nothing repeats, on more films.
    """

    trained_on: str
    tested_on: str
    majority: Estimate | None
    hash_lookup: Estimate | None
    nearest: Estimate | None
    nearest_other_group: Estimate | None
    nearest_of_all_other_group: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """An audit of one data set.

    Attributes:
        name: Of the data set.
        films: Files looked at.
        missing: Rows of the CSV without a file, as they may be.
        distinct: Files that differ in at least one byte.
        splits: As published.
        byte_duplicates: Files with the same bytes.
        near_duplicates: Films that show the same as another file, byte duplicates included.
        name_families: Films whose names tell of a common source.
        conflicts: Films of near-duplicate groups that carry more than one label.
        together: Films that a split must keep together: all of the above and the owner's groups.
        largest_group: Films of the largest of these.
        unreadable: Files that cannot be read, by reason.
        odd: Films unlike the rest, by what is odd.
        baselines: What a rule without knowledge reaches.
        proposed: The grouped split that the audit wrote.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    schema_version: int
    name: str
    films: int
    missing: int
    distinct: int
    splits: tuple[SplitSize, ...]
    byte_duplicates: DuplicateFinding
    near_duplicates: DuplicateFinding
    name_families: DuplicateFinding
    conflicts: DuplicateFinding
    together: DuplicateFinding
    largest_group: int
    unreadable: tuple[FaultCount, ...]
    odd: tuple[FaultCount, ...]
    baselines: AuditBaselines
    proposed: tuple[SplitSize, ...]


def write_audit(path: Path, audit: Audit) -> None:
    """Write audit.json."""
    text = json.dumps(dump_record(audit), indent=2) + "\n"
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))


def read_audit(path: Path) -> Audit:
    """Read audit.json.

    Raises:
        RecipeError: The file is no audit, or one of another version.
    """
    remedy = "run the audit again"
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path.name} is no readable audit; {remedy}") from error
    audit = parse_record(Audit, table, source=path.name, error=RecipeError, remedy=remedy)
    if audit.schema_version != AUDIT_SCHEMA_VERSION:
        raise RecipeError(f"{path.name} is of version {audit.schema_version}; {remedy}")
    return audit
