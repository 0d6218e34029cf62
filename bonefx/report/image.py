"""Report -> pictures with their words below: a PNG of film and overlay, and what a PACS files."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bonefx.errors import SettingsError
from bonefx.report.record import Overlay, Report
from bonefx.report.typeface import font_file
from bonefx.report.wording import (
    NOTICE,
    VERDICT_WORDING,
    map_words,
    point_words,
    probability_words,
    reading_notes,
    reason_words,
)

MAX_PNG_PX = 1600  # longer side of each of the two pictures
MAX_FILED_PX = 2560  # longer side of the picture that a PACS files
MIN_WIDTH_PX = 640  # narrower pictures get a margin, so that the words stay readable
GAP_PX = 16
GROUND, INK, DIM = "black", "#e8eaed", "#a9b1ba"


def report_png(report: Report) -> bytes:
    """Draw film and overlay beside each other, words below; PNG without any metadata."""
    canvas = captioned(_pair(report), _lines(report), scale=report.overlay)
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG")
    return buffer.getvalue()


def heatmap_png(report: Report) -> bytes:
    """Write the map alone as a 16-bit grey PNG on the film's own grid; 65535 is the peak.

    Raises:
        SettingsError: The reading shows no map.
    """
    if report.overlay is None:
        words = map_words(report.reading, shown=False, heat_floor=report.heat_floor)
        raise SettingsError(f"there is no map to write; leave the form map out. {words}")
    levels = np.rint(report.overlay.heat * 65535.0).astype(np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    return buffer.getvalue()


def filed_picture(report: Report) -> NDArray[np.uint8]:
    """Draw what a PACS files: the overlay, or the film where there is none, words below.

    Returns:
        (H, W, 3) RGB uint8. The film begins at the first pixel, at its own size up to MAX_FILED_PX.
    """
    picture = report.film if report.overlay is None else report.overlay.pixels
    canvas = captioned(shrink_to(picture, MAX_FILED_PX), _lines(report), scale=report.overlay)
    return np.asarray(canvas)


def shrink_to(picture: NDArray[np.uint8], longest_px: int) -> Image.Image:
    """Average a picture down to a longest side; a smaller one stays as it is."""
    image = Image.fromarray(picture)
    scale = longest_px / max(image.size)
    if scale >= 1:
        return image
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BOX)


def captioned(
    picture: Image.Image, lines: list[tuple[str, bool]], *, scale: Overlay | None
) -> Image.Image:
    """Put words below a picture, and the map's colours under them.

    Args:
        picture: Grey or RGB; stays at the upper left, pixel by pixel.
        lines: Words, and whether they are the heading; too long ones are wrapped.
        scale: Whose colours to show; None for none.

    Returns:
        RGB.
    """
    width = max(picture.width, MIN_WIDTH_PX)
    size_px = max(15, width // 64)
    fonts = {bold: ImageFont.truetype(font_file(bold=bold), size_px) for bold in (False, True)}
    wrapped = [
        (part, bold)
        for words, bold in lines
        for part in _wrapped(words, fonts[bold], width - 2 * GAP_PX)
    ]
    step = round(1.5 * size_px)
    rows = len(wrapped) + (scale is not None)
    canvas = Image.new("RGB", (width, picture.height + rows * step + 2 * GAP_PX), GROUND)
    canvas.paste(picture.convert("RGB"), (0, 0))
    draw = ImageDraw.Draw(canvas)
    y = picture.height + GAP_PX
    for words, bold in wrapped:
        draw.text((GAP_PX, y), words, INK if bold else DIM, font=fonts[bold])
        y += step
    if scale is not None:
        bar = scale_bar(scale).resize((min(width // 3, 20 * size_px), size_px))
        canvas.paste(bar, (GAP_PX, y))
    return canvas


def scale_bar(overlay: Overlay) -> Image.Image:
    """The map's colours from 0 to its peak, one pixel each."""
    return Image.fromarray(overlay.scale[None])


def _pair(report: Report) -> Image.Image:
    """Film and overlay, below each other where the film is broad, else beside; or the film."""
    film = shrink_to(report.film, MAX_PNG_PX).convert("RGB")
    if report.overlay is None:
        return film
    overlay = shrink_to(report.overlay.pixels, MAX_PNG_PX)
    beside = film.width < 1.5 * film.height
    offset = (film.width + GAP_PX, 0) if beside else (0, film.height + GAP_PX)
    size = (film.width + offset[0], film.height + offset[1])
    pair = Image.new("RGB", size, GROUND)
    pair.paste(film, (0, 0))
    pair.paste(overlay, offset)
    return pair


def _lines(report: Report) -> list[tuple[str, bool]]:
    reading = report.reading
    sign, words = VERDICT_WORDING[reading.verdict]
    shown = report.overlay is not None
    return [
        (f"{sign} {words}", True),
        (probability_words(reading), True),
        *([(report.reading.caution, True)] if report.reading.caution else []),
        (reason_words(reading), False),
        *((words, False) for words in reading_notes(reading)),
        (point_words(reading.point), False),
        (f"Model {reading.model}, weights SHA-256 {reading.weights_sha256}", False),
        (f"Film SHA-256 {reading.radiograph_sha256}", False),
        (f"bonefx {report.version}, {report.created:%Y-%m-%d %H:%M %Z}. {NOTICE}", False),
        (map_words(reading, shown=shown, heat_floor=report.heat_floor), False),
    ]


def _wrapped(words: str, font: ImageFont.FreeTypeFont, width_px: int) -> Iterator[str]:
    """Break at blanks, and within a word that is wider than a line."""
    line = ""
    for word in words.split():
        longer = f"{line} {word}".lstrip()
        if font.getlength(longer) <= width_px:
            line = longer
            continue
        if line:
            yield line
        while font.getlength(word) > width_px:
            end = max(n for n in range(1, len(word)) if font.getlength(word[:n]) <= width_px)
            yield word[:end]
            word = word[end:]  # noqa: PLW2901
        line = word
    if line:
        yield line
