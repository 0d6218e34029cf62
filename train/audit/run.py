"""One audit from folder to report. Killed at any moment and started again, it ends the same."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2

from train.audit.faults import fault_counts, fault_rows, headers_of
from train.audit.films import FRACTURE_LABEL, AuditFilm, AuditListing, list_films
from train.audit.matching.groups import Grouping, finding_of, grouping_of
from train.audit.matching.pairs import load_fingerprints, near_duplicates
from train.audit.matching.scan import scan
from train.audit.matching.store import opened
from train.audit.propose import Proposal, proposed_split, sizes_of
from train.audit.records import (
    AUDIT_FILE,
    AUDIT_SCHEMA_VERSION,
    NO_SPLIT,
    Audit,
    Baselines,
    SplitSize,
    write_audit,
)
from train.audit.report import FindingRow, rows_of, write_html, write_rows

log = logging.getLogger(__name__)

STORE = "fingerprints.sqlite3"


def audit_folder(
    folder: Path, *, splits: Path | None = None, out: Path, name: str | None = None
) -> Audit:
    """Audit a folder of films and write audit.json, audit.html, findings.csv and splits.csv.

    Args:
        folder: Holds the films; see listing_of.
        splits: CSV of films, labels and splits; None to take them from the folder's names.
        out: Where the reports and what was worked out so far are kept.
        name: Of the data set; None for the folder's.

    Raises:
        RecipeError: The folder or the CSV does not fit, or out cannot be written.
    """
    cv2.setNumThreads(1)  # films are read in parallel; threads within each only get in the way
    listing = list_films(folder, splits)
    films = listing.films
    with opened(out / STORE) as store:
        sha256 = scan(films, store)
        prints = load_fingerprints(store, set(sha256))
        pairs = near_duplicates(prints, store)
        headers = headers_of(store)
    grouping = grouping_of(films, sha256, pairs)
    log.info("grouped; measuring the baselines")
    from train.audit.baselines import baselines_of

    baselines = baselines_of(films, grouping, prints)
    rows = rows_of(films, grouping, pairs) + fault_rows(films, sha256, headers)
    unreadable = {one for one in sha256 if headers[one].error}
    proposal = proposed_split(films, grouping, unreadable)
    audit = _audit(
        name or folder.resolve().name,
        listing,
        grouping=grouping,
        baselines=baselines,
        rows=rows,
        proposal=proposal,
    )
    write_rows(out / "findings.csv", rows, FindingRow)
    write_rows(out / "splits.csv", proposal, Proposal)
    write_html(out / "audit.html", audit, rows, folder)
    write_audit(out / AUDIT_FILE, audit)
    log.info("%s films audited; open %s", len(films), out / "audit.html")
    return audit


def _audit(
    name: str,
    listing: AuditListing,
    *,
    grouping: Grouping,
    baselines: Baselines,
    rows: Sequence[FindingRow],
    proposal: Sequence[Proposal],
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
        splits=_published(films, grouping),
        byte_duplicates=finding_of(films, grouping.by_bytes),
        near_duplicates=finding_of(films, grouping.near),
        name_families=finding_of(films, grouping.families),
        conflicts=finding_of(films, conflicts),
        together=finding_of(films, grouping.together),
        largest_group=max(Counter(grouping.together).values()),
        unreadable=fault_counts(rows, "unreadable"),
        odd=fault_counts(rows, "odd"),
        baselines=baselines,
        proposed=sizes_of(proposal) if proposal else (),
    )


def _published(films: Sequence[AuditFilm], grouping: Grouping) -> tuple[SplitSize, ...]:
    sizes = []
    for name in sorted({film.split for film in films}):
        part = [index for index, film in enumerate(films) if film.split == name]
        sizes.append(
            SplitSize(
                split=name or NO_SPLIT,
                films=len(part),
                fractured=sum(films[index].label == FRACTURE_LABEL for index in part),
                groups=len({grouping.together[index] for index in part}),
            )
        )
    return tuple(sizes)
