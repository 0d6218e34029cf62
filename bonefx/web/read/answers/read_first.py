"""The reader's answers of a session, before the model's and about its verdicts, and their table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

from markupsafe import Markup

from bonefx.records import Reading, Verdict
from bonefx.web.shared.templates import render

ANSWERS = {
    "Fracture": Verdict.FRACTURE,
    "No fracture": Verdict.NO_FRACTURE,
    "Not sure": Verdict.REVIEW,
}
JUDGEMENTS = {"Agree": True, "Disagree": False}
CALLS = (Verdict.FRACTURE, Verdict.NO_FRACTURE)
SESSION_COLUMNS = (
    "film_sha256", "reader", "revised", "agrees", "model_verdict", "probability", "model",
    "weights_sha256", "point", "threshold", "crop", "mirrored", "turned_degrees", "inverted",
    "outside_scope",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderAnswer:
    """A reader's answer about one film, and the model's reading that it is compared with.

    Attributes:
        own: The answer before the model's: FRACTURE, NO_FRACTURE, or REVIEW for "not sure"; None if
            the reader gave none.
        reading: The model's reading, without its heat map.
        revised: The reader took an earlier answer back, having seen the model's.
        agrees: Whether the reader agrees with the verdict; None without a judgement.
    """

    own: Verdict | None
    reading: Reading
    revised: bool = False
    agrees: bool | None = None


def answered(film_sha256: str, reads: Sequence[ReaderAnswer]) -> bool:
    """Return whether the reader has answered about a film, and so knows the model's answer."""
    return any(_is_of(read, film_sha256) for read in reads)


def with_own_answer(
    reads: Sequence[ReaderAnswer], own: Verdict, *, reading: Reading, revised: bool
) -> list[ReaderAnswer]:
    """Return the answers with one that was given before the model's."""
    return [*reads, ReaderAnswer(own=own, reading=_without_heat(reading), revised=revised)]


def without_own_answer(reads: Sequence[ReaderAnswer], film_sha256: str) -> list[ReaderAnswer]:
    """Return the answers without those about a film."""
    return [read for read in reads if not _is_of(read, film_sha256)]


def with_judgement(
    reads: Sequence[ReaderAnswer], *, agrees: bool, reading: Reading
) -> list[ReaderAnswer]:
    """Return the answers with a judgement of a reading, in the place of an earlier one.

    An answer that the reader gave before the model stays with the reading that followed it.
    """
    film = reading.radiograph_sha256
    if not answered(film, reads):
        return [*reads, ReaderAnswer(own=None, reading=_without_heat(reading), agrees=agrees)]
    return [
        read if not _is_of(read, film)
        else replace(read, agrees=agrees) if read.own is not None
        else replace(read, agrees=agrees, reading=_without_heat(reading))
        for read in reads
    ]  # fmt: skip


def agreement_html(reads: Sequence[ReaderAnswer]) -> Markup:
    """Render how reader and model agree in this session; empty before the first film."""
    if not reads:
        return Markup()
    own = [read for read in reads if read.own is not None]
    judged = [read for read in reads if read.agrees is not None]
    decided = [read for read in reads if read.own in CALLS and read.reading.verdict in CALLS]
    return render(
        "read/agreement.html.j2",
        rows=[
            (words, [_count(decided, answer, verdict) for verdict in CALLS])
            for words, answer in ANSWERS.items()
            if answer in CALLS
        ],
        same=sum(read.own is read.reading.verdict for read in decided),
        decided=len(decided),
        undecided=len(own) - len(decided),
        answers=len(own),
        judged=len(judged),
        agreed=sum(bool(read.agrees) for read in judged),
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
                reading.radiograph_sha256, "" if read.own is None else read.own.value,
                int(read.revised), "" if read.agrees is None else int(read.agrees),
                reading.verdict.value,
                "" if reading.probability is None else f"{reading.probability:.6f}",
                reading.model, reading.weights_sha256, reading.point.name,
                f"{reading.point.threshold:.6f}", *_changes(reading),
            ]
        )  # fmt: skip
    return file.getvalue().encode()


def _is_of(read: ReaderAnswer, film_sha256: str) -> bool:
    return read.reading.radiograph_sha256 == film_sha256


def _without_heat(reading: Reading) -> Reading:
    return replace(reading, heat=None)


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
