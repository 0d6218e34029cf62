"""The reader answers before the model does: what both said in a session, and how they agree."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bonefx.records import Reading, Verdict

ANSWERS = {
    "Fracture": Verdict.FRACTURE,
    "No fracture": Verdict.NO_FRACTURE,
    "Not sure": Verdict.REVIEW,
}
CALLS = (Verdict.FRACTURE, Verdict.NO_FRACTURE)
SESSION_COLUMNS = (
    "film_sha256", "reader", "model_verdict", "probability", "model", "weights_sha256", "point",
    "threshold",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderAnswer:
    """What a reader said of a film before the model did, and then the model.

    Attributes:
        own: FRACTURE, NO_FRACTURE, or REVIEW for "not sure".
        reading: The model's, without its map.
    """

    own: Verdict
    reading: Reading


def answered(film_sha256: str, reads: Sequence[ReaderAnswer]) -> bool:
    """Tell whether the reader knows the model's answer about a film, so that asking is over."""
    return any(read.reading.radiograph_sha256 == film_sha256 for read in reads)


def agreement_html(reads: Sequence[ReaderAnswer]) -> str:
    """Tell how reader and model agree in this session; empty before the first film."""
    if not reads:
        return ""
    called = [read for read in reads if read.own in CALLS and read.reading.verdict in CALLS]
    same = sum(read.own is read.reading.verdict for read in called)
    open_ = len(reads) - len(called)
    rows = "".join(
        f'<tr><th scope="row">{words}</th>'
        + "".join(f"<td>{_count(called, own, verdict)}</td>" for verdict in CALLS)
        + "</tr>"
        for words, own in list(ANSWERS.items())[:2]
    )
    undecided = f"; on {open_} more one of the two did not decide" if open_ else ""
    return (
        '<table class="measured agreement"><caption>Your reads and those of the model, this session'
        "</caption><thead><tr><td>you, down; model, across</td>"
        '<th scope="col">fracture</th><th scope="col">no fracture</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
        f'<p class="note">{escape(f"Same call on {same} of {len(called)} films{undecided}.")}</p>'
    )


def agreement_csv(reads: Sequence[ReaderAnswer]) -> bytes:
    """Write a session as CSV, one line a film in the order of reading; no pixels and no names."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(SESSION_COLUMNS)
    for read in reads:
        reading = read.reading
        writer.writerow(
            [
                reading.radiograph_sha256, read.own.value, reading.verdict.value,
                "" if reading.probability is None else f"{reading.probability:.6f}",
                reading.model, reading.weights_sha256, reading.point.name,
                f"{reading.point.threshold:.6f}",
            ]
        )  # fmt: skip
    return file.getvalue().encode()


def _count(reads: Sequence[ReaderAnswer], own: Verdict, verdict: Verdict) -> int:
    return sum(read.own is own and read.reading.verdict is verdict for read in reads)
