"""Draw documents, screens, drawings, charts, patterns, noise and blank pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bonefx.report.typeface import font_file
from train.evaluate.scope.intruders.picture import HALVES, Intruder, make_intruder

PICTURES_PER_KIND = 40  # of each kind and half
RandomGenerator = np.random.Generator
Levels = NDArray[np.generic]
SENTENCE = (
    "the patient film report was read in a quiet room before noon and sent on to ward seven with "
    "a note on dose view side and date of the next visit no change since last week"
)


def draw_intruders(name: str) -> list[Intruder]:
    """Draw the pictures of one half of each kind; the same ones in every call.

    Args:
        name: One of picture.HALVES.
    """
    return list(_drawn(HALVES.index(name)))


def _drawn(half: int) -> Iterator[Intruder]:
    for place, (kind, draw) in enumerate(DRAWN.items()):
        for number in range(PICTURES_PER_KIND):
            random = np.random.default_rng([half, place, number])
            yield make_intruder(kind, str(number), draw(random))


def _size(random: RandomGenerator) -> tuple[int, int]:
    width, height = random.integers(320, 1000, 2)
    return int(width), int(height)


def _canvas(random: RandomGenerator, *, dark: bool) -> Image.Image:
    ground = random.integers(0, 50) if dark else random.integers(200, 256)
    return Image.new("L", _size(random), int(ground))


def _text(random: RandomGenerator, words: int) -> str:
    return " ".join(random.choice(SENTENCE.split(), words))


def _document(random: RandomGenerator) -> Levels:
    """Draw a page of text, one in four white on black."""
    dark = bool(random.random() < 0.25)
    page = _canvas(random, dark=dark)
    size_px = int(random.integers(11, 30))
    font, draw = ImageFont.truetype(font_file(), size_px), ImageDraw.Draw(page)
    margin = int(random.integers(10, 60))
    for top in range(margin, page.height - margin, int(size_px * random.uniform(1.2, 2))):
        ink = int(random.integers(180, 256) if dark else random.integers(0, 70))
        draw.text((margin, top), _text(random, int(random.integers(3, 14))), ink, font=font)
    return np.asarray(page)


def _screen(random: RandomGenerator) -> Levels:
    """Panels, buttons, a table and words, as of some program."""
    dark = bool(random.random() < 0.5)
    screen = _canvas(random, dark=dark)
    draw = ImageDraw.Draw(screen)
    font = ImageFont.truetype(font_file(), int(random.integers(10, 18)))
    ink = 220 if dark else 30
    for _ in range(int(random.integers(4, 12))):
        left, top = (int(random.integers(0, side - 80)) for side in screen.size)
        box = (left, top, left + int(random.integers(60, 420)), top + int(random.integers(20, 300)))
        draw.rounded_rectangle(box, 6, int(random.integers(20, 240)), outline=ink)
        draw.text((left + 8, top + 4), _text(random, 3), ink, font=font)
    for row in range(int(random.integers(2, 14))):
        draw.text((20, 20 + 22 * row), _text(random, 5), ink, font=font)
        draw.line((16, 18 + 22 * row, screen.width - 16, 18 + 22 * row), ink // 2 + 60)
    return np.asarray(screen)


def _drawing(random: RandomGenerator) -> Levels:
    """Draw lines and ellipses, sometimes with the outlines of long bones."""
    dark = bool(random.random() < 0.4)
    paper = _canvas(random, dark=dark)
    draw, ink = ImageDraw.Draw(paper), 235 if dark else 25
    for _ in range(int(random.integers(4, 18))):
        points = random.integers(0, min(paper.size), (int(random.integers(2, 9)), 2))
        draw.line([tuple(point) for point in points.tolist()], ink, int(random.integers(1, 7)))
        left, top = random.integers(0, min(paper.size) - 40, 2).tolist()
        box = (left, top, left + int(random.integers(20, 200)), top + int(random.integers(20, 200)))
        draw.ellipse(box, outline=ink, width=int(random.integers(1, 6)))
    for _ in range(int(random.integers(0, 3))):
        _outlined_bone(draw, random, paper.size, ink)
    return np.asarray(paper)


def _outlined_bone(
    draw: ImageDraw.ImageDraw, random: RandomGenerator, size: tuple[int, int], ink: int
) -> None:
    left = int(random.integers(10, size[0] - 80))
    top, bottom = 20, size[1] - 20
    draw.line((left, top + 30, left + 8, bottom - 30), ink, 3)
    draw.line((left + 36, top + 30, left + 30, bottom - 30), ink, 3)
    for end in (top, bottom - 50):
        draw.ellipse((left - 14, end, left + 50, end + 50), outline=ink, width=3)


def _chart(random: RandomGenerator) -> Levels:
    """Draw a chart of curves and bars with two axes."""
    dark = bool(random.random() < 0.3)
    chart = _canvas(random, dark=dark)
    draw, ink = ImageDraw.Draw(chart), 230 if dark else 20
    font = ImageFont.truetype(font_file(), 13)
    width, height = chart.size
    draw.line((50, 20, 50, height - 40, width - 20, height - 40), ink, 2)
    for tick in range(60, width - 40, 60):
        draw.text((tick, height - 32), str(tick), ink, font=font)
    count = int(random.integers(8, 40))
    across = np.linspace(60, width - 30, count)
    for line in range(int(random.integers(1, 5))):
        grey = (40 + 45 * line + (90 if dark else 0)) % 256
        up = height - 60 - np.abs(np.cumsum(random.normal(0, height / 18, count))) % (height - 90)
        points = [(float(x), float(y)) for x, y in zip(across, up, strict=True)]
        if line % 2:
            for x, y in points:
                draw.rectangle((x, y, x + 6, height - 41), grey)
        else:
            draw.line(points, grey, 3)
    return np.asarray(chart)


def _pattern(random: RandomGenerator) -> Levels:
    """Draw stripes, squares, rings or a ramp, at any angle."""
    width, height = _size(random)
    y, x = np.mgrid[:height, :width]
    angle, period = random.uniform(0, np.pi), random.uniform(8, 120)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    waves = np.sin(2 * np.pi * along / period)
    made = (
        waves,
        np.sign(waves),
        np.sign(waves * np.sin(2 * np.pi * across / period)),
        np.sin(2 * np.pi * np.hypot(x - width / 2, y - height / 2) / period),
        2 * (along - along.min()) / np.ptp(along) - 1,
    )[int(random.integers(5))]
    low, high = sorted(random.uniform(0, 255, 2))
    levels: Levels = low + (max(high, low + 60) - low) * (made + 1) / 2
    return levels


def _noise(random: RandomGenerator) -> Levels:
    """Draw noise of any grain, from single pixels to clouds."""
    width, height = _size(random)
    raw = random.normal(0, 1, (height, width)).astype(np.float32)
    grain = float(random.choice([0, 0, 1.5, 6, 25, 80]))
    if grain:
        raw = np.asarray(cv2.GaussianBlur(raw, (0, 0), grain), np.float32)
        raw /= max(float(raw.std()), 1e-6)
    return random.uniform(60, 200) + random.uniform(20, 70) * raw


def _blank(random: RandomGenerator) -> Levels:
    """Draw one grey level, with little or no noise."""
    width, height = _size(random)
    return random.uniform(0, 255) + random.uniform(0, 2.5) * random.normal(0, 1, (height, width))


DRAWN: dict[str, Callable[[RandomGenerator], Levels]] = {
    "documents": _document,
    "screens": _screen,
    "drawings": _drawing,
    "charts": _chart,
    "patterns": _pattern,
    "noise": _noise,
    "blank": _blank,
}
