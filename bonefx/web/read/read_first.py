"""Answers that the reader gave before the model in a session, and how often both agree."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from markupsafe import Markup

from bonefx.records import Reading, Verdict
from bonefx.web.shared.templates import render

ANSWERS = {
    "Fracture": Verdict.FRACTURE,
    "No fracture": Verdict.NO_FRACTURE,
    "Not sure": Verdict.REVIEW,
}
CALLS = (Verdict.FRACTURE, Verdict.NO_FRACTURE)
SESSION_COLUMNS = (
    "film_sha256", "reader", "model_verdict", "probability", "model", "weights_sha256", "point",
    "threshold", "crop", "mirrored", "turned_degrees", "inverted", "outside_scope",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderAnswer:
    """A reader's answer about one film, and the model's reading after it.

    Attributes:
        own: The reader's answer: FRACTURE, NO_FRACTURE, or REVIEW for "not sure".
        reading: The model's reading, without its heat map.
    """

    own: Verdict
    reading: Reading


def answered(film_sha256: str, reads: Sequence[ReaderAnswer]) -> bool:
    """Return whether the reader has answered about a film, and so knows the model's answer."""
    return any(read.reading.radiograph_sha256 == film_sha256 for read in reads)


def agreement_html(reads: Sequence[ReaderAnswer]) -> Markup:
    """Render how reader and model agree in this session; empty before the first film."""
    if not reads:
        return Markup()
    decided = [read for read in reads if read.own in CALLS and read.reading.verdict in CALLS]
    return render(
        "read/agreement.html.j2",
        rows=[
            (words, [_count(decided, own, verdict) for verdict in CALLS])
            for words, own in ANSWERS.items()
            if own in CALLS
        ],
        same=sum(read.own is read.reading.verdict for read in decided),
        decided=len(decided),
        undecided=len(reads) - len(decided),
    )


def agreement_csv(reads: Sequence[ReaderAnswer]) -> bytes:
    """Return a session as CSV, one line for each film in the order of reading; no patient data."""
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
                f"{reading.point.threshold:.6f}", *_changes(reading),
            ]
        )  # fmt: skip
    return file.getvalue().encode()


def _changes(reading: Reading) -> list[object]:
    """Return what the user changed before the film was read; crop is top left bottom right."""
    edit, outside_scope = reading.edit, reading.outside_scope
    return [
        " ".join(map(str, astuple(edit.crop))) if edit.crop else "",
        int(edit.mirrored), 90 * edit.quarter_turns, int(edit.inverted),
        outside_scope.code.value if outside_scope else "",
    ]  # fmt: skip


def _count(reads: Sequence[ReaderAnswer], own: Verdict, verdict: Verdict) -> int:
    return sum(read.own is own and read.reading.verdict is verdict for read in reads)
