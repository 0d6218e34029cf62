"""A4 pages with text, lines and pictures; positions in millimetres from the upper left corner.

Text is placed line by line, so that it never continues on a second page. The content comes from
pdf.py.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, cast

from PIL import Image

from bonefx.report.typeface import font_file, printable_text

if TYPE_CHECKING:
    from fpdf import FPDF

Colour = tuple[int, int, int]
Side = Literal["L", "R", "C"]

WIDTH_MM, HEIGHT_MM, MARGIN_MM = 210.0, 297.0, 16.0
INNER_MM = WIDTH_MM - 2 * MARGIN_MM
FAMILY = "DejaVu"
MM_PER_PT = 25.4 / 72
BASELINE = 0.93  # of the font size, from the top of a line to its baseline
INK: Colour = (28, 30, 33)
DIM: Colour = (96, 102, 110)
RULE: Colour = (204, 208, 213)


class Sheet:
    """The page of a PDF that is drawn on, and its drawing functions; there is one at first."""

    def __init__(self, *, title: str, creator: str, created: datetime) -> None:
        from fpdf import FPDF

        self._pdf: FPDF = FPDF(unit="mm", format="A4")
        self._pdf.set_auto_page_break(auto=False)
        self._pdf.set_image_filter("FlateDecode")  # lossless
        self._pdf.c_margin = 0
        self._pdf.set_title(title)
        self._pdf.set_creator(creator)
        self._pdf.set_lang("en")
        self._pdf.set_creation_date(created)
        self._pdf.add_font(FAMILY, "", font_file())
        self._pdf.add_font(FAMILY, "B", font_file(bold=True))
        self._pdf.add_page()

    def next_page(self) -> None:
        """Add a page, and draw on it from now on."""
        self._pdf.add_page()

    def bytes(self) -> bytes:
        """Return the content of the PDF file."""
        return bytes(self._pdf.output())

    def words(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size_pt: float = 8.5,
        bold: bool = False,
        colour: Colour = INK,
        side: Side = "L",
    ) -> float:
        """Write one line with its top at y, left of, right of or centred on x; return its width."""
        self._font(size_pt, bold=bold)
        self._pdf.set_text_color(*colour)
        text = printable_text(text)[0]
        width = self._pdf.get_string_width(text)
        left = x - {"L": 0.0, "R": width, "C": width / 2}[side]
        self._pdf.text(left, y + BASELINE * size_pt * MM_PER_PT, text)
        return width

    def wrapped(
        self, text: str, width: float, *, size_pt: float = 8.5, bold: bool = False
    ) -> list[str]:
        """Wrap a text to a width in mm; a word that is wider is broken."""
        self._font(size_pt, bold=bold)
        lines = cast(
            "list[str]",
            self._pdf.multi_cell(
                width, text=printable_text(text)[0], align="L", dry_run=True, output="LINES"
            ),
        )
        return [line.rstrip() for line in lines]

    def paragraph(
        self,
        x: float,
        y: float,
        lines: list[str],
        *,
        line_mm: float,
        size_pt: float = 8.5,
        colour: Colour = INK,
    ) -> float:
        """Write lines below each other; return the y of the next line."""
        for line in lines:
            self.words(x, y, line, size_pt=size_pt, colour=colour)
            y += line_mm
        return y

    def rule(self, y: float, *, x: float = MARGIN_MM, width: float = INNER_MM) -> None:
        """Draw a thin horizontal line."""
        self._pdf.set_draw_color(*RULE)
        self._pdf.set_line_width(0.2)
        self._pdf.line(x, y, x + width, y)

    def box(
        self, x: float, y: float, width: float, height: float, *, fill: Colour | None = None
    ) -> None:
        """Draw a filled rectangle; without fill its outline."""
        if fill is None:
            self._pdf.set_draw_color(*RULE)
            self._pdf.set_line_width(0.2)
            self._pdf.rect(x, y, width, height, style="D")
            return
        self._pdf.set_fill_color(*fill)
        self._pdf.rect(x, y, width, height, style="F")

    def pointer(self, x: float, y: float, *, colour: Colour = INK) -> None:
        """Draw a small triangle with its tip down at (x, y)."""
        self._pdf.set_fill_color(*colour)
        self._pdf.polygon([(x, y), (x - 1.6, y - 2.8), (x + 1.6, y - 2.8)], style="F")

    def picture(
        self, image: Image.Image, x: float, y: float, *, width: float, height: float
    ) -> None:
        """Draw a picture, lossless."""
        self._pdf.image(image, x=x, y=y, w=width, h=height)

    def _font(self, size_pt: float, *, bold: bool) -> None:
        self._pdf.set_font(FAMILY, "B" if bold else "", size_pt)
