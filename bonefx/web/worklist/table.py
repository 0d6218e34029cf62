"""The table of the worklist as plain data: pieces of HTML with all values escaped.

worklist_rows.js builds the table from this data, inserts each new row in its place, and sorts the
rows again without a request to the server. File names are never part of a template.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict

from markupsafe import Markup

from bonefx.reading.case import cases_of
from bonefx.reading.worklist_row import WorklistRow, urgency
from bonefx.records import Case, Verdict, probability_text
from bonefx.report.wording.cases import CASE_LIMITS, case_words, film_words
from bonefx.report.wording.films import film_note_texts
from bonefx.report.wording.readings import VERDICT_WORDING, second_verdict_words
from bonefx.report.wording.reasons import reason_text
from bonefx.web.shared.error_messages import as_sentence
from bonefx.web.shared.gone_film import LIST_GONE
from bonefx.web.shared.templates import render
from bonefx.web.worklist.session_list import SessionList

NOT_READ = ("✕", "Not read")
EMPTY_TABLE = (
    "Choose films, a folder or zip archives. The most urgent films are listed first; a row opens "
    "its film in Read."
)
ROWS_JS = (Path(__file__).parents[1] / "assets" / "js" / "worklist_rows.js").read_text()
SUMMARY_ORDER = (
    Verdict.FRACTURE, Verdict.REVIEW, Verdict.OUT_OF_SCOPE, None, Verdict.NO_FRACTURE,
)  # fmt: skip


class TableColumn(NamedTuple):
    """A column: what it is sorted by (None where it is not), its heading, and its spoken label."""

    sort_key: str | None
    heading: str
    label: str


TABLE_COLUMNS = (
    TableColumn("place", "#", "Place in the list"),
    TableColumn(None, "", "Picture"),
    TableColumn("film", "Film", "Film"),
    TableColumn("urgency", "Verdict", "Verdict, by urgency"),
    TableColumn("probability", "Probability", "Probability of fracture"),
    TableColumn(None, "Reason", "Reason"),
)


class CaseValue(TypedDict):
    """A case whose films stand together in the table.

    Attributes:
        number: Of the case.
        places: Places of its films; two or more.
        html: HTML of its head row; empty where all its rows are copies of one film.
    """

    number: int
    places: Sequence[int]
    html: str


class TableValue(TypedDict):
    """State of the table in the page; worklist_rows.js reads these keys.

    All of it travels as one value, so that a late text of one list cannot stand beside the rows of
    the next list.

    Attributes:
        number: Sequence number; the page drops states with a smaller one.
        list: Key of the list; 0 for none.
        rows: HTML of one table row each, in the order of the list; None leaves them as they are.
        cases: Cases of two rows or more; each other film is a case of its own.
        message_html: HTML of the summary, or of a message; empty while films are read.
        running: Progress in words while films are read; else empty.
        done: Share of the films that were read, or then read by the second model, in [0, 1].
    """

    number: int
    list: int
    rows: Sequence[str] | None
    cases: Sequence[CaseValue]
    message_html: str
    running: str
    done: float


HeadsHtml = dict[tuple[Case, int], str]  # by the case, and on how many films models disagree


class VerdictCount(NamedTuple):
    """How many films of a list have a verdict."""

    films: int
    verdict_class: str
    sign: str
    verdict_text: str


def empty_table_html() -> Markup:
    """Render the table without rows."""
    return render("worklist/table.html.j2", columns=TABLE_COLUMNS, case_limits=CASE_LIMITS)


def message_value(text: str = EMPTY_TABLE) -> TableValue:
    """Return a table without rows and with a message."""
    return TableValue(
        number=SessionList.next_sequence_number(),
        list=0,
        rows=[],
        cases=[],
        message_html=render("worklist/message.html.j2", text=text),
        running="",
        done=0,
    )


def gone_value(listed: int) -> TableValue:
    """Return the state of a table whose list is gone: its rows stay, with a message.

    Args:
        listed: Key of the list on the page.
    """
    return TableValue(
        number=SessionList.next_sequence_number(),
        list=listed,
        rows=None,
        cases=[],
        message_html=render("worklist/message.html.j2", text=LIST_GONE),
        running="",
        done=0,
    )


def table_value(
    session_list: SessionList,
    rows: Sequence[str],
    *,
    read_twice: int | None = None,
    heads: HeadsHtml | None = None,
) -> TableValue:
    """Return the state of a list's table.

    Args:
        session_list: The list.
        rows: HTML from row_html, one for each row that was read.
        read_twice: How many rows the second model has been through; None before it begins.
        heads: Heads of cases that were rendered for this list before; new ones are added.
    """
    done = len(rows) if read_twice is None else read_twice
    return TableValue(
        number=session_list.sequence_number,
        list=session_list.key,
        rows=list(rows),
        cases=_case_values(session_list, {} if heads is None else heads),
        message_html="" if session_list.running else summary_html(session_list),
        running=_progress_text(session_list, len(rows), read_twice) if session_list.running else "",
        done=done / max(len(session_list.films), 1),
    )


def summary_html(session_list: SessionList) -> Markup:
    """Render the number of films for each verdict, of a list that is complete or stopped."""
    films = Counter(row.verdict for row in session_list.rows)
    readings = [row.reading for row in session_list.rows if row.reading is not None]
    read_twice = any(reading.second is not None for reading in readings)
    return render(
        "worklist/summary.html.j2",
        n_rows=len(session_list.rows),
        counts=[
            _verdict_count(verdict, films[verdict]) for verdict in SUMMARY_ORDER if films[verdict]
        ],
        n_disagreeing=sum(reading.models_disagree for reading in readings),
        n_read_once=sum(reading.second is None for reading in readings) if read_twice else 0,
        n_missing=len(session_list.films) - len(session_list.rows),
        n_left_out=session_list.left_out,
    )


def row_html(row: WorklistRow) -> Markup:
    """Render one film as a table row; its button is named by the film."""
    sign, verdict_text = _verdict_wording(row.verdict)
    return render(
        "worklist/row.html.j2",
        row=row,
        urgency=urgency(row),
        verdict_class=_verdict_class(row.verdict),
        sign=sign,
        verdict_text=verdict_text,
        probability_text="" if row.probability is None else probability_text(row.probability),
        second_text=second_verdict_words(row.reading) if row.reading else "",
        disagrees=row.reading is not None and row.reading.models_disagree,
        reason_text=_reason_text(row),
        film_words=film_words(row.part, row.view),
        thumbnail_base64=base64.b64encode(row.thumbnail or b"").decode(),
    )


def _case_values(session_list: SessionList, heads: HeadsHtml) -> list[CaseValue]:
    rows = {row.place: row for row in session_list.rows}
    values = []
    for case in cases_of(session_list.rows, session_list.case_choices):
        if len(case.places) == 1:
            continue
        readings = (rows[place].reading for place in case.places)
        n_disagreeing = sum(reading is not None and reading.models_disagree for reading in readings)
        if (case, n_disagreeing) not in heads:
            heads[case, n_disagreeing] = _head_html(case, n_disagreeing)
        html = heads[case, n_disagreeing]
        values.append(CaseValue(number=case.number, places=case.places, html=html))
    return values


def _head_html(case: Case, n_disagreeing: int) -> str:
    """Render the row above the films of a case; empty for a case of one film and its copies.

    Args:
        case: The case.
        n_disagreeing: On how many of its films the second model disagrees.
    """
    if case.n_films == 1:
        return ""
    sign, verdict_text = _verdict_wording(case.verdict)
    return render(
        "worklist/case_head.html.j2",
        case=case,
        words=case_words(case),
        verdict_class=_verdict_class(case.verdict),
        sign=sign,
        verdict_text=verdict_text,
        n_disagreeing=n_disagreeing,
    )


def _progress_text(session_list: SessionList, n_read: int, read_twice: int | None) -> str:
    n_films = len(session_list.films)
    if read_twice is not None:
        return f"{n_read} of {n_films} films read; second model {read_twice} of {n_read}"
    return f"{n_read} of {n_films} films read" if n_read else f"{n_films} films queued …"


def _verdict_count(verdict: Verdict | None, films: int) -> VerdictCount:
    sign, words = _verdict_wording(verdict)
    return VerdictCount(films, _verdict_class(verdict), sign, words.lower())


def _verdict_wording(verdict: Verdict | None) -> tuple[str, str]:
    """Return the sign and the words of a verdict; None for a film that was not read."""
    return NOT_READ if verdict is None else VERDICT_WORDING[verdict]


def _verdict_class(verdict: Verdict | None) -> str:
    """Return the CSS class of a verdict."""
    return "not_read" if verdict is None else verdict.value


def _reason_text(row: WorklistRow) -> str:
    """Return why a film was not read or not answered, and the notes on how it was read."""
    if row.error is not None:
        return as_sentence(row.error)
    if row.reading is None:
        return ""
    reason = [reason_text(row.reading.reason)] if row.reading.reason else []
    return " ".join([*reason, *film_note_texts(row.reading.notes)])
