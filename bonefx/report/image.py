"""Draw a report as a picture with a caption: a PNG, and the picture of a Secondary Capture."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bonefx.errors import SettingsError
from bonefx.films.raster import encode_png, shrink_to
from bonefx.report.record import Overlay, Report
from bonefx.report.typeface import font_file
from bonefx.report.wording.maps import map_words
from bonefx.report.wording.points import (
    point_words,
)
from bonefx.report.wording.readings import (
    NOTICE,
    probability_words,
    reading_notes,
    reason_words,
    second_model_words,
    verdict_words,
)

MAX_PNG_PX = 1600  # longer side of each of the two pictures
MAX_FILED_PX = 2560  # longer side of the picture of a Secondary Capture
MIN_WIDTH_PX = 640  # narrower pictures get a margin, so that the caption is readable
GAP_PX = 16
GROUND, HEADING_COLOUR, TEXT_COLOUR = "black", "#e8eaed", "#a9b1ba"


def report_png(report: Report) -> bytes:
    """Draw film and overlay side by side with a caption below; return a PNG without metadata."""
    canvas = add_caption(_pair(report), _lines(report), scale=report.overlay)
    return encode_png(np.asarray(canvas))


def heatmap_png(report: Report) -> bytes:
    """Encode the heat map as a 16-bit grey PNG on the grid of the film; 65535 is the peak.

    Raises:
        SettingsError: The reading has no heat map.
    """
    if report.overlay is None:
        words = map_words(report.reading, shown=False, heat_floor=report.heat_floor)
        raise SettingsError(f"there is no map to write; leave the form map out. {words}")
    levels = np.rint(report.overlay.heat * 65535.0).astype(np.uint16)
    return encode_png(levels)


def draw_capture(report: Report) -> NDArray[np.uint8]:
    """Draw the overlay, or the film if there is none, with a caption below.

    Returns:
        (H, W, 3) RGB uint8. The film starts at the first pixel, at its own size up to
        MAX_FILED_PX.
    """
    picture = report.film if report.overlay is None else report.overlay.pixels
    canvas = add_caption(
        Image.fromarray(shrink_to(picture, MAX_FILED_PX)), _lines(report), scale=report.overlay
    )
    return np.asarray(canvas)


def add_caption(
    picture: Image.Image, lines: list[tuple[str, bool]], *, scale: Overlay | None
) -> Image.Image:
    """Add text below a picture, and the colour scale of the heat map below that.

    Args:
        picture: Grey or RGB; copied unchanged to the upper left.
        lines: Text, and whether it is bold; long lines are wrapped.
        scale: Overlay whose colours are shown; None for no scale.

    Returns:
        RGB picture.
    """
    width = max(picture.width, MIN_WIDTH_PX)
    size_px = max(15, width // 64)
    fonts = {bold: ImageFont.truetype(font_file(bold=bold), size_px) for bold in (False, True)}
    wrapped = [
        (part, bold)
        for words, bold in lines
        for part in _wrapped(words, fonts[bold], width - 2 * GAP_PX)
    ]
    line_px = round(1.5 * size_px)
    rows = len(wrapped) + (scale is not None)
    canvas = Image.new("RGB", (width, picture.height + rows * line_px + 2 * GAP_PX), GROUND)
    canvas.paste(picture.convert("RGB"), (0, 0))
    draw = ImageDraw.Draw(canvas)
    y = picture.height + GAP_PX
    for words, bold in wrapped:
        draw.text((GAP_PX, y), words, HEADING_COLOUR if bold else TEXT_COLOUR, font=fonts[bold])
        y += line_px
    if scale is not None:
        bar = scale_bar(scale).resize((min(width // 3, 20 * size_px), size_px))
        canvas.paste(bar, (GAP_PX, y))
    return canvas


def scale_bar(overlay: Overlay) -> Image.Image:
    """Return the colours of the heat map from 0 to its peak, one pixel each."""
    return Image.fromarray(overlay.scale[None])


def _pair(report: Report) -> Image.Image:
    """Draw film and overlay, stacked if the film is wide, else side by side; or only the film."""
    film = Image.fromarray(shrink_to(report.film, MAX_PNG_PX)).convert("RGB")
    if report.overlay is None:
        return film
    overlay = Image.fromarray(shrink_to(report.overlay.pixels, MAX_PNG_PX))
    side_by_side = film.width < 1.5 * film.height
    offset = (film.width + GAP_PX, 0) if side_by_side else (0, film.height + GAP_PX)
    size = (film.width + offset[0], film.height + offset[1])
    pair = Image.new("RGB", size, GROUND)
    pair.paste(film, (0, 0))
    pair.paste(overlay, offset)
    return pair


def _lines(report: Report) -> list[tuple[str, bool]]:
    reading = report.reading
    sign, words = verdict_words(reading)
    shown = report.overlay is not None
    return [
        (f"{sign} {words}", True),
        (probability_words(reading), True),
        *([(second_model_words(reading), reading.models_disagree)] if reading.second else []),
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
    """Wrap text at blanks, and inside a word that is wider than a line."""
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
