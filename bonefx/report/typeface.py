"""The typeface of the reports: DejaVu Sans, which is part of matplotlib."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

MISSING_GLYPH = "▯"
RIGHT_TO_LEFT = ("R", "AL")  # bidirectional classes whose letters need joining and reordering


def font_file(*, bold: bool = False) -> Path:
    """Return the path of the font file."""
    import matplotlib as mpl

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return Path(mpl.get_data_path()) / "fonts" / "ttf" / name


def printable_text(text: str) -> tuple[str, int]:
    """Replace characters that the typeface lacks, so that no library logs them.

    Format characters without a glyph are removed.

    Args:
        text: Any text.

    Returns:
        The text with MISSING_GLYPH for each such character, and their number.
    """
    printed = [_printable(character) for character in text]
    missing = sum(new == MISSING_GLYPH != old for old, new in zip(text, printed, strict=True))
    return "".join(printed), missing


def _printable(character: str) -> str:
    if character == "\n":
        return character
    category = unicodedata.category(character)
    direction = unicodedata.bidirectional(character)
    if category == "Cf":
        return ""
    known = ord(character) in _glyphs() and direction not in RIGHT_TO_LEFT
    return character if known else MISSING_GLYPH


@cache
def _glyphs() -> frozenset[int]:
    from fontTools.ttLib import TTFont

    regular_and_bold = [
        TTFont(font_file(bold=bold), lazy=True).getBestCmap() for bold in (False, True)
    ]
    return frozenset(regular_and_bold[0]) & frozenset(regular_and_bold[1])
