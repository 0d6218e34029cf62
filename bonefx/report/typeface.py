"""The typeface of the reports: DejaVu Sans, which matplotlib brings along on every system."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

MISSING = "▯"
RIGHT_TO_LEFT = ("R", "AL")  # bidirectional classes whose letters need joining and turning round


def font_file(*, bold: bool = False) -> Path:
    """Find the font file."""
    import matplotlib as mpl

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return Path(mpl.get_data_path()) / "fonts" / "ttf" / name


def printable_text(text: str) -> tuple[str, int]:
    """Put MISSING for what the page cannot print, so that no library tells it to a log.

    Format characters without a glyph are dropped.

    Args:
        text: Any text.

    Returns:
        The text, and how many characters are missing from it.
    """
    signs = [_printed(sign) for sign in text]
    return "".join(signs), sum(new == MISSING != old for old, new in zip(text, signs, strict=True))


def _printed(sign: str) -> str:
    if sign == "\n":
        return sign
    category, direction = unicodedata.category(sign), unicodedata.bidirectional(sign)
    if category == "Cf":
        return ""
    known = ord(sign) in _glyphs() and direction not in RIGHT_TO_LEFT
    return sign if known else MISSING


@cache
def _glyphs() -> frozenset[int]:
    from fontTools.ttLib import TTFont

    both = [TTFont(font_file(bold=bold), lazy=True).getBestCmap() for bold in (False, True)]
    return frozenset(both[0]) & frozenset(both[1])
