"""What of an archive is read already: the run file of the folder, and its finished shards."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from pydantic import ConfigDict

from bonefx.archive.names import Names
from bonefx.archive.records import ArchiveFile, Counts, RunSettings, ShardManifest
from bonefx.archive.results import read_manifest, shard_names
from bonefx.archive.stores import OutFolder
from bonefx.errors import SettingsError
from bonefx.schema import dump_record, parse_record

RUN_FILE = "run.json"
ATTEMPTS = "attempts"
READ_AT_ONCE = 16
LABELS = {
    "schema_version": "format of the results",
    "bonefx": "version of bonefx",
    "model": "model",
    "weights_sha256": "weights",
    "manifest_sha256": "manifest of the model",
    "point": "operating point",
    "inverted": "--invert",
    "mirrored": "--mirror",
    "quarter_turns": "--turn",
    "names": "--hash-names",
    "partition": "--partition",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFile:
    """run.json of a folder of results; `attempt` is that of the latest run."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    settings: RunSettings
    attempt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Finished shards of a folder.

    Attributes:
        counts: Of each shard, by the name of its file.
        files: Shard, size and stamp of each file that was read, by its name in manifests.
    """

    counts: dict[str, Counts]
    files: dict[str, tuple[str, int, str]]

    def unread(self, files: Iterable[ArchiveFile], names: Names) -> list[ArchiveFile]:
        """Return the files that no shard holds."""
        return [file for file in files if names.written(file.url) not in self.files]

    def outdated(self, files: Iterable[ArchiveFile], names: Names) -> set[str]:
        """Return the shards that hold a file which has changed since."""
        changed = set()
        for file in files:
            shard, *mark = self.files.get(names.written(file.url), ("",))
            if shard and mark != [file.size_bytes, file.stamp]:
                changed.add(shard)
        return changed


def claim_folder(out: OutFolder, settings: RunSettings) -> str:
    """Make a folder of results this run's, and return the id of the attempt.

    Workers of a former run, if any still work, find another id there and write nothing more.

    Raises:
        SettingsError: It holds results of other settings, or cannot be written.
    """
    found = read_run_file(out)
    if shard_names(out):
        if found is None:
            raise SettingsError(
                f"the folder of --out has results but no {RUN_FILE}; choose another folder"
            )
        _check_same(found.settings, settings)
    attempt = secrets.token_hex(8)
    run = RunFile(settings=settings, attempt=attempt)
    out.write(RUN_FILE, f"{json.dumps(dump_record(run), indent=2)}\n".encode())
    out.remove_folder(ATTEMPTS)
    return attempt


def read_run_file(out: OutFolder) -> RunFile | None:
    """Read run.json; None if there is none.

    Raises:
        SettingsError: It is damaged.
    """
    content = out.read(RUN_FILE)
    if content is None:
        return None
    remedy = "choose another folder for --out"
    try:
        table = json.loads(content)
    except ValueError as error:
        raise SettingsError(f"{RUN_FILE} is not JSON; {remedy}") from error
    return parse_record(RunFile, table, source=RUN_FILE, error=SettingsError, remedy=remedy)


def _check_same(found: RunSettings, requested: RunSettings) -> None:
    before, now = asdict(found), asdict(requested)
    differing = [LABELS[name] for name in now if before[name] != now[name]]
    if differing:
        raise SettingsError(
            f"the folder of --out holds results of another {', '.join(differing)} "
            f"(model {found.model}, point {found.point}, bonefx {found.bonefx}); "
            "choose another folder, or the same settings"
        )


def read_ledger(out: OutFolder) -> Ledger:
    """Read the manifests of all shards.

    A shard that holds a file of another shard is removed, so that no film has two rows; what it
    alone held will be read again.

    Raises:
        SettingsError: A file of the results is no shard.
    """
    names = shard_names(out)
    ledger = Ledger(counts={}, files={})
    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        manifests = pool.map(lambda name: read_manifest(out, name), names)
        for name, manifest in zip(names, manifests, strict=True):
            if any(file.source in ledger.files for file in manifest.files):
                out.remove(name)
            else:
                _add(ledger, name, manifest)
    return ledger


def _add(ledger: Ledger, name: str, manifest: ShardManifest) -> None:
    ledger.counts[name] = manifest.counts
    for file in manifest.files:
        ledger.files[file.source] = (name, file.size_bytes, file.stamp)


def drop_shards(out: OutFolder, ledger: Ledger, shards: Iterable[str]) -> Ledger:
    """Remove shards, and return the ledger without them."""
    dropped = set(shards)
    for name in dropped:
        out.remove(name)
    return Ledger(
        counts={name: counts for name, counts in ledger.counts.items() if name not in dropped},
        files={source: file for source, file in ledger.files.items() if file[0] not in dropped},
    )
