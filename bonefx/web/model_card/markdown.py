"""A model card in Markdown -> HTML that can do nothing but be read.

A card may come from anybody's repository. So HTML in it is shown as text, pictures are only those
that lie beside it, and they travel inside the page: reading a card asks no other host for anything.
"""

from __future__ import annotations

import base64
import re
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

PICTURE = re.compile(r"[A-Za-z0-9][\w.-]*\.png", re.ASCII)
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_PICTURE_BYTES = 8 << 20  # figures.png of a model has about 0.2 million
TABLE = '<div class="wide" role="region" aria-label="Table" tabindex="0"><table>'
HEADINGS = {f"h{level}": f"h{min(level + 1, 6)}" for level in range(1, 7)}


def card_html(text: str, *, folder: Path) -> str:
    """Render a card, its headings one level down, as the page has a heading of its own.

    Args:
        text: CommonMark with tables.
        folder: Where the card's pictures lie.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    for token in tokens:
        token.tag = HEADINGS.get(token.tag, token.tag)
        token.children = token.children and [_inline(part, folder) for part in token.children]
    page = str(parser.renderer.render(tokens, parser.options, {}))
    return page.replace("<table>", TABLE).replace("</table>", "</table></div>")


def _inline(token: Token, folder: Path) -> Token:
    """Put a picture into the page; open a link beside it, and tell its host nothing of it."""
    if token.type == "link_open":
        token.attrs |= {"target": "_blank", "rel": "noopener noreferrer"}
    if token.type == "image":
        return Token("html_inline", "", 0, content=_image_html(token, folder))
    return token


def _image_html(token: Token, folder: Path) -> str:
    """Show a picture that lies beside the card; of any other, say what it shows."""
    words = escape("".join(part.content for part in token.children or []))
    content = _picture(folder, str(token.attrs["src"]))
    if content is None:
        return f'<span class="absent">[A picture that is not here: {words}]</span>'
    url = base64.b64encode(content).decode()
    return f'<img src="data:image/png;base64,{url}" alt="{words}">'


def _picture(folder: Path, name: str) -> bytes | None:
    """Read a PNG of the card's own folder; None for anything else."""
    path = folder / name
    if not PICTURE.fullmatch(name) or not path.is_file():
        return None
    if path.stat().st_size > MAX_PICTURE_BYTES:
        return None
    content = path.read_bytes()
    return content if content.startswith(PNG_SIGNATURE) else None
