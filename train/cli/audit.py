"""The commands `audit` and `audit-table`; heavy libraries are imported when a command runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_audit_commands(commands: Any) -> None:
    """Add the audit commands to a parser's subcommands."""
    audit = commands.add_parser("audit", help="find duplicates and leakage in a folder of films")
    audit.add_argument(
        "folder", type=Path, metavar="DIR", help="folder of films, with any subfolders"
    )
    audit.add_argument(
        "--splits",
        type=Path,
        metavar="CSV",
        help="CSV with the columns path or image, label, split, group",
    )
    audit.add_argument("--name", help="name of the data set in the reports (default: name of DIR)")
    audit.add_argument(
        "--out", type=Path, metavar="DIR", help="folder of the reports (default: runs/audit-DIR)"
    )
    audit.set_defaults(run=_audit)
    table = commands.add_parser("audit-table", help="print audits as one Markdown table")
    table.add_argument("audits", type=Path, nargs="+", metavar="JSON", help="audit.json files")
    table.set_defaults(run=_table)


def _audit(options: argparse.Namespace) -> None:
    import json

    from bonefx.schema import dump_record
    from train.audit.run import audit_folder

    out = options.out or Path("runs") / f"audit-{options.folder.resolve().name}"
    audit = audit_folder(options.folder, splits=options.splits, out=out, name=options.name)
    print(json.dumps(dump_record(audit)))


def _table(options: argparse.Namespace) -> None:
    from train.audit.records import read_audit
    from train.audit.table import render_audits

    print(render_audits([read_audit(path) for path in options.audits]), end="")
