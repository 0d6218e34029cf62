"""Write the report of a case as PDF: a page with the verdicts of its films, and one with pictures.

It names the films by number, the most urgent first. The figures of the model hold for films, so
that none stands beside the verdict of the case.
"""

from __future__ import annotations

from bonefx.records import StudyPart, Verdict, probability_text
from bonefx.report.case_report import CaseFilm, CaseReport
from bonefx.report.page import DIM, HEIGHT_MM, INK, INNER_MM, MARGIN_MM, WIDTH_MM, Sheet
from bonefx.report.pdf import (
    CAPTION_MM,
    GAP_MM,
    THRESHOLD_NOTE,
    TONE,
    WARNING,
    cut_lines,
    draw_head,
    draw_picture,
)
from bonefx.report.typeface import MISSING_GLYPH, printable_text
from bonefx.report.wording.cases import CASE_LIMITS, NO_ANSWER, part_words
from bonefx.report.wording.maps import map_words
from bonefx.report.wording.points import (
    decision_words,
    guarantee_words,
    point_words,
    test_films_words,
)
from bonefx.report.wording.readings import (
    NOTICE,
    VERDICT_WORDING,
    film_notes,
    other_sets_words,
    patient_words,
    reason_words,
    second_verdict_words,
    verdict_words,
)

TITLE = "Reading of a case"
TOP_MM, BOTTOM_MM = 31.0, HEIGHT_MM - 20.0
COLUMNS = {"film": 0.0, "verdict": 50.0, "probability": 80.0, "second opinion": 102.0}  # x in mm
SECOND_MM = INNER_MM - COLUMNS["second opinion"]
MAX_NOTE_LINES, MAX_LINES_OF_A_FILM = 14, 3
CAPTION_LINES = 3
TEXT_LINE_MM, SMALL_LINE_MM = 4.4, 3.7


def case_pdf_bytes(case: CaseReport) -> bytes:
    """Write the pages; equal reports give equal bytes."""
    sheet = Sheet(
        title=f"bonefx reading of case {case.sha256[:16]}",
        creator=f"bonefx {case.first.version}",
        created=case.created,
    )
    draw_head(sheet, case.first, title=TITLE)
    y = _verdict(sheet, case)
    y = _films(sheet, case, y=y + 3)
    y = _notes(sheet, case, y=y + 2)
    figures = _figure_lines(sheet, case)
    _text(sheet, case, y=y + 3, end=BOTTOM_MM - SMALL_LINE_MM * (len(figures) + 1) - 3)
    _figures(sheet, case, figures)
    sheet.next_page()
    draw_head(sheet, case.first, title=TITLE)
    _pictures(sheet, case)
    _checksums(sheet, case)
    return sheet.bytes()


def _verdict(sheet: Sheet, case: CaseReport) -> float:
    """Write the verdict of the case and its limits; return the y below."""
    sign, words, tone = "□", NO_ANSWER, TONE[Verdict.OUT_OF_SCOPE]
    if case.verdict is not None:
        (sign, words), tone = VERDICT_WORDING[case.verdict], TONE[case.verdict]
    size_pt = 20 if case.verdict else 12
    sheet.words(MARGIN_MM, TOP_MM, f"{sign} {words}", size_pt=size_pt, bold=True, colour=tone)
    films = "1 film" if case.n_films == 1 else f"{case.n_films} films"
    sheet.words(MARGIN_MM, TOP_MM + 9, f"{_part(case.part)}, {films}", size_pt=11)
    lines = sheet.wrapped(CASE_LIMITS, INNER_MM, size_pt=8.5)
    y = sheet.paragraph(MARGIN_MM, TOP_MM + 15, lines, line_mm=4.0, colour=DIM)
    caution = case.first.reading.caution
    lines = sheet.wrapped(caution, INNER_MM, size_pt=9) if caution else []
    return sheet.paragraph(MARGIN_MM, y, lines, line_mm=4.4, size_pt=9, colour=WARNING)


def _part(part: StudyPart) -> str:
    words = part_words(part)
    return f"{words[0].upper()}{words[1:]}"


def _films(sheet: Sheet, case: CaseReport, *, y: float) -> float:
    """Write a row for each film, the most urgent first; return the y below."""
    for name, x in COLUMNS.items():
        sheet.words(MARGIN_MM + x, y, name, size_pt=7.5, colour=DIM)
    sheet.rule(y + 4)
    y += 5.5
    for film in case.films:
        y = _row(sheet, film, y=y)
    return y


def _row(sheet: Sheet, film: CaseFilm, *, y: float) -> float:
    reading = film.report.reading
    sign, words = verdict_words(reading)
    width = COLUMNS["verdict"] - 3
    names = cut_lines(sheet.wrapped(film.name, width, size_pt=9), 2, "…")
    second = cut_lines(
        sheet.wrapped(second_verdict_words(reading) or "-", SECOND_MM, size_pt=9), 2, "…"
    )
    sheet.paragraph(MARGIN_MM, y, names, line_mm=TEXT_LINE_MM, size_pt=9)
    verdict = cut_lines(sheet.wrapped(f"{sign} {words}", 28, size_pt=9, bold=True), 2, "…")
    for index, line in enumerate(verdict):
        sheet.words(
            MARGIN_MM + COLUMNS["verdict"], y + index * TEXT_LINE_MM, line, size_pt=9, bold=True,
            colour=TONE[reading.verdict],
        )  # fmt: skip
    number = "-" if reading.probability is None else probability_text(reading.probability)
    sheet.words(MARGIN_MM + COLUMNS["probability"], y, number, size_pt=9)
    sheet.paragraph(
        MARGIN_MM + COLUMNS["second opinion"], y, second, line_mm=TEXT_LINE_MM, size_pt=9,
        colour=WARNING if reading.models_disagree else INK,
    )  # fmt: skip
    return y + TEXT_LINE_MM * max(len(names), len(verdict), len(second)) + 1


def _notes(sheet: Sheet, case: CaseReport, *, y: float) -> float:
    """Write what to know about each film, and which films were not read; return the y below."""
    y = sheet.paragraph(
        MARGIN_MM, y, [line for text in case.unread for line in sheet.wrapped(text, INNER_MM)],
        line_mm=SMALL_LINE_MM, size_pt=8, colour=WARNING,
    )  # fmt: skip
    lines: list[str] = []
    for film in case.films:
        reading = film.report.reading
        note = " ".join([reason_words(reading), *film_notes(reading)])
        own = sheet.wrapped(f"{film.name}: {note}", INNER_MM, size_pt=8)
        lines += cut_lines(own, MAX_LINES_OF_A_FILM, "…")
    shared = [*other_sets_words(case.first.reading), *patient_words(case.first.reading)]
    lines = cut_lines(lines, MAX_NOTE_LINES, "… The reports of the films hold all notes.")
    lines += sheet.wrapped(" ".join(shared), INNER_MM, size_pt=8) if shared else []
    return sheet.paragraph(MARGIN_MM, y, lines, line_mm=SMALL_LINE_MM, size_pt=8, colour=DIM)


def _text(sheet: Sheet, case: CaseReport, *, y: float, end: float) -> None:
    """Write the user's text; cut it, with a note, where the page has no more room."""
    if not case.text:
        sheet.words(MARGIN_MM, y, "No text by the reader.", colour=DIM)
        return
    sheet.words(MARGIN_MM, y, "Reader's text", bold=True)
    text, missing = printable_text(case.text)
    if missing:
        text += f"\n[{MISSING_GLYPH} stands for {missing} characters not printed here.]"
    room = int((end - y - 5) / TEXT_LINE_MM)
    lines = sheet.wrapped(text, INNER_MM, size_pt=9.5)
    if len(lines) > room:
        lines = [*lines[: max(room - 1, 0)], "[Text cut: no more space on this page.]"]
    sheet.paragraph(MARGIN_MM, y + 5, lines, line_mm=TEXT_LINE_MM, size_pt=9.5)


def _figure_lines(sheet: Sheet, case: CaseReport) -> list[str]:
    """Return what the operating point did on single test films, wrapped."""
    report = case.first
    point = report.reading.point
    decided = decision_words(point, test_set=report.test_set)
    films = f"On {test_films_words(point, test_set=report.test_set)}."
    guarantee = guarantee_words(point.guarantee, share=report.validated_share)
    text = f"Film by film: {decided or films} {THRESHOLD_NOTE} {guarantee}"
    return sheet.wrapped(text, INNER_MM, size_pt=7.5)


def _figures(sheet: Sheet, case: CaseReport, lines: list[str]) -> None:
    reading = case.first.reading
    y = BOTTOM_MM - SMALL_LINE_MM * (len(lines) + 1)
    sheet.rule(y - 2)
    sheet.words(MARGIN_MM, y, f"{reading.model}. {point_words(reading.point)}.", size_pt=8)
    sheet.paragraph(
        MARGIN_MM, y + SMALL_LINE_MM, lines, line_mm=SMALL_LINE_MM, size_pt=7.5, colour=DIM
    )
    sheet.words(WIDTH_MM / 2, HEIGHT_MM - 14, NOTICE, size_pt=8, bold=True, side="C")


def _pictures(sheet: Sheet, case: CaseReport) -> None:
    """Draw the films with their maps, in a grid."""
    films = case.films
    columns = 1 if len(films) == 1 else 2 if len(films) <= 4 else 3
    rows = -(-len(films) // columns)
    width = (INNER_MM - GAP_MM * (columns - 1)) / columns
    caption = CAPTION_LINES * SMALL_LINE_MM + CAPTION_MM
    height = (_checksums_mm(case) - TOP_MM) / rows - caption
    for index, film in enumerate(films):
        x = MARGIN_MM + (index % columns) * (width + GAP_MM)
        y = TOP_MM + (index // columns) * (height + caption)
        _cell(sheet, film, x, y, width=width, height=height)


def _cell(sheet: Sheet, film: CaseFilm, x: float, y: float, *, width: float, height: float) -> None:
    report = film.report
    pixels = report.film if report.overlay is None else report.overlay.pixels
    scale = min(width / pixels.shape[1], height / pixels.shape[0])
    drawn = {"width": pixels.shape[1] * scale, "height": pixels.shape[0] * scale}
    draw_picture(sheet, pixels, x, y, **drawn)
    sign, words = verdict_words(report.reading)
    note = map_words(report.reading, shown=report.overlay is not None, heat_floor=report.heat_floor)
    lines = sheet.wrapped(f"{film.name}: {sign} {words}. {note}", width, size_pt=8)
    sheet.paragraph(
        x, y + drawn["height"] + 1.6, cut_lines(lines, CAPTION_LINES, "…"),
        line_mm=SMALL_LINE_MM, size_pt=8, colour=DIM,
    )  # fmt: skip


def _checksums_mm(case: CaseReport) -> float:
    """Return the top of the block of checksums."""
    return BOTTOM_MM - SMALL_LINE_MM * (len(case.films) + 1)


def _checksums(sheet: Sheet, case: CaseReport) -> None:
    y = _checksums_mm(case)
    sheet.rule(y - 1.5)
    rows = [(film.name, film.report.reading.radiograph_sha256) for film in case.films]
    for name, value in (*rows, ("Weights", case.first.reading.weights_sha256)):
        (line, *_) = cut_lines(sheet.wrapped(name, 54, size_pt=7.5), 1, "…")
        sheet.words(MARGIN_MM, y, line, size_pt=7.5, colour=DIM)
        sheet.words(MARGIN_MM + 57, y, f"SHA-256 {value}", size_pt=7.5)
        y += SMALL_LINE_MM
    sheet.words(WIDTH_MM / 2, HEIGHT_MM - 14, NOTICE, size_pt=8, bold=True, side="C")
