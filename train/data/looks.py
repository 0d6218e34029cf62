"""Random changes of a film's look: as another scanner, another archive or a web page shows it.

Each change keeps the anatomy in place, so that labels and boxes stay valid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]  # (H, W) in [0, 1]
Change = Callable[[Pixels, np.random.Generator], Pixels]

TEXTS = ("L", "R", "AP", "LAT", "PORTABLE", "ERECT", "1/2", "OBL")


def change_look(
    pixels: NDArray[np.uint8], random: np.random.Generator, *, probability: float
) -> NDArray[np.uint8]:
    """Apply each of CHANGES to a film with the given probability, in their order.

    Args:
        pixels: (H, W), the film without padding.
        random: Source of all random choices.
        probability: Of each change, in [0, 1].
    """
    film = _to_unit(pixels)
    for change in CHANGES:
        if random.random() < probability:
            film = np.clip(change(film, random), 0, 1)
    return _to_levels(film)


def _to_unit(levels: NDArray[Any]) -> Pixels:
    return np.asarray(levels, np.float32) / np.float32(255)


def _to_levels(film: Pixels) -> NDArray[np.uint8]:
    return np.asarray(np.rint(np.clip(film, 0, 1) * 255), np.uint8)


def _window(film: Pixels, random: np.random.Generator) -> Pixels:
    """Display other percentiles as black and white."""
    low, high = np.percentile(film, (random.uniform(0, 5), random.uniform(95, 100)))
    return np.asarray((film - low) / max(high - low, 0.05), np.float32)


def _dim(film: Pixels, random: np.random.Generator) -> Pixels:
    """Use a part of the grey levels alone, as a film without a display window does."""
    low, span = random.uniform(0, 0.2), random.uniform(0.3, 0.8)
    return np.asarray(low + span * film, np.float32)


def _latitude(film: Pixels, random: np.random.Generator) -> Pixels:
    """Strengthen or weaken structures of some size against the rest, as scanners differ."""
    sigma = max(film.shape) * 10 ** random.uniform(-2.0, -1.0)
    wide = cv2.GaussianBlur(film, (0, 0), sigma)
    return np.asarray(wide + random.uniform(0.6, 1.8) * (film - wide), np.float32)


def _equalise(film: Pixels, random: np.random.Generator) -> Pixels:
    """Equalise the contrast locally."""
    tiles = int(random.integers(2, 9))
    clahe = cv2.createCLAHE(clipLimit=random.uniform(1, 4), tileGridSize=(tiles, tiles))
    return _to_unit(clahe.apply(_to_levels(film)))


def _curve(film: Pixels, random: np.random.Generator) -> Pixels:
    """Bend the characteristic curve into an S or its inverse."""
    steepness = random.uniform(2, 8)
    bent = 1 / (1 + np.exp(-steepness * (film - random.uniform(0.35, 0.65))))
    low, high = float(bent.min()), float(bent.max())
    return np.asarray((bent - low) / max(high - low, 1e-3), np.float32)


def _blur(film: Pixels, random: np.random.Generator) -> Pixels:
    return np.asarray(cv2.GaussianBlur(film, (0, 0), random.uniform(0.4, 1.2)), np.float32)


def _sharpen(film: Pixels, random: np.random.Generator) -> Pixels:
    fine = film - cv2.GaussianBlur(film, (0, 0), random.uniform(0.7, 2.0))
    return np.asarray(film + random.uniform(0.3, 1.5) * fine, np.float32)


def _resolution(film: Pixels, random: np.random.Generator) -> Pixels:
    """Reduce and enlarge the film again."""
    height, width = film.shape
    factor = random.uniform(0.45, 0.9)
    size = max(8, round(width * factor)), max(8, round(height * factor))
    small = cv2.resize(film, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _grain(film: Pixels, random: np.random.Generator) -> Pixels:
    """Add noise, correlated over a pixel or so."""
    white = random.normal(size=film.shape).astype(np.float32)
    noise = np.asarray(cv2.GaussianBlur(white, (0, 0), random.uniform(0.3, 1.0)), np.float32)
    return np.asarray(film + random.uniform(0.005, 0.03) / noise.std() * noise, np.float32)


def _text(film: Pixels, random: np.random.Generator) -> Pixels:
    """Write side markers and other text near the edges."""
    marked = _to_levels(film)
    height, width = film.shape
    for _ in range(int(random.integers(1, 4))):
        corner = (
            int(width * random.choice((0.02, 0.75)) + width * random.uniform(0, 0.1)),
            int(height * random.choice((0.1, 0.9)) + height * random.uniform(-0.05, 0.08)),
        )
        cv2.putText(
            marked, str(random.choice(TEXTS)), corner, int(random.integers(0, 4)),
            random.uniform(0.3, 0.9), random.uniform(150, 255), int(random.integers(1, 3)),
            cv2.LINE_AA,
        )  # fmt: skip
    return _to_unit(marked)


def _mount(film: Pixels, random: np.random.Generator) -> Pixels:
    """Lay the film on a black or white border; the border covers the film's own edge."""
    tone = random.choice((0.0, 1.0, random.uniform(0, 1)))
    mounted = film.copy()
    for rows in (mounted, mounted[::-1], mounted.T, mounted.T[::-1]):
        if random.random() < 0.5:
            rows[: int(len(rows) * random.uniform(0.0, 0.06))] = tone
    return mounted


def _jpeg(film: Pixels, random: np.random.Generator) -> Pixels:
    quality = int(random.integers(25, 90))
    _, code = cv2.imencode(".jpg", _to_levels(film), [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded: Any = cv2.imdecode(code, cv2.IMREAD_GRAYSCALE)
    return _to_unit(decoded)


CHANGES: tuple[Change, ...] = (
    _window, _curve, _latitude, _equalise, _dim, _sharpen, _blur, _resolution, _grain, _text,
    _mount, _jpeg,
)  # fmt: skip
