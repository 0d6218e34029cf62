"""A list's rows -> the table of the worklist: pieces of HTML, all values escaped.

The value of the table is plain data: worklist_rows.js lays it out, inserts each new row where it
belongs, and sorts again without asking the server. Nothing of a film ever becomes part of a
template.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TypedDict

from bonefx.reading.worklist import WorklistRow, urgency
from bonefx.records import Verdict, probability_text
from bonefx.report.wording import VERDICT_WORDING, reason_text
from bonefx.web.shared.error_messages import as_sentence
from bonefx.web.worklist.session_list import SessionList

NOT_READ = ("✕", "Not read")
EMPTY_TABLE = "Many films at once: the most urgent come first, and a row opens in Read."
ROWS_JS = (Path(__file__).parents[1] / "assets" / "js" / "worklist_rows.js").read_text()
TABLE_COLUMNS = (  # what it is sorted by, and what it says
    ("place", "#", "Place in the list"),
    (None, "", "Picture"),
    ("film", "Film", "Film"),
    ("urgency", "Verdict", "Verdict, by urgency"),
    ("probability", "Probability", "Probability of fracture"),
    (None, "Reason", "Reason"),
)


class TableValue(TypedDict):
    """All that the page shows of a list.

    Attributes:
        number: The page takes no state of the table with a smaller one.
        list: Key of the list; 0 for none.
        rows: A table row of HTML each, in the order of the list.
        told: What the list comes to, spoken when it is complete.
        running: How far it is, while it is read; else empty.
        done: Share of the films that were read, in [0, 1].
    """

    number: int
    list: int
    rows: Sequence[str]
    told: str
    running: str
    done: float


def table_shell() -> str:
    """The table without rows; worklist_rows.js fills it."""
    heads = "".join(_head(*column) for column in TABLE_COLUMNS)
    return (
        '<div class="told"><p role="status"></p><p class="running"></p>'
        '<progress max="1" value="0" aria-label="Films read" hidden></progress></div>'
        '<table class="rows" hidden><caption class="sr-only">Films, most urgent first</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody></tbody></table>"
    )


def no_list(told: str = EMPTY_TABLE) -> TableValue:
    """A table without any list, and why."""
    number = SessionList.next_number()
    return TableValue(
        number=number, list=0, rows=[], told=f"<span>{escape(told)}</span>", running="", done=0
    )


def table_value(listing: SessionList, rows: Sequence[str]) -> TableValue:
    """The table as far as its list was read.

    Args:
        listing: The list.
        rows: From row_html, one for each of its rows.
    """
    total, done = len(listing.films), len(rows)
    running = f"{done} of {total} films read" if listing.running else ""
    if listing.running and not done:
        running = f"{total} films wait for their turn …"
    return TableValue(
        number=listing.number,
        list=listing.key,
        rows=list(rows),
        told="" if listing.running else summary_html(listing),
        running=running,
        done=done / max(total, 1),
    )


def summary_html(listing: SessionList) -> str:
    """Count the verdicts of a list that is read, stopped or not."""
    counts = Counter(row.verdict for row in listing.rows)
    order: tuple[Verdict | None, ...] = (
        Verdict.FRACTURE, Verdict.REVIEW, Verdict.OUT_OF_SCOPE, None, Verdict.NO_FRACTURE,
    )  # fmt: skip
    films = "film" if len(listing.rows) == 1 else "films"
    parts = [f"<span><b>{len(listing.rows)}</b> {films}</span>"]
    for verdict in order:
        sign, words = NOT_READ if verdict is None else VERDICT_WORDING[verdict]
        if counts[verdict]:
            parts.append(
                f'<span class="{_tone(verdict)}"><i aria-hidden="true">{sign}</i> '
                f"<b>{counts[verdict]}</b> {words.lower()}</span>"
            )
    if missing := len(listing.films) - len(listing.rows):
        parts.append(f"<span>stopped, <b>{missing}</b> not looked at</span>")
    if listing.left_out:
        files = "file" if listing.left_out == 1 else "files"
        parts.append(f"<span>{listing.left_out} other {files} left out</span>")
    return "".join(parts)


def row_html(row: WorklistRow) -> str:
    """One film as a row of the table; its button carries the name of the film."""
    sign, words = NOT_READ if row.verdict is None else VERDICT_WORDING[row.verdict]
    name = escape(row.source.name)
    probability = "" if row.probability is None else escape(probability_text(row.probability))
    again = "" if row.same_as is None else f"<small>Same file as number {row.same_as}</small>"
    return (
        f'<tr data-place="{row.place}" data-film="{name}" data-urgency="{urgency(row):.6f}" '
        f'data-probability="{-1 if row.probability is None else row.probability:.6f}" '
        f'class="{_tone(row.verdict)}"><td class="place">{row.place}</td>'
        f'<td class="picture">{_picture(row)}</td>'
        f'<td class="name"><button type="button">{name}</button>{again}</td>'
        f'<td class="called"><span aria-hidden="true">{sign}</span> {words}</td>'
        f'<td class="number">{probability}</td><td class="why">{escape(_why(row))}</td></tr>'
    )


def _head(key: str | None, words: str, spoken: str) -> str:
    if key is None:
        return f'<th scope="col" aria-label="{spoken}">{words}</th>'
    return (
        f'<th scope="col" data-key="{key}"><button type="button" title="Sort by this" '
        f'aria-label="{spoken}">{words}</button></th>'
    )


def _why(row: WorklistRow) -> str:
    if row.error is not None:
        return as_sentence(row.error)
    reason = None if row.reading is None else row.reading.reason
    return "" if reason is None else reason_text(reason)


def _picture(row: WorklistRow) -> str:
    if row.thumbnail is None:
        return ""
    url = base64.b64encode(row.thumbnail).decode()
    return f'<img src="data:image/png;base64,{url}" alt="" width="44" height="44">'


def _tone(verdict: Verdict | None) -> str:
    return "not_read" if verdict is None else verdict.value
