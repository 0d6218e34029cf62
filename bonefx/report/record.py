"""The record behind every form of a report: a reading, its pictures, and the reader's own text."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from bonefx import __version__
from bonefx.errors import SettingsError
from bonefx.records import Calibration, Reading

MAX_TEXT_CHARACTERS = 10_000
TAB = "    "
UNPRINTABLE = ("Cc", "Cs")  # Unicode categories: control characters and halves of surrogate pairs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class Overlay:
    """The film with its map on top, as explain.overlay makes it, and the map itself.

    Attributes:
        heat: (H, W) float32 in [0, 1], on the film's own grid.
        contours: Around the hottest regions, as explain.contour_of gives them.
        pixels: (H, W, 3) RGB uint8, on the film's own grid.
        scale: (N, 3) RGB uint8, the map's colours from 0 to its peak.
        opacity: Weight of the colour at the peak, in [0, 1].
    """

    heat: NDArray[np.float32]
    contours: tuple[NDArray[np.int32], ...]
    pixels: NDArray[np.uint8]
    scale: NDArray[np.uint8]
    opacity: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class Report:
    """A reading with all that a filed report says; no patient data, no file name.

    Attributes:
        reading: Verdict, probability, operating point, model and checksums.
        film: (H, W) uint8, white = dense.
        overlay: None where there is no map to show.
        heat_floor: Peak in logits below which the model shows no map.
        facts: What the film's file says about it, as names and values in words.
        calibration: Of the model; None where not known.
        origin: Where the model was fetched from; None for one of this machine's own.
        created: When the report was made, with its time zone.
        test_set: Name of the data set that the model was tested on; empty where not known.
        validated_share: Share of fractures among its validation films; None where not known.
        text: The reader's own; normalised, without control characters but line ends.
        version: Of bonefx.
    """

    reading: Reading
    film: NDArray[np.uint8]
    heat_floor: float
    created: datetime
    facts: tuple[tuple[str, str], ...] = ()
    overlay: Overlay | None = None
    calibration: Calibration | None = None
    origin: str | None = None
    test_set: str = ""
    validated_share: float | None = None
    text: str = ""
    version: str = __version__

    def __post_init__(self) -> None:
        if self.film.ndim != 2 or self.film.dtype != np.uint8:
            raise ValueError(f"film must be (H, W) uint8, got {self.film.shape} {self.film.dtype}")
        if self.created.tzinfo is None:
            raise ValueError("created must say its time zone")
        if self.overlay is not None:
            _check_overlay(self.overlay, self)
        object.__setattr__(self, "text", clean_text(self.text))


def clean_text(text: str) -> str:
    """Normalise the reader's text: NFC, plain line ends, no control characters.

    Raises:
        SettingsError: It is longer than MAX_TEXT_CHARACTERS.
    """
    lines = unicodedata.normalize("NFC", text).replace("\t", TAB).splitlines()
    kept = (
        "".join(sign for sign in line if unicodedata.category(sign) not in UNPRINTABLE).rstrip()
        for line in lines
    )
    clean = "\n".join(kept).strip("\n")
    if len(clean) > MAX_TEXT_CHARACTERS:
        raise SettingsError(
            f"the text of the report has {len(clean)} characters; "
            f"shorten it to at most {MAX_TEXT_CHARACTERS}"
        )
    return clean


def _check_overlay(overlay: Overlay, report: Report) -> None:
    if report.reading.probability is None:
        raise ValueError("a film out of scope has no map")
    if overlay.pixels.shape != (*report.film.shape, 3) or overlay.pixels.dtype != np.uint8:
        raise ValueError(
            f"overlay must be {(*report.film.shape, 3)} uint8, "
            f"got {overlay.pixels.shape} {overlay.pixels.dtype}"
        )
    if overlay.heat.shape != report.film.shape or overlay.heat.dtype != np.float32:
        raise ValueError(
            f"heat must be {report.film.shape} float32, got {overlay.heat.shape} "
            f"{overlay.heat.dtype}"
        )
