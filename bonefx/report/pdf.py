"""Write a report as PDF: one A4 page with pictures, verdict, figures, text and checksums.

fpdf2 is small, typed and pure Python, embeds a Unicode typeface as searchable text, and stores
pictures lossless. PdfPages of matplotlib does not wrap text; reportlab is larger and untyped. The
page and its metadata contain no patient data except what the radiologist wrote.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bonefx.films.raster import shrink_to
from bonefx.records import (
    NOT_MEASURED,
    Estimate,
    Reading,
    Verdict,
    estimate_parts,
    probability_text,
)
from bonefx.report.image import scale_bar
from bonefx.report.page import DIM, HEIGHT_MM, INK, INNER_MM, MARGIN_MM, WIDTH_MM, Colour, Sheet
from bonefx.report.record import Report
from bonefx.report.typeface import MISSING_GLYPH, printable_text
from bonefx.report.wording.maps import map_words
from bonefx.report.wording.points import (
    MEASURES,
    decision_words,
    guarantee_words,
    point_words,
    test_films_words,
)
from bonefx.report.wording.readings import (
    NOTICE,
    REFUSED,
    probability_name,
    reading_notes,
    reason_words,
    second_model_words,
    verdict_words,
)

MAX_PICTURE_PX = 1536  # longer side; over 400 dots an inch on the page
GAP_MM = 6.0
MIN_PICTURE_MM, MAX_PICTURE_MM = 20.0, 120.0  # height; the notes above are never cut
RIGHT_MM = WIDTH_MM - MARGIN_MM
FIGURES_MM = 217.0  # top of the block of figures and facts
CAPTION_MM = 6.0
ROW_MM = 4.3
TEXT_STEP_MM = 4.7
TEXT_PT = 9.5
REASON_MM, PROBABILITY_MM = 122.0, 50.0  # widths
MAX_REASON_LINES = 3
THRESHOLD_NOTE = "Sensitivity and specificity are those of the threshold alone."
MAX_FACT_LINES = 10
NOTED_FACTS = ("Changes", "Notes")  # their sentences are among the notes below the verdict
TONE: dict[Verdict, Colour] = {
    Verdict.FRACTURE: (168, 52, 18),
    Verdict.NO_FRACTURE: (14, 104, 86),
    Verdict.REVIEW: (138, 94, 0),
    Verdict.OUT_OF_SCOPE: (84, 90, 98),
}
WARNING = TONE[Verdict.FRACTURE]
BELOW: Colour = (214, 231, 227)
BAND: Colour = (245, 226, 177)
ABOVE: Colour = (245, 212, 200)


def pdf_bytes(report: Report) -> bytes:
    """Write the page; equal reports give equal bytes."""
    reading = report.reading
    sheet = Sheet(
        title=f"bonefx reading of film {reading.radiograph_sha256[:16]}",
        creator=f"bonefx {report.version}",
        created=report.created,
    )
    draw_head(sheet, report, title="Reading of a bone radiograph")
    y = _verdict(sheet, report, y=31.0)
    room = FIGURES_MM - 4 - y
    height = min(86.0, room - 40) if report.text else room - 14  # captions and text below
    height = max(height, MIN_PICTURE_MM)
    y = _pictures(sheet, report, y=y, height=height)
    _text(sheet, report, y=y + 3)
    _figures(sheet, report)
    _checksums(sheet, report)
    return sheet.bytes()


def draw_head(sheet: Sheet, report: Report, *, title: str) -> None:
    """Write title, time, version and notice; the page is free from 31 mm on."""
    sheet.words(MARGIN_MM, 14, title, size_pt=13, bold=True)
    made = f"{report.created:%Y-%m-%d %H:%M %Z}"
    sheet.words(RIGHT_MM, 14.2, made, colour=DIM, side="R")
    sheet.words(MARGIN_MM, 20.4, f"bonefx {report.version}", colour=DIM)
    sheet.words(RIGHT_MM, 20.4, NOTICE, bold=True, side="R")
    sheet.rule(26.5)


def _verdict(sheet: Sheet, report: Report, *, y: float) -> float:
    """Write verdict, reason and probability scale; return the y of the pictures."""
    reading = report.reading
    sign, words = verdict_words(reading)
    tone = TONE[reading.verdict]
    size_pt = 20 if reading.outside_scope is None else 16  # more words, beside the probability
    sheet.words(MARGIN_MM, y, f"{sign} {words}", size_pt=size_pt, bold=True, colour=tone)
    reason, width, label_end = f"{reason_words(reading)} {REFUSED}", INNER_MM, y
    if reading.probability is not None:
        reason, width, label_end = reason_words(reading), REASON_MM, _probability(sheet, reading, y)
    lines = cut_lines(sheet.wrapped(reason, width, size_pt=9), MAX_REASON_LINES, "…")
    y = sheet.paragraph(MARGIN_MM, y + 9, lines, line_mm=4.4, size_pt=9)
    second = sheet.wrapped(second_model_words(reading), width, size_pt=9) if reading.second else []
    colour = WARNING if reading.models_disagree else INK
    y = sheet.paragraph(MARGIN_MM, y, second, line_mm=4.4, size_pt=9, colour=colour)
    notes = sheet.wrapped(" ".join(reading_notes(reading)), INNER_MM, size_pt=8.5)
    y = sheet.paragraph(MARGIN_MM, max(y, label_end), notes, line_mm=4.2, colour=DIM)
    caution = sheet.wrapped(reading.caution, INNER_MM, size_pt=9) if reading.caution else []
    y = sheet.paragraph(MARGIN_MM, y, caution, line_mm=4.4, size_pt=9, colour=WARNING)
    if reading.probability is None:
        return y + 4
    return _scale(sheet, report, y=y + 4.5)


def _probability(sheet: Sheet, reading: Reading, y: float) -> float:
    """Write the probability and what it is on the right; return the y below it."""
    assert reading.probability is not None
    text = probability_text(reading.probability)
    sheet.words(RIGHT_MM, y, text, size_pt=20, bold=True, side="R")
    name = probability_name(reading)
    y += 9
    for line in sheet.wrapped(f"{name[0].lower()}{name[1:]}", PROBABILITY_MM, size_pt=7.5):
        sheet.words(RIGHT_MM, y, line, size_pt=7.5, colour=DIM, side="R")
        y += 3.4
    return y


def _scale(sheet: Sheet, report: Report, *, y: float) -> float:
    """Draw the probability between 0 and 1, with threshold and review band."""
    point, probability = report.reading.point, report.reading.probability
    assert probability is not None
    low, high = (MARGIN_MM + INNER_MM * edge for edge in point.review_band)
    threshold = MARGIN_MM + INNER_MM * point.threshold
    sheet.box(MARGIN_MM, y, low - MARGIN_MM, 3, fill=BELOW)
    sheet.box(high, y, RIGHT_MM - high, 3, fill=ABOVE)
    sheet.box(low, y, max(high - low, 0.3), 3, fill=BAND)
    sheet.box(threshold - 0.2, y - 0.5, 0.4, 4, fill=INK)
    sheet.pointer(MARGIN_MM + INNER_MM * probability, y + 0.3, colour=TONE[report.reading.verdict])
    sheet.words(MARGIN_MM, y + 4.3, "0  no fracture", size_pt=7.5, colour=DIM)
    sheet.words(RIGHT_MM, y + 4.3, "fracture  1", size_pt=7.5, colour=DIM, side="R")
    middle = MARGIN_MM + INNER_MM / 2
    sheet.words(middle, y + 4.3, point_words(point), size_pt=7.5, colour=DIM, side="C")
    return y + 11


def _pictures(sheet: Sheet, report: Report, *, y: float, height: float) -> float:
    """Draw film and overlay side by side, or only the film; return the y below the captions."""
    overlay = report.overlay
    rows, columns = map(int, report.film.shape)
    panel = INNER_MM if overlay is None else (INNER_MM - GAP_MM) / 2
    scale = min(panel / columns, min(height, MAX_PICTURE_MM) / rows)
    size = {"width": columns * scale, "height": rows * scale}
    end = y + size["height"]
    note = map_words(report.reading, shown=overlay is not None, heat_floor=report.heat_floor)
    draw_picture(sheet, report.film, MARGIN_MM, y, **size)
    if overlay is None:
        sheet.words(MARGIN_MM, end + 1.6, f"Film. {note}", size_pt=8, colour=DIM)
        return end + CAPTION_MM
    overlay_x = MARGIN_MM + panel + GAP_MM
    draw_picture(sheet, overlay.pixels, overlay_x, y, **size)
    sheet.words(MARGIN_MM, end + 1.6, "Film", size_pt=8, colour=DIM)
    sheet.picture(scale_bar(overlay), overlay_x, end + 1.9, width=18, height=2.6)
    sheet.words(overlay_x + 20, end + 1.6, note, size_pt=8, colour=DIM)
    return end + CAPTION_MM


def draw_picture(
    sheet: Sheet, pixels: NDArray[np.uint8], x: float, y: float, *, width: float, height: float
) -> None:
    """Draw a picture, (H, W) grey or (H, W, 3), in a frame."""
    sheet.picture(
        Image.fromarray(shrink_to(pixels, MAX_PICTURE_PX)), x, y, width=width, height=height
    )
    sheet.box(x, y, width, height)


def _text(sheet: Sheet, report: Report, *, y: float) -> None:
    """Write the radiologist's text; cut it, with a note, if the page has no more room."""
    if not report.text:
        sheet.words(MARGIN_MM, y, "No text by the reader.", colour=DIM)
        return
    sheet.words(MARGIN_MM, y, "Reader's text", bold=True)
    y += 5
    missing = printable_text(report.text)[1]
    notes = (
        []
        if not missing
        else [f"{MISSING_GLYPH} stands for {missing} characters not printed here."]
    )
    lines_left = int((FIGURES_MM - 3 - y) / TEXT_STEP_MM) - len(notes)
    lines = sheet.wrapped(report.text, INNER_MM, size_pt=TEXT_PT)
    if len(lines) > lines_left:
        notes.append("Text cut: no more space on this page.")
        lines = lines[: lines_left - 1]
    y = sheet.paragraph(MARGIN_MM, y, lines, line_mm=TEXT_STEP_MM, size_pt=TEXT_PT)
    for note in notes:
        sheet.words(MARGIN_MM, y, f"[{note} The JSON report holds it all.]", size_pt=8, colour=DIM)
        y += TEXT_STEP_MM


def _figures(sheet: Sheet, report: Report) -> None:
    """Write the measured figures of the operating point, beside the facts of model and film."""
    point, width, y = report.reading.point, 98.0, FIGURES_MM
    sheet.rule(y)
    y += 3
    sheet.words(MARGIN_MM, y, f"Measured at “{point.name}”", bold=True)
    edges = (MARGIN_MM + 62, MARGIN_MM + 86, MARGIN_MM + width)
    for edge, name in zip(edges, ("value", "95 % interval", "films"), strict=True):
        sheet.words(edge, y + 4.6, name, size_pt=7.5, colour=DIM, side="R")
    y += 9
    for name, words in MEASURES:
        sheet.words(MARGIN_MM, y, words, size_pt=8)
        for edge, text in zip(edges, _measured(getattr(point, name)), strict=True):
            sheet.words(edge, y, text, size_pt=8, side="R")
        y += ROW_MM
    guarantee = guarantee_words(point.guarantee, share=report.validated_share)
    films = test_films_words(point, test_set=report.test_set)
    decided = decision_words(point, test_set=report.test_set) or f"On {films}."
    lines = sheet.wrapped(f"{decided} {THRESHOLD_NOTE} {guarantee}", width, size_pt=7.5)
    sheet.paragraph(MARGIN_MM, y + 1, lines, line_mm=3.6, size_pt=7.5, colour=DIM)
    _facts(sheet, report, x=MARGIN_MM + width + 10)


def _measured(estimate: Estimate | None) -> tuple[str, str, str]:
    if estimate is None:
        return "", NOT_MEASURED, ""
    value, interval = estimate_parts(estimate, percent=True)
    return value, interval, str(estimate.n)


def _facts(sheet: Sheet, report: Report, *, x: float) -> None:
    reading = report.reading
    sheet.words(x, FIGURES_MM + 3, "Model and film", bold=True)
    facts = [("Model", reading.model), ("Device", reading.device)]  # first, as the last are cut
    facts += [("Fetched from", report.origin)] if report.origin else []
    if report.calibration:
        facts.append(("Calibration", f"{report.calibration.method}, n = {report.calibration.n}"))
    facts += [(name, value) for name, value in report.facts if name not in NOTED_FACTS]
    y, left = FIGURES_MM + 8, MAX_FACT_LINES
    for name, value in facts:
        lines = cut_lines(sheet.wrapped(value, RIGHT_MM - x - 23, size_pt=8), left, "…")
        if lines:
            sheet.words(x, y, name, size_pt=8, colour=DIM)
        y = sheet.paragraph(x + 23, y, lines, line_mm=ROW_MM, size_pt=8)
        left -= len(lines)


def _checksums(sheet: Sheet, report: Report) -> None:
    y = HEIGHT_MM - 27
    sheet.rule(y)
    for name, value in (
        ("Film SHA-256", report.reading.radiograph_sha256),
        ("Weights SHA-256", report.reading.weights_sha256),
    ):
        y += ROW_MM
        sheet.words(MARGIN_MM, y - 1.6, name, size_pt=7.5, colour=DIM)
        sheet.words(MARGIN_MM + 29, y - 1.6, value, size_pt=7.5)
    sheet.words(WIDTH_MM / 2, HEIGHT_MM - 14, NOTICE, size_pt=8, bold=True, side="C")


def cut_lines(lines: list[str], most: int, mark: str) -> list[str]:
    """Keep the first lines; mark the last one if lines are lost."""
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], f"{lines[most - 1]} {mark}"] if most > 0 else []
