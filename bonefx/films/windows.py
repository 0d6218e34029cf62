"""Windows: which part of a film's values is shown between black and white. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bonefx.records import Radiograph, Window

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MAX_NAME = 32
BACKGROUND = 0.02  # of the full range; darker is air or collimator
NARROWEST = 0.02
PARTS = (("Bone", 0.5, 0.998), ("Soft tissue", 0.01, 0.6))  # quantiles of what is not background


def linear_windows(header: Dataset, *, low: float, high: float) -> tuple[Window, ...]:
    """Read the windows that a header gives, if they are linear.

    Args:
        header: With its window, if any, and without a window that means nothing.
        low: Smallest value of the film after the modality transform; 0 of the returned scale.
        high: Largest value; 1 of the returned scale, white = dense for MONOCHROME2.

    Returns:
        In the order of the header; empty where a look-up table or a sigmoid takes the place of a
        window, or where there is none. MONOCHROME1 is turned, so that white is dense.

    Source:
        DICOM PS3.3, C.11.2.1.2.1 (LINEAR) and C.11.2.1.3.2 (LINEAR_EXACT).
    """
    function = str(header.get("VOILUTFunction") or "LINEAR")
    if "VOILUTSequence" in header or "WindowCenter" not in header or function == "SIGMOID":
        return ()
    exact = function == "LINEAR_EXACT"
    centres, widths = (_numbers(header[name].value) for name in ("WindowCenter", "WindowWidth"))
    names = _names(header.get("WindowCenterWidthExplanation"), len(centres))
    turned = header.PhotometricInterpretation == "MONOCHROME1"
    found = []
    for name, centre, width in zip(names, centres, widths, strict=False):
        first, last = _edges(centre, width, exact=exact)
        edges = ((first - low) / (high - low), (last - low) / (high - low))
        if edges[0] < edges[1]:
            black, white = (1 - edges[1], 1 - edges[0]) if turned else edges
            found.append(Window(name=name, low=black, high=white))
    return tuple(found)


def window_presets(film: Radiograph) -> tuple[Window, ...]:
    """Offer windows for a film: as it was read, the whole range, and two parts of it.

    Args:
        film: Its values beyond BACKGROUND are taken for tissue.

    Returns:
        The first shows the film as the network got it.
    """
    given = film.windows or (Window(name="", low=0.0, high=1.0),)
    named = [
        Window(name=f"Film's own: {window.name}" if window.name else "As read", low=low, high=high)
        for window, low, high in ((window, window.low, window.high) for window in given)
    ]
    whole = [Window(name="Full range", low=0.0, high=1.0)] if film.windows else []
    tissue = film.values[film.values > BACKGROUND]
    return (*named, *whole, *(_between(tissue, *part) for part in PARTS if tissue.size))


def _between(values: NDArray[np.float32], name: str, first: float, last: float) -> Window:
    low, high = np.quantile(values, (first, last))
    return Window(name=name, low=float(low), high=float(max(high, low + NARROWEST)))


def _edges(centre: float, width: float, *, exact: bool) -> tuple[float, float]:
    if exact:
        return centre - width / 2, centre + width / 2
    return centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2


def _numbers(value: object) -> list[float]:
    return [float(number) for number in np.atleast_1d(np.asarray(value, float))]


def _names(value: object, count: int) -> list[str]:
    """Explanations in words a screen can hold; manufacturers write NORMAL, HARDER, SOFTER."""
    given = [value] if isinstance(value, str) else list(value or ())  # type: ignore[call-overload]
    names = [str(name).strip()[:MAX_NAME].capitalize() for name in given]
    return (names + [""] * count)[:count]
