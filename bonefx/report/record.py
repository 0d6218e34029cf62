"""The record that every form of a report is made from: a reading, pictures and the user's text."""

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
    """The film blended with its heat map, and the map itself.

    Attributes:
        heat: The map, (H, W) float32 in [0, 1], on the film's own grid.
        contours: Lines around the hot regions, from heatmaps.overlay.hot_contours.
        pixels: The blended film, (H, W, 3) RGB uint8, from heatmaps.overlay.overlay.
        scale: The map's colours from 0 to its peak, (N, 3) RGB uint8.
        opacity: Weight of the colour at the peak, in [0, 1].
    """

    heat: NDArray[np.float32]
    contours: tuple[NDArray[np.int32], ...]
    pixels: NDArray[np.uint8]
    scale: NDArray[np.uint8]
    opacity: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class Report:
    """A reading with everything that a filed report contains; no patient data, no file name.

    Attributes:
        reading: Verdict, probability, operating point, model and checksums.
        film: (H, W) uint8, white = dense.
        overlay: None without a map to show.
        heat_floor: Peak in logits below which the model shows no map.
        facts: Facts from the film's file, the part that was read and the changes, as names and
            values; see film_wording.film_facts.
        calibration: Of the model; None if not known.
        origin: Repository and commit that the model was fetched from; None for a local model.
        created: Time of the report, with its time zone.
        test_set: Name of the data set that the model was tested on; empty if not known.
        validated_share: Share of fractures among its validation films, in [0, 1]; None if not
            known.
        text: The user's own text; normalised, without control characters except line ends.
        version: Version of bonefx.
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
            raise ValueError("created must have a time zone")
        if self.overlay is not None:
            _check_overlay(self.overlay, self)
        object.__setattr__(self, "text", clean_text(self.text))


def clean_text(text: str) -> str:
    """Normalise the user's text to NFC, plain line ends and no control characters.

    Raises:
        SettingsError: The text is longer than MAX_TEXT_CHARACTERS.
    """
    lines = unicodedata.normalize("NFC", text).replace("\t", TAB).splitlines()
    printable = (
        "".join(sign for sign in line if unicodedata.category(sign) not in UNPRINTABLE).rstrip()
        for line in lines
    )
    clean = "\n".join(printable).strip("\n")
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
