"""Display windows: the range of a film's values that is shown from black to white."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bonefx.films.automatic_window import AUTOMATIC
from bonefx.records import Radiograph, Window

BACKGROUND = 0.02  # of the full range; darker is air or collimator
MIN_WINDOW_WIDTH = 0.02  # of the full range
# Name and edges, as quantiles of the values above BACKGROUND
TISSUE_WINDOWS = (("Bone", 0.5, 0.998), ("Soft tissue", 0.01, 0.6))


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
