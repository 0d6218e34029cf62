"""Result of an audit, audit.json: counts and figures without file names."""

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
    """Number of films with one fault or unusual property."""

    value: str
    films: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSize:
    """Numbers of films, of fractures and of groups in a split."""

    split: str
    films: int
    fractured: int
    groups: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCrossing:
    """Number of films of a split with a duplicate in another split, or in the same one."""

    split: str
    other: str
    films: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateFinding:
    """Counts of films that match another film in one respect.

    Attributes:
        groups: Number of groups of at least two films.
        films: Films in these groups.
        within: Films with a match in their own split.
        across: Films with a match in another split.
        crossings: The same counts for each pair of splits.
    """

    groups: int
    films: int
    within: int
    across: int
    crossings: tuple[SplitCrossing, ...]

    def crossing(self, split: str, other: str) -> int:
        """Return the number of films of a split with a match in the other."""
        counts = (c.films for c in self.crossings if (c.split, c.other) == (split, other))
        return next(counts, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditBaselines:
    """Accuracy of baseline rules; None where there is nothing to measure.

    Attributes:
        trained_on: Split of the reference films; NO_SPLIT_NAME for leave-one-out on all films.
        tested_on: Split of the test films.
        majority: Accuracy of always predicting the more frequent label.
        hash_lookup: Accuracy of the label of a byte-identical reference film, else the more
            frequent label.
        nearest: Accuracy of the label of the nearest reference thumbnail.
        nearest_other_group: The same without reference films of the test film's group.
        nearest_of_all_other_group: The same by leave-one-out on the distinct films of all splits:
            the accuracy that remains without duplicates, on more films.
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
        schema_version: Version of the format.
        name: Name of the data set.
        films: Number of audited files.
        missing: Number of excluded CSV rows without a file.
        distinct: Number of distinct files, by checksum.
        splits: Sizes of the published splits.
        byte_duplicates: Byte-identical files.
        near_duplicates: Films that show the same image as another file, byte duplicates included.
        name_families: Films whose file names indicate a common source.
        conflicts: Films of near-duplicate groups with more than one label.
        together: Films that a split must keep together, for any of the above reasons or because of
            the owner's groups.
        largest_group: Number of films in the largest of these groups.
        unreadable: Unreadable files, by reason.
        odd: Films with an unusual property, by property.
        baselines: Accuracy of baseline rules.
        proposed: Sizes of the proposed grouped split.
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
        RecipeError: The file is not an audit, or one of another version.
    """
    remedy = "run the audit again"
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path.name} is not a readable audit; {remedy}") from error
    audit = parse_record(Audit, table, source=path.name, error=RecipeError, remedy=remedy)
    if audit.schema_version != AUDIT_SCHEMA_VERSION:
        raise RecipeError(
            f"{path.name} has the unsupported version {audit.schema_version}; {remedy}"
        )
    return audit
