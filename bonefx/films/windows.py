"""Display windows: the range of a film's values that is shown from black to white."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bonefx.films.automatic_window import AUTOMATIC
from bonefx.records import Radiograph, Window

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MAX_WINDOW_NAME = 32  # characters
BACKGROUND = 0.02  # of the full range; darker is air or collimator
MIN_WINDOW_WIDTH = 0.02  # of the full range
# Name and edges, as quantiles of the values above BACKGROUND
TISSUE_WINDOWS = (("Bone", 0.5, 0.998), ("Soft tissue", 0.01, 0.6))


def linear_windows(header: Dataset, *, low: float, high: float) -> tuple[Window, ...]:
    """Return the linear windows of a DICOM header.

    Args:
        header: Header of the film; an invalid window was removed.
        low: Smallest value of the film after the modality transform; becomes 0.
        high: Largest value of the film after the modality transform, > low; becomes 1.

    Returns:
        Windows in the order of the header, white = dense; empty if the header has a look-up table
        or a sigmoid instead, or no window.

    Source:
        DICOM PS3.3, C.11.2.1.2.1 (LINEAR) and C.11.2.1.3.2 (LINEAR_EXACT).
    """
    function = str(header.get("VOILUTFunction") or "LINEAR")
    if "VOILUTSequence" in header or "WindowCenter" not in header or function == "SIGMOID":
        return ()
    exact = function == "LINEAR_EXACT"
    centres, widths = (_numbers(header[name].value) for name in ("WindowCenter", "WindowWidth"))
    names = _names(header.get("WindowCenterWidthExplanation"), len(centres))
    white_is_zero = header.PhotometricInterpretation == "MONOCHROME1"
    windows = []
    for name, centre, width in zip(names, centres, widths, strict=False):
        first, last = _edges(centre, width, exact=exact)
        edges = ((first - low) / (high - low), (last - low) / (high - low))
        if edges[0] < edges[1]:
            black, white = (1 - edges[1], 1 - edges[0]) if white_is_zero else edges
            windows.append(Window(name=name, low=black, high=white))
    return tuple(windows)


def window_presets(film: Radiograph) -> tuple[Window, ...]:
    """Return windows for a film: as read, full range, bone and soft tissue.

    Args:
        film: A film; its values above BACKGROUND are taken as tissue.

    Returns:
        Windows; the first one shows the film as the network reads it.
    """
    whole = Window(name="Full range", low=0.0, high=1.0)
    given = film.windows or (replace(whole, name=""),)
    named = [replace(window, name=_preset_name(window.name)) for window in given]
    everything = [whole] if (given[0].low, given[0].high) != (0.0, 1.0) else []
    tissue = film.values[film.values > BACKGROUND]
    return (
        *named,
        *everything,
        *(_between(tissue, *part) for part in TISSUE_WINDOWS if tissue.size),
    )


def _preset_name(given: str) -> str:
    if given in ("", AUTOMATIC):
        return "As read"
    return f"Film's own: {given}"


def _between(values: NDArray[np.float32], name: str, first: float, last: float) -> Window:
    low, high = np.quantile(values, (first, last))
    return Window(name=name, low=float(low), high=float(max(high, low + MIN_WINDOW_WIDTH)))


def _edges(centre: float, width: float, *, exact: bool) -> tuple[float, float]:
    if exact:
        return centre - width / 2, centre + width / 2
    return centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2


def _numbers(value: object) -> list[float]:
    return [float(number) for number in np.atleast_1d(np.asarray(value, float))]


def _names(value: object, count: int) -> list[str]:
    """Return short names for the screen; manufacturers write NORMAL, HARDER, SOFTER."""
    given = [value] if isinstance(value, str) else list(value or ())  # type: ignore[call-overload]
    names = [str(name).strip()[:MAX_WINDOW_NAME].capitalize() for name in given]
    return (names + [""] * count)[:count]
