"""Run an audit, from folder to report. An interrupted audit can be restarted at any point."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2

from train.audit.faults import count_faults, find_faults, load_headers
from train.audit.films import FRACTURE_LABEL, AuditFilm, AuditListing, list_films
from train.audit.findings import FindingRow, list_duplicate_pairs, write_csv
from train.audit.matching.groups import FilmGroups, count_duplicates, group_films
from train.audit.matching.pairs import find_near_duplicates, load_fingerprints
from train.audit.matching.scan import fingerprint_films
from train.audit.matching.store import open_store
from train.audit.propose import ProposedRow, count_proposed_splits, propose_split
from train.audit.records import (
    AUDIT_FILE,
    AUDIT_SCHEMA_VERSION,
    NO_SPLIT_NAME,
    Audit,
    AuditBaselines,
    SplitSize,
    write_audit,
)
from train.audit.report import write_audit_html

logger = logging.getLogger(__name__)

STORE_FILE = "fingerprints.sqlite3"


def audit_folder(
    folder: Path, *, splits: Path | None = None, out: Path, name: str | None = None
) -> Audit:
    """Audit a folder of films and write audit.json, audit.html, findings.csv and splits.csv.

    Args:
        folder: Folder of the films; see train.audit.films.list_films.
        splits: CSV file with films, labels and splits; None derives them from folder names.
        out: Folder of the reports and of the fingerprints computed so far.
        name: Name of the data set; None for the folder's name.

    Raises:
        RecipeError: The folder or the CSV file is invalid, or `out` is not writable.
    """
    cv2.setNumThreads(1)  # films are read in parallel already
    listing = list_films(folder, splits)
    films = listing.films
    with open_store(out / STORE_FILE) as store:
        sha256 = fingerprint_films(films, store)
        fingerprints = load_fingerprints(store, set(sha256))
        pairs = find_near_duplicates(fingerprints, store)
        headers = load_headers(store)
    grouping = group_films(films, sha256, pairs)
    logger.info("films are grouped; measuring the baselines")
    from train.audit.baselines import measure_baselines

    baselines = measure_baselines(films, grouping, fingerprints)
    rows = list_duplicate_pairs(films, grouping, pairs) + find_faults(films, sha256, headers)
    unreadable = {one for one in sha256 if headers[one].error}
    proposal = propose_split(films, grouping, unreadable)
    audit = _summarise(
        name or folder.resolve().name,
        listing,
        grouping=grouping,
        baselines=baselines,
        rows=rows,
        proposal=proposal,
    )
    write_csv(out / "findings.csv", rows, FindingRow)
    write_csv(out / "splits.csv", proposal, ProposedRow)
    write_audit_html(out / "audit.html", audit, rows, folder)
    write_audit(out / AUDIT_FILE, audit)
    logger.info("%s films audited; open %s", len(films), out / "audit.html")
    return audit


def _summarise(
    name: str,
    listing: AuditListing,
    *,
    grouping: FilmGroups,
    baselines: AuditBaselines,
    rows: Sequence[FindingRow],
    proposal: Sequence[ProposedRow],
) -> Audit:
    films = listing.films
    conflicts = [
        group if opposed else ""
        for group, opposed in zip(grouping.near, grouping.in_conflict, strict=True)
    ]
    return Audit(
        schema_version=AUDIT_SCHEMA_VERSION,
        name=name,
        films=len(films),
        missing=listing.missing,
        distinct=len(set(grouping.by_bytes)),
        splits=_count_published_splits(films, grouping),
        byte_duplicates=count_duplicates(films, grouping.by_bytes),
        near_duplicates=count_duplicates(films, grouping.near),
        name_families=count_duplicates(films, grouping.families),
        conflicts=count_duplicates(films, conflicts),
        together=count_duplicates(films, grouping.together),
        largest_group=max(Counter(grouping.together).values()),
        unreadable=count_faults(rows, "unreadable"),
        odd=count_faults(rows, "odd"),
        baselines=baselines,
        proposed=count_proposed_splits(proposal) if proposal else (),
    )


def _count_published_splits(
    films: Sequence[AuditFilm], grouping: FilmGroups
) -> tuple[SplitSize, ...]:
    sizes = []
    for name in sorted({film.split for film in films}):
        part = [index for index, film in enumerate(films) if film.split == name]
        sizes.append(
            SplitSize(
                split=name or NO_SPLIT_NAME,
                films=len(part),
                fractured=sum(films[index].label == FRACTURE_LABEL for index in part),
                groups=len({grouping.together[index] for index in part}),
            )
        )
    return tuple(sizes)
