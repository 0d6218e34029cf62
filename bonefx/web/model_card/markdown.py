"""HTML of a model card in Markdown, safe for cards from unknown repositories.

HTML in a card is shown as text. Only pictures beside the card are shown, embedded in the page, so
that reading a card sends no request to another host.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bonefx.web.shared.templates import render

PICTURE = re.compile(r"[A-Za-z0-9][\w.-]*\.png", re.ASCII)
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_PICTURE_BYTES = 8 << 20  # a model's figures.png has about 200,000
TABLE = '<div class="wide" role="region" aria-label="Table" tabindex="0"><table>'
HEADINGS = {f"h{level}": f"h{min(level + 1, 6)}" for level in range(1, 7)}


def card_html(text: str, *, folder: Path) -> str:
    """Render a card with its headings one level down, as the page has a heading of its own.

    Args:
        text: CommonMark with tables.
        folder: Folder of the card's pictures.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    for token in tokens:
        token.tag = HEADINGS.get(token.tag, token.tag)
        token.children = token.children and [_inline(part, folder) for part in token.children]
    page = str(parser.renderer.render(tokens, parser.options, {}))
    return page.replace("<table>", TABLE).replace("</table>", "</table></div>")


def _inline(token: Token, folder: Path) -> Token:
    """Embed a picture; open a link in a new tab without a referrer."""
    if token.type == "link_open":
        token.attrs |= {"target": "_blank", "rel": "noopener noreferrer"}
    if token.type == "image":
        return Token("html_inline", "", 0, content=_picture_html(token, folder))
    return token


def _picture_html(token: Token, folder: Path) -> str:
    """Render a picture of the card's folder; for any other picture, its alternative text."""
    content = _read_picture(folder, str(token.attrs["src"]))
    return render(
        "model_card/picture.html.j2",
        text="".join(part.content for part in token.children or []),
        png_base64="" if content is None else base64.b64encode(content).decode(),
    )


def _read_picture(folder: Path, name: str) -> bytes | None:
    """Read a PNG of the card's own folder; None for anything else."""
    path = folder / name
    if not PICTURE.fullmatch(name) or not path.is_file():
        return None
    if path.stat().st_size > MAX_PICTURE_BYTES:
        return None
    content = path.read_bytes()
    return content if content.startswith(PNG_SIGNATURE) else None
