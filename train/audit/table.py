"""Audits as one Markdown table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from jinja2 import Environment, PackageLoader, StrictUndefined

from bonefx.records import estimate_text
from train.audit.records import Audit, SplitSize


def render_audits(audits: Sequence[Audit]) -> str:
    """Render audits as one Markdown table, one column per data set."""
    environment = Environment(
        loader=PackageLoader("train.audit"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 (Markdown from our own JSON)
    )
    environment.filters |= {
        "share": partial(estimate_text, percent=True, with_n=True),
        "sizes": _sizes,
        "unreadable": _unreadable,
    }
    return environment.get_template("audits.md.j2").render(audits=audits)


def _sizes(sizes: Sequence[SplitSize]) -> str:
    return ", ".join(f"{size.split} {size.films:,}" for size in sizes) or "none"


def _unreadable(audit: Audit) -> int:
    return sum(count.films for count in audit.unreadable)
