"""The commands audit and audit-table. Heavy imports wait until one of them runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_audit(commands: Any) -> None:
    """Add the audit's commands to the parser's sub-commands."""
    audit = commands.add_parser("audit", help="find what repeats in a folder of films")
    audit.add_argument("folder", type=Path, metavar="DIR", help="any tree of films")
    audit.add_argument(
        "--splits", type=Path, metavar="CSV", help="columns path or image, label, split, group"
    )
    audit.add_argument("--name", help="of the data set, for the reports (default: DIR's)")
    audit.add_argument("--out", type=Path, metavar="DIR", help="default: runs/audit-<name>")
    audit.set_defaults(run=_audit)
    table = commands.add_parser("audit-table", help="print audits as one Markdown table")
    table.add_argument("audits", type=Path, nargs="+", metavar="JSON", help="audit.json files")
    table.set_defaults(run=_table)


def _audit(options: argparse.Namespace) -> None:
    import json

    from bonefx.schema import table_of
    from train.audit.run import audit_folder

    out = options.out or Path("runs") / f"audit-{options.folder.resolve().name}"
    audit = audit_folder(options.folder, splits=options.splits, out=out, name=options.name)
    print(json.dumps(table_of(audit)))  # noqa: T201 (stdout is for programs)


def _table(options: argparse.Namespace) -> None:
    from train.audit.records import read_audit
    from train.audit.summary import render_audits

    print(render_audits([read_audit(path) for path in options.audits]), end="")  # noqa: T201
