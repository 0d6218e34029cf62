"""Display the stored values of a DICOM film: modality transform, VOI transform, polarity.

Only the photometric interpretation determines the polarity, not PresentationLUTShape: every film
has the former, viewers use it, and the shape of some files contradicts it.

Source:
    DICOM PS3.3, C.11.1 (Modality LUT), C.11.2 (VOI LUT), C.7.6.3.1.2 (Photometric Interpretation);
    PS3.4, N.2 (their order).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bonefx.films.automatic_window import (
    DisplayedFilm,
    automatic_range,
    scaled_values,
    show_automatically,
)
from bonefx.films.dicom.elements import items, numbers
from bonefx.films.dicom.lookup_tables import first_table
from bonefx.films.dicom.pixel_data import StoredPixels
from bonefx.films.dicom.voi_windows import LARGEST_VALUE, VoiWindow, header_windows, linear_windows
from bonefx.films.value_groups import MAX_SAMPLES, TAIL

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MIN_CONTRAST = 0.1  # of black to white; a window that shows less of a film does not belong to it
MAX_CLIPPED = 0.95  # of the pixels; a finger in a large field has more than the rest within


def show_stored(header: Dataset, stored: StoredPixels) -> tuple[DisplayedFilm, bool]:
    """Display a grey film as its header says; without a usable window, automatically.

    Args:
        header: From parse_header.
        stored: Pixels of one sample.

    Returns:
        The film, white = dense, padding black; and whether the header has a table or window that
        was not used because it does not fit the film.
    """
    values = modality_output(header, stored)
    film = values.ravel() if stored.padding is None else values[~stored.padding]
    sample = film[:: max(1, film.size // MAX_SAMPLES)]
    table = first_table(header, "VOILUTSequence", film)
    windows = header_windows(header)
    if table is not None and _fits(table.shown(sample), sample):
        return DisplayedFilm(_polarised(table.shown(values), stored)), False
    for number, window in enumerate(windows):
        if _fits(window.shown(sample), sample):
            return _windowed(values, windows[number:], stored), False
    shown = show_automatically(
        values, white_is_zero=stored.form.white_is_zero, outside=stored.padding
    )
    return shown, bool(windows or items(header, "VOILUTSequence"))


def modality_output(header: Dataset, stored: StoredPixels) -> NDArray[Any]:
    """Apply the modality table, or else rescale slope and intercept; finite values.

    A table counts before the slope where a header has both, as in dcmtk. A slope of 0, or one that
    gives values beyond any detector, is ignored.

    Source:
        DICOM PS3.3, C.11.1.1.
    """
    table = first_table(header, "ModalityLUTSequence", stored.values)
    if table is not None:
        return table.output(stored.values)
    slope = _first_finite(numbers(header, "RescaleSlope"), default=1.0) or 1.0
    intercept = _first_finite(numbers(header, "RescaleIntercept"), default=0.0)
    if (slope, intercept) == (1.0, 0.0):
        return stored.values
    largest = max(abs(float(stored.values.min())), abs(float(stored.values.max())))
    if largest * abs(slope) + abs(intercept) > LARGEST_VALUE:
        return stored.values
    return np.asarray(stored.values * np.float64(slope) + intercept)


def _windowed(
    values: NDArray[Any], windows: tuple[VoiWindow, ...], stored: StoredPixels
) -> DisplayedFilm:
    """Display values through the first of the windows."""
    pixels = _polarised(windows[0].shown(values), stored)
    full, low, high = scaled_values(values, outside=stored.padding)
    if windows[0].edges is None or low == high:
        return DisplayedFilm(pixels)
    lines = linear_windows(windows, low=low, high=high, white_is_zero=stored.form.white_is_zero)
    return DisplayedFilm(pixels, _polarised(full, stored) if lines else None, lines)


def _polarised(shown: NDArray[np.float32], stored: StoredPixels) -> NDArray[np.float32]:
    """Return a picture with white = dense and padding black."""
    dense_is_white = 1 - shown if stored.form.white_is_zero else shown
    if stored.padding is not None:
        dense_is_white[stored.padding] = 0
    return dense_is_white


def _fits(shown: NDArray[np.float32], values: NDArray[Any]) -> bool:
    """Return whether a transform displays the film that it is given with.

    It does not if it leaves the film nearly black, white or flat, as the window of a 12-bit film
    does on one of 8 bits, and an automatic window would show it with more contrast.

    Args:
        shown: Displayed values, of some pixels of the film.
        values: The same pixels after the modality transform.
    """
    first, last = automatic_range(values)
    low, high = np.quantile(values, (TAIL, 1 - TAIL))
    if high - low <= 2 * MIN_CONTRAST * (last - first):
        return True  # no window shows more of it
    low, high = np.quantile(shown, (TAIL, 1 - TAIL))
    grey = shown[(values > first) & (values < last)]  # black and white in no window of the film
    clipped = np.mean((grey <= 0) | (grey >= 1)) if grey.size else 0.0
    return bool(high - low >= MIN_CONTRAST and clipped <= MAX_CLIPPED)


def _first_finite(values: tuple[float, ...], *, default: float) -> float:
    return next((value for value in values if math.isfinite(value)), default)
